"""A day far worse than usual is a reason of its own; it changes no number, and can be replayed."""

from datetime import timedelta
from typing import Any

import pytest

from patients.models import Patient
from scoring.baselines import baseline_approve, baseline_propose
from scoring.domain.baseline_rules import BaselineRules
from scoring.domain.output import reasons_list
from scoring.domain.worsening import WORSE
from scoring.features import features_update
from scoring.models import Baseline, RiskScore
from scoring.replay import score_replay
from scoring.resources import baseline_rules
from scoring.services import BASELINE_RULES, DEVIATIONS, patient_assess, score_store
from scoring.usual import TriedDay, Values, day_worsenings, in_force, tried
from tests import factories
from tests.people import LAST_DAY, in_care, recording

pytestmark = pytest.mark.django_db


@pytest.fixture
def patient() -> Patient:
    """Somebody who slept for 3 h in the last night, and about 8 h before."""
    made = in_care("P-1", recording(sleepless=1))
    features_update(patient=made)
    return made


def scored(patient: Patient, days_ago: int = 0) -> RiskScore:
    day = LAST_DAY - timedelta(days=days_ago)
    assessment = patient_assess(patient=patient, day=day, explain=False)
    score, _ = score_store(patient=patient, assessment=assessment)
    return RiskScore.objects.get(pk=score.pk)


def worse(score: RiskScore) -> list[str]:
    return [reason["text"] for reason in score.reasons if reason["code"] == WORSE]


def own_baseline(patient: Patient) -> Baseline:
    made = baseline_propose(patient=patient, by="system")
    baseline_approve(baseline=made, by=factories.user("administrator"))
    return made


def test_a_night_far_shorter_than_the_persons_own_is_a_reason(patient: Patient) -> None:
    baseline = own_baseline(patient)
    score = scored(patient)
    assert score.baseline == baseline
    [sleep] = [off for off in score.context[DEVIATIONS] if off["name"] == "time_asleep_hours"]
    usual = baseline.values["time_asleep_hours"]
    assert (sleep["mean"], sleep["against"], sleep["poles"]) == (
        usual["mean"],
        "baseline",
        ["mania"],
    )
    assert sleep["value"] == pytest.approx(175 / 60)
    assert sleep["sd_off"] == pytest.approx((sleep["value"] - usual["mean"]) / sleep["sd"])
    [said] = [text for text in worse(score) if text.startswith("Time asleep 2.9 h")]
    assert f"usually {usual['mean']:.1f} h" in said and "SD less)" in said


def test_it_changes_no_tier_and_no_probability(patient: Patient) -> None:
    decision = patient_assess(patient=patient, explain=False).decision
    own_baseline(patient)
    score = scored(patient)
    assert worse(score)
    assert (score.tier, score.probability) == (decision.tier, decision.probability)
    assert (score.depression["tier"], score.mania["tier"]) == (
        decision.depression_tier,
        decision.mania_tier,
    )
    count = len(score.reasons) - len(worse(score))
    assert score.reasons[:count] == reasons_list(decision)  # and comes last


def test_before_a_baseline_is_approved_the_population_stands_in_and_is_named(
    patient: Patient,
) -> None:
    baseline_propose(patient=patient, by="system")  # waits
    score = scored(patient)
    assert score.baseline is None
    assert {off["against"] for off in score.context[DEVIATIONS]} == {"population"}
    [said] = [text for text in worse(score) if text.startswith("Time asleep")]
    assert "7.0 h in a population" in said and "no personal baseline yet" in said


def test_an_ordinary_day_has_no_such_reason() -> None:
    patient = in_care("P-2")
    features_update(patient=patient)
    own_baseline(patient)
    score = scored(patient)
    assert [off for off in score.context[DEVIATIONS] if off["name"] == "time_asleep_hours"] == []


def test_a_feature_that_the_baseline_lacks_is_not_taken_from_the_population(
    patient: Patient,
) -> None:
    baseline = own_baseline(patient)
    del baseline.values["time_asleep_hours"]
    baseline.save()
    assert not [t for t in worse(scored(patient)) if t.startswith("Time asleep")]


def test_an_approval_rewrites_no_score_and_counts_from_the_next_scored_day(
    patient: Patient,
) -> None:
    yesterday = scored(patient, 1)
    baseline = own_baseline(patient)
    assert scored(patient, 1) == yesterday and yesterday.baseline is None
    today = scored(patient)
    assert today.baseline == baseline
    # Scored again for another reason, a day keeps what it was compared with.
    RiskScore.objects.filter(pk=yesterday.pk).update(inputs_sha256="0" * 64)
    again = scored(patient, 1)
    assert (again.revision, again.baseline) == (2, None)
    assert again.context[DEVIATIONS] == yesterday.context[DEVIATIONS]


def test_a_score_replays_after_its_baseline_was_replaced(patient: Patient) -> None:
    first = scored(patient, 1)
    own_baseline(patient)
    second = scored(patient)
    own_baseline(patient)
    assert second.baseline != in_force(patient)
    assert score_replay(score=first) == score_replay(score=second) == []


