"""Who the simulated people are, when their episodes come, and what controls live through."""

from dataclasses import asdict

import numpy as np
import pytest

from scoring.domain.rules import load_realism
from scoring.learning.controls import lived
from scoring.learning.episodes import (
    EPISODE_SEVERITY,
    PREVALENCE,
    Rates,
    episode_kinds,
    random_episodes,
)
from scoring.learning.people import (
    CONTROLS,
    DEPRESSION,
    DIAGNOSIS_SHARES,
    EFFECTS,
    EUTHYMIA,
    HYPOMANIA,
    MANIA,
    PATIENTS,
    Episode,
    a_course,
    a_person,
    asrm_scores,
    phq8_scores,
)
from scoring.learning.realism import assumptions, realism_table
from scoring.resources import DATA


@pytest.mark.parametrize("diagnosis", ["well", *PATIENTS])
def test_episodes_lie_in_order_and_are_of_the_diagnosis(diagnosis: str) -> None:
    kinds = set()
    for seed in range(60):
        episodes = random_episodes(np.random.default_rng(seed), diagnosis, 1000)
        kinds |= {e.kind for e in episodes}
        for one, other in zip(episodes, episodes[1:], strict=False):
            assert one.first_day + one.days < other.first_day
        assert all(e.first_day < 1000 and e.first_day + e.days > 0 for e in episodes)
    assert (MANIA in kinds) == (diagnosis == "bipolar_1")
    assert (HYPOMANIA in kinds) == (diagnosis in ("bipolar_1", "bipolar_2"))
    assert (kinds == set()) == (diagnosis == "well")


@pytest.mark.parametrize("times", [1.0, 6.0])
def test_as_many_hypomanic_days_as_published_or_so_many_times_more(times: float) -> None:
    rng, days, counts = np.random.default_rng(0), 200, np.zeros(4)
    names = list(DIAGNOSIS_SHARES)
    for _ in range(3000):
        diagnosis = str(rng.choice(names, p=list(DIAGNOSIS_SHARES.values())))
        course = a_course(days, random_episodes(rng, diagnosis, days, Rates(times)))
        counts += np.bincount(episode_kinds(course), minlength=4)
    share = counts / counts.sum()
    # Days of ramp are not counted, so a little less than asked.
    assert share[HYPOMANIA] == pytest.approx(times * PREVALENCE[HYPOMANIA], rel=0.2)
    assert share[MANIA] == pytest.approx(times * PREVALENCE[MANIA], rel=0.35)


def test_an_episode_may_have_begun_before_and_a_mild_spell_is_none() -> None:
    course = a_course(20, [Episode(MANIA, -30, 100, 0.8)])
    assert (course.intensity == 0.8).all() and (episode_kinds(course) == MANIA).all()
    mild = a_course(20, [Episode(DEPRESSION, -30, 100, EPISODE_SEVERITY - 0.01)])
    assert not episode_kinds(mild).any()
    full = a_course(20, [Episode(DEPRESSION, -30, 100, EPISODE_SEVERITY)])
    assert (episode_kinds(full) == DEPRESSION).all()


def test_a_ramp_counts_once_half_unfolded() -> None:
    course = a_course(12, [Episode(MANIA, 2, 20, 0.8)])
    assert episode_kinds(course).tolist() == [0, 0, 0] + [MANIA] * 9


@pytest.mark.parametrize("control", CONTROLS)
def test_what_a_control_lives_through_is_felt_and_no_mood(control: str) -> None:
    days = 120
    extra = lived(np.random.default_rng(4), control, days)
    assert all(values.shape == (days,) for values in extra.values())
    course = a_course(days, [], extra)
    assert not course.kind.any() and not episode_kinds(course).any()
    plain = a_course(days, [])
    changed = [n for n in ("phase_hours", "sleep_hours", "activity", "wake_bouts", "resting_bpm")
               if not np.array_equal(course.felt(n), plain.felt(n))]  # fmt: skip
    assert set(changed) == set(extra) and bool(extra) == (control != "none")
    rng = np.random.default_rng(0)
    scores = phq8_scores(rng, a_person(rng, "well", control), course)
    assert np.mean(scores >= 10) < 0.5 and np.mean(asrm_scores(rng, course) >= 6) < 0.01


def test_a_traveller_comes_home_and_a_shift_worker_sleeps_by_day() -> None:
    phase = lived(np.random.default_rng(1), "traveller", 300)["phase_hours"]
    assert np.abs(phase).max() <= 9 and (phase == 0).mean() > 0.2 and np.abs(phase).max() >= 4
    nights = lived(np.random.default_rng(1), "shift_worker", 300)["phase_hours"]
    assert (
        set(np.round(nights[nights > 0]) // 1) <= {7.0, 8.0, 9.0}
        and 0.2 < (nights > 0).mean() < 0.6
    )


def test_moods_are_asked_after() -> None:
    rng = np.random.default_rng(0)
    manic = a_course(30, [Episode(MANIA, -10, 100, 1.0)])
    assert np.mean(asrm_scores(rng, manic) >= 6) > 0.95
    low = a_course(30, [Episode(DEPRESSION, -10, 100, 1.0)])
    assert np.mean(phq8_scores(rng, a_person(rng, "mdd"), low) >= 10) > 0.9


def test_hypomania_is_milder_than_mania_in_all_that_mania_moves() -> None:
    for name in ("phase_hours", "sleep_hours", "resting_bpm", "asrm"):
        milder, full = (getattr(EFFECTS[kind], name) for kind in (HYPOMANIA, MANIA))
        assert 0 < milder / full < 1


# The effects whose size a study bounds (people.py says which); all others are assumptions.
BOUNDED = {
    *((name, DEPRESSION) for name in ("phase_hours", "sleep_hours", "activity", "wake_bouts")),
    ("phase_hours", MANIA),
}


def test_every_effect_that_no_source_bounds_is_listed_as_an_assumption() -> None:
    well = asdict(EFFECTS[EUTHYMIA])
    states = {DEPRESSION: "depression", HYPOMANIA: "hypomania", MANIA: "mania"}
    wanted = {
        (name, state): value
        for kind, state in states.items()
        for name, value in asdict(EFFECTS[kind]).items()
        if value != well[name] and (name, kind) not in BOUNDED
    }
    rows = load_realism(DATA / "realism.toml")["assumption"]
    sizes = {(row["effect"], row["state"]): float(row["size"].split()[0]) for row in rows}
    assert sizes == wanted
    told = [line for line in assumptions(DATA / "realism.toml") if "beyond its source" in line]
    assert [line.partition(" (")[0] for line in told] == [
        "activity in mania: 1.15 times the usual", "activity in hypomania: 1.08 times the usual"
    ]  # fmt: skip


def test_the_realism_table_measures_every_row_and_says_when_one_is_off() -> None:
    # `make check-realism` holds them to their bounds; so few people only show that it measures.
    rows = {row.name: row for row in realism_table(DATA / "realism.toml", 1, 24)}
    assert len(rows) == 19
    assert all(np.isfinite(row.simulated) for row in rows.values())
    assert 6.0 < rows["sleep_hours_mean"].simulated < 8.5
    assert rows["resting_bpm_mean"].low == pytest.approx(69.4 * 0.9)
    row = rows["steps_mean"]
    assert row.holds == (row.low <= row.simulated <= row.high)
