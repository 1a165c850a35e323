"""`make check-clinic`: what triage raises in a simulated clinic, and how soon it meets mania.

python -m tests.check_clinic [PATIENTS [DAYS]]

500 patients over 180 days at the rates of a clinic, people among them whose lives only look ill;
both models, the router with its early-warning rules, and triage, night by night. Somebody takes
on every alert the next morning. A night's alert is there the morning after the scored day. An
episode takes some days to unfold; its onset is the first of them, on which nothing shows yet.
"""

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from alerts.domain.triage import (
    EARLY_WARNING,
    RANK,
    WORSE,
    Evidence,
    Standing,
    TrackDay,
    Verdict,
    triage,
)
from alerts.domain.triage_rules import load_triage_rules
from patients.domain.recording import Family
from scoring.domain.baseline_rules import BaselineRules
from scoring.domain.early_warning import EarlyWarning, early_warning
from scoring.domain.pat_window import of_a_week, standardised
from scoring.domain.personal_baseline import PersonalBaseline, days_to_use, personal_baseline
from scoring.domain.router import Antidepressant, decide
from scoring.domain.rules import family_values
from scoring.domain.types import DayFeatures, RiskDecision, TrackOutput
from scoring.domain.vector import body_vector, vector
from scoring.domain.worsening import OWN, worsenings
from scoring.learning.cohort import FIRST_DAY, Member, a_member, recorded, with_history
from scoring.learning.episodes import CLINIC_TIMES, Rates, episode_kinds
from scoring.learning.people import DEPRESSION, EUTHYMIA, HYPOMANIA, MANIA, RAMP_DAYS
from scoring.resources import DATA, baseline_rules, models, router_rules, sedentary_thresholds
from tests.conftest import ROOT

TRIAGE = ROOT / "alerts" / "data" / "triage.toml"
PATIENTS, DAYS, SEED = 500, 180, 20261129
PANEL, WANTED_ALERTS, WANTED_EPISODES = 60, 2.0, 0.85
BEFORE_DAYS, WITHIN_DAYS = 14, 2
WARM_UP_DAYS = 30  # the models' window: an episode that begins in it is not asked for
CHUNK = 25
DIAGNOSES = {
    "mania": ("bipolar_1",),
    "hypomania": ("bipolar_2",),
    "depression": ("mdd", "bipolar_1", "bipolar_2"),
}
KINDS = {"mania": MANIA, "hypomania": HYPOMANIA, "depression": DEPRESSION}


class Night(NamedTuple):
    """What one day gives the models; None where there is too little."""

    vector: np.ndarray | None
    nights_coverage: float
    week: np.ndarray | None
    coverage: float
    warning: EarlyWarning
    worse_for: frozenset[str]


@dataclass
class Patient:
    """One simulated patient with their nights, decisions and alerts (day of alert, verdict)."""

    member: Member
    nights: list[Night]
    decisions: list[RiskDecision] = field(default_factory=list)
    outputs: list[tuple[TrackOutput, TrackOutput]] = field(default_factory=list)
    worse: list[frozenset[str]] = field(default_factory=list)
    alerts: dict[str, list[tuple[int, Verdict]]] = field(default_factory=dict)
    open_on: dict[str, list[bool]] = field(default_factory=dict)


def simulate(days: int, levels: Mapping[Family, float], index: int) -> Patient:
    """One person's nights."""
    rng, rules = np.random.default_rng([SEED, index]), router_rules()
    member = a_member(rng, days, levels, Rates(CLINIC_TIMES))
    data = recorded(rng, member)
    reference = of_a_week(models().references[member.family])
    p95 = models().population_p95(member.family)
    seen: list[DayFeatures] = []
    nights, run_in, usual_rules = [], None, baseline_rules()
    for _, features, recent, week in with_history(data, days, sedentary_thresholds()):
        seen = [*seen[-(rules.early_warning.history_days - 1) :], features]
        if len(seen) == usual_rules.run_in_days:
            run_in = personal_baseline(
                days_to_use(seen, features.day, (), usual_rules), usual_rules
            )
        inputs = vector(recent, features.day)
        known = features.night_present and inputs.nights_present >= rules.min_mania_nights
        values = np.concatenate((inputs.values, body_vector(recent, features.day)))
        is_worn = week.coverage >= rules.min_depression_coverage
        nights.append(
            Night(
                values if known else None,
                inputs.coverage,
                standardised(week, reference).astype(np.float16) if is_worn else None,
                week.coverage,
                early_warning(seen, features.day, p95, rules.early_warning),
                worse_for(features, run_in, usual_rules),
            )
        )
    return Patient(member, nights)