def test_replay_says_what_became_of_a_deviation(patient: Patient) -> None:
    own_baseline(patient)
    score = scored(patient)
    score.context[DEVIATIONS][0]["mean"] += 1
    score.save()
    fields = [item["field"] for item in score_replay(score=score)]
    assert fields == [DEVIATIONS]
    score.context[BASELINE_RULES] = "another file"
    assert BASELINE_RULES in [item["field"] for item in score_replay(score=score)]


def test_a_score_of_before_replays_and_is_not_made_anew(patient: Patient) -> None:
    score = scored(patient)
    assert worse(score)
    score.reasons = [r for r in score.reasons if r["code"] != WORSE]
    for name in (DEVIATIONS, BASELINE_RULES):
        del score.context[name]
    score.save()
    assert score_replay(score=score) == []
    assert scored(patient) == score and patient.scores.count() == 1


def test_a_deviation_that_late_data_changed_makes_another_version(patient: Patient) -> None:
    score = scored(patient)
    row = patient.features.get(day=LAST_DAY)
    row.values["heart"] = {"resting_bpm": 120.0}
    row.save()
    again = scored(patient)
    assert again.revision == 2 and len(worse(again)) == len(worse(score)) + 1


def test_a_depression_output_far_above_the_persons_own_is_a_reason(patient: Patient) -> None:
    first = scored(patient)
    same = {"depression_model": first.depression_model}
    for n in range(7, 30):
        factories.score(patient, LAST_DAY - timedelta(days=n), 0.011, **same)
    first.delete()
    score = scored(patient)
    assert score.context["depression_delta_sd"] >= 2
    [said] = [text for text in worse(score) if text.startswith("The depression output")]
    assert "SD above this person’s own last 8 weeks" in said
    patient.scores.exclude(pk=score.pk).delete()  # what came after does not change it
    assert score_replay(score=score) == []
    assert scored(patient) == score


def would_change(patient: Patient, candidate: Values, rules: BaselineRules) -> list[TriedDay]:
    return [day for day in tried(patient, candidate, rules) if day.changes]


def test_what_would_change_is_told_and_nothing_is_stored(patient: Patient) -> None:
    own_baseline(patient)
    for days_ago in (1, 0):
        scored(patient, days_ago)
    rules, current = baseline_rules(), in_force(patient)
    assert current and would_change(patient, current.values, rules) == []
    before = list(RiskScore.objects.order_by("pk").values())
    sleep = current.values["time_asleep_hours"] | {"mean": 3.0, "sd": 0.6}
    short = current.values | {"time_asleep_hours": sleep}
    changed = would_change(patient, short, rules)
    assert [c.day for c in changed] == [LAST_DAY, LAST_DAY - timedelta(days=1)]
    assert all(c.tier == patient.scores.get(day=c.day, is_current=True).tier for c in changed)
    today, yesterday = changed
    assert any(t.startswith("Time asleep") and "less" in t for t in today.before)
    assert not any(t.startswith("Time asleep") for t in today.after)
    assert any("usually 3.0 h" in t and "more)" in t for t in yesterday.after)
    assert list(RiskScore.objects.order_by("pk").values()) == before


def test_a_day_that_was_not_scored_is_not_said_to_change(patient: Patient) -> None:
    nothing: dict[str, Any] = {}
    assert would_change(patient, nothing, baseline_rules()) == []
    scored(patient)
    [only] = would_change(patient, nothing, baseline_rules())
    assert only.day == LAST_DAY and only.after == ()


def test_activity_is_compared_only_while_the_sensors_unit_stays_the_same(
    patient: Patient,
) -> None:
    baseline = own_baseline(patient)
    assert baseline.values["mean_per_minute"]["family"] == "actigraph_counts"
    row = patient.features.get(day=LAST_DAY)
    row.values["activity"]["mean_per_minute"] = 1.0
    row.save()

    def activity() -> list[dict[str, Any]]:
        found = day_worsenings(patient, LAST_DAY, in_force(patient), baseline_rules())
        return [off for off in found if off["name"] == "mean_per_minute"]

    [off] = activity()
    assert off["poles"] == ["depression"]
    # Another sensor in the week makes it unclear in which unit the day was.
    day = patient.resolved_days.filter(channel="activity").latest("utc_day")
    day.family, day.utc_day = "enmo", LAST_DAY - timedelta(days=3)
    day.save(force_insert=True)
    assert activity() == []
    assert "mean_per_minute" not in baseline_propose(patient=patient, by="system").values


def test_a_baseline_of_before_units_were_kept_compares_no_activity(patient: Patient) -> None:
    baseline = own_baseline(patient)
    del baseline.values["mean_per_minute"]["family"]
    baseline.values["mean_per_minute"] |= {"mean": 1e6, "sd": 1.0}
    found = day_worsenings(patient, LAST_DAY, baseline, baseline_rules())
    assert found and "mean_per_minute" not in [off["name"] for off in found]
