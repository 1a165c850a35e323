"""`make check-causes`: does a true cause of simulated episodes rank among the first three?

python -m tests.check_causes [PEOPLE]

Mania and hypomania are explained by the boosters' indexes, depression by days and parts of the
day. Causes are found in the simulator, not in the models (scoring/learning/causes.py). To count,
one must rank among the first three and *raise* the probability. Beside it stand the same people on
the last day before their episode: without the sign they would come out alike, because a model
leans on the same few indexes in everybody.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from scoring.domain.router import Antidepressant
from scoring.domain.types import TrackOutput
from scoring.engines.assess import assess_day
from scoring.learning.causes import (
    KINDS,
    TOP,
    SimulatedEpisode,
    effect_sizes,
    index_changes,
    medium_causes,
    part_changes,
    rank_of,
    simulated_episodes,
    true_causes,
)
from scoring.resources import feature_labels, models, router_rules

PEOPLE, SEED = 60, 20261127
WANTED = 0.8


def track_of(episode: SimulatedEpisode, day: date) -> TrackOutput:
    """The explained output of the track that the episode is of."""
    found = assess_day(
        episode.person, episode.days, day, Antidepressant.NONE, models(), router_rules(),
        feature_labels(),
    )  # fmt: skip
    return found.depression if episode.kind == "depression" else found.mania


def sizes_of(episodes: Sequence[SimulatedEpisode], named: set[str]) -> dict[str, float]:
    """Effect sizes of what the track's explanation can name."""
    changes = part_changes if episodes[0].kind == "depression" else index_changes
    sizes = effect_sizes([changes(episode) for episode in episodes])
    return {name: size for name, size in sizes.items() if name in named}


def share_found(causes: frozenset[str], tracks: Sequence[TrackOutput]) -> float:
    """In how many a cause that raises ranks among the first."""
    ranks = [rank_of(causes, track.contributions) for track in tracks]
    return sum(rank is not None and rank <= TOP for rank in ranks) / max(len(ranks), 1)


def check(kind: str, people: int) -> bool:
    """Print one kind of episode; whether its causes rank high often enough."""
    episodes = list(simulated_episodes(kind, people, SEED))
    ill = [t for e in episodes if (t := track_of(e, e.scored_day)).contributions]
    well = [t for e in episodes if (t := track_of(e, e.last_well_day)).contributions]
    sizes = sizes_of(episodes, {c.name for track in ill for c in track.contributions})
    causes, rules = true_causes(sizes), router_rules()
    edge = (rules.depression if kind == "depression" else rules.mania).moderate
    raised = [track for track in ill if (track.probability or 0.0) >= edge]
    found = share_found(causes, ill)
    print(f"{kind}: {' or '.join(sorted(causes))}", *_largest(sizes), sep="\n  ")
    print(
        f"  raises among the first {TOP} in {found:.0%} of {len(ill)} episodes "
        f"(at least {WANTED:.0%}); of the {len(raised)} scored Moderate or High in "
        f"{share_found(causes, raised):.0%}; on the last well day in "
        f"{share_found(causes, well):.0%} of {len(well)}"
    )
    medium = medium_causes(sizes)
    print(
        f"  one of {' or '.join(sorted(medium))} (half an SD or more) in "
        f"{share_found(medium, ill):.0%}; on the last well day in {share_found(medium, well):.0%}"
    )
    return found >= WANTED


def _largest(sizes: Mapping[str, float]) -> Iterator[str]:
    for name in sorted(sizes, key=lambda name: -abs(sizes[name]))[:5]:
        yield f"{name:24} {sizes[name]:+.2f} SD"


def main(arguments: Sequence[str]) -> int:
    """Print every kind; 1 if one falls short."""
    people = int(arguments[0]) if arguments else PEOPLE
    held = [check(kind, people) for kind in KINDS]  # all are printed
    return int(not all(held))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