def worse_for(
    day: DayFeatures, usual: PersonalBaseline | None, rules: BaselineRules
) -> frozenset[str]:
    """The poles for which the day is worse than the person's run-in, as a stored score says it."""
    found = worsenings(day, usual.values, OWN, rules) if usual else ()
    return frozenset(pole for deviation in found for pole in deviation.poles)


def score(patients: Sequence[Patient]) -> None:
    """Both models on all nights together, then the router on each."""
    used, rules = models(), router_rules()
    nights = [n for p in patients for n in p.nights]
    depression, mania = np.full(len(nights), np.nan), np.full(len(nights), np.nan)
    at = [i for i, n in enumerate(nights) if n.week is not None]
    weeks = np.stack([nights[i].week for i in at]).astype(np.float32)  # type: ignore[misc]
    raw = used.depression_engine.probabilities(weeks)
    depression[at] = [used.calibrator("depression")(float(p)) for p in raw]
    at = [i for i, n in enumerate(nights) if n.vector is not None]
    rows = np.stack([nights[i].vector for i in at])  # type: ignore[misc]
    both = used.mania_engine.probabilities(rows[:, : len(used.mania_engine.names)])
    parts = [
        [used.calibrator(name)(float(p)) for p in column]
        for name, column in zip(("mania", "hypomania"), both, strict=True)
    ]
    mania[at] = np.minimum(np.sum(parts, axis=0), 1.0)
    place = 0
    for patient in patients:
        for number, night in enumerate(patient.nights):
            outputs = (
                _output(depression[place], night.coverage),
                _output(mania[place], night.nights_coverage),
            )
            day = FIRST_DAY + timedelta(days=number)
            patient.outputs.append(outputs)
            patient.decisions.append(
                decide(day, *outputs, Antidepressant.NONE, night.warning, rules, used.combination)
            )
            place += 1
        patient.worse = [night.worse_for for night in patient.nights]
        patient.nights = []


def _output(probability: float, coverage: float) -> TrackOutput:
    if np.isnan(probability):
        return TrackOutput.unavailable("too little", coverage)
    return TrackOutput("ok", None, float(probability), coverage, ())


def run_triage(patient: Patient) -> None:
    """Every night's verdict on both tracks."""
    rules = load_triage_rules(TRIAGE)
    for track in ("mania", "depression"):
        standing: Standing | None = None
        found: list[tuple[int, Verdict]] = []
        is_open = []
        for number, decision in enumerate(patient.decisions):
            first = max(0, number - 29)
            days = tuple(_track_day(patient, track, n) for n in range(first, number + 1))
            codes = at_once(patient, track, number)
            evidence = Evidence(track, days, codes, mania_is_high=decision.mania_tier == "High")
            verdict = triage(evidence, standing, rules)
            if verdict.event:
                found.append((number + 1, verdict))
            if verdict.event in ("raised", "risen"):
                standing = Standing(True, verdict.tier)
            elif verdict.event == "resolved":
                standing = Standing(False, verdict.tier)
            elif standing and standing.is_open:
                standing = Standing(True, standing.tier, is_acknowledged=True)
            is_open.append(bool(standing and standing.is_open))
        patient.alerts[track], patient.open_on[track] = found, is_open


def at_once(patient: Patient, track: str, number: int) -> tuple[str, ...]:
    """As triage is told of a stored score: reasons not to wait until Moderate has lasted."""
    found = [WORSE] if track in patient.worse[number] else []
    reasons = patient.decisions[number].reasons
    if track == "mania" and any(r.code.startswith(EARLY_WARNING) for r in reasons):
        found.append(EARLY_WARNING)
    return tuple(found)


def _track_day(patient: Patient, track: str, number: int) -> TrackDay:
    decision, outputs = patient.decisions[number], patient.outputs[number]
    depression = track == "depression"
    tier = decision.depression_tier if depression else decision.mania_tier
    return TrackDay(decision.day, tier, outputs[0 if depression else 1].probability)


def episodes(patient: Patient, kind: int, days: int) -> Iterator[int]:
    """First days of the episodes of that kind that begin after the warm-up."""
    kinds = episode_kinds(patient.member.course)[:days]
    begins = np.flatnonzero(np.diff(np.concatenate(([False], kinds == kind)).astype(int)) == 1)
    yield from (int(day) for day in begins if day >= WARM_UP_DAYS)


def is_met(patient: Patient, track: str, onset: int) -> bool:
    """An alert of the track is open or raised from 14 days before the onset to 2 after it."""
    raised = [day for day, v in patient.alerts[track] if v.event in ("raised", "risen")]
    if any(onset - BEFORE_DAYS <= day <= onset + WITHIN_DAYS for day in raised):
        return True
    return patient.open_on[track][onset - 1]


def _share_met(rows: Sequence[tuple[Patient, int]], track: str) -> float:
    return sum(is_met(p, track, day) for p, day in rows) / max(len(rows), 1)


def well_days(
    patients: Sequence[Patient], diagnoses: tuple[str, ...], days: int
) -> list[tuple[Patient, int]]:
    """Every fifth day on which such a patient is well and was so for 14 days."""
    found = []
    for patient in patients:
        if patient.member.person.diagnosis not in diagnoses:
            continue
        ill = episode_kinds(patient.member.course)[:days] != EUTHYMIA
        found += [
            (patient, day)
            for day in range(WARM_UP_DAYS + BEFORE_DAYS, days, 5)
            if not ill[day - BEFORE_DAYS : day + WITHIN_DAYS].any()
        ]
    return found


def main(arguments: Sequence[str]) -> int:
    """Print the figures; 1 if one falls short."""
    count = int(arguments[0]) if arguments else PATIENTS
    days = int(arguments[1]) if len(arguments) > 1 else DAYS
    levels = family_values(DATA / "families.toml", "waking_level")
    patients: list[Patient] = []
    chunk: list[Patient] = []
    with ProcessPoolExecutor(2) as pool:
        made = pool.map(partial(simulate, days, levels), range(count), chunksize=2)
        for patient in tqdm(made, total=count, desc="patients"):
            chunk.append(patient)
            if len(chunk) == CHUNK or len(patients) + len(chunk) == count:
                score(chunk)
                for scored in chunk:
                    run_triage(scored)
                patients += chunk
                chunk = []
    return report(patients, days)


def report(patients: Sequence[Patient], days: int) -> int:
    """The two figures that are wanted, and what lies behind them."""
    told = [
        (track, verdict)
        for p in patients
        for track, found in p.alerts.items()
        for day, verdict in found
        if verdict.event in ("raised", "risen") and day > WARM_UP_DAYS
    ]
    assert all(RANK[v.tier] >= RANK["Moderate"] for _, v in told)
    a_day = len(told) / (days - WARM_UP_DAYS) / len(patients) * PANEL
    print(f"{len(patients)} patients over {days} days, a panel of {PANEL} for each clinician")
    print(f"alerts from Moderate on a clinician and day: {a_day:.2f} (fewer than {WANTED_ALERTS})")
    for (track, event, why), n in Counter((t, v.event, v.why) for t, v in told).most_common():
        print(f"  {track} {event}, {why}: {n}")
    shares = {}
    for name, kind in KINDS.items():
        track = "depression" if name == "depression" else "mania"
        onsets = [(p, day) for p in patients for day in episodes(p, kind, days)]
        full = [(p, day + RAMP_DAYS) for p, day in onsets if day + RAMP_DAYS < days]
        shares[name], of_full = (_share_met(rows, track) for rows in (onsets, full))
        wanted = f" (at least {WANTED_EPISODES:.0%})" if name == "mania" else ""
        print(
            f"episodes of {name} with an alert before or within {WITHIN_DAYS} days of the onset: "
            f"{shares[name]:.0%} of {len(onsets)}{wanted}; of the day at full strength: "
            f"{of_full:.0%}; of well days of patients with that diagnosis, by chance: "
            f"{_share_met(well_days(patients, DIAGNOSES[name], days), track):.0%}"
        )
    return int(a_day >= WANTED_ALERTS or shares["mania"] < WANTED_EPISODES)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
