"""A summary says what the scores say, whatever happened to them, and nothing else."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction

from patients.models import Patient
from scoring.domain.points import Revision, ScorePoint, TrackPoint, moves, percents, usual_band
from scoring.domain.types import RiskDecision, TrackOutput
from scoring.engines.assess import Assessment
from scoring.models import RiskScore, ScoreSummary
from scoring.services import score_store, scores_withdraw
from scoring.summaries import summaries_made, summaries_rebuild, values_of
from tests import factories
from tests.days import days_store

LAST = date(2026, 11, 19)


def output(probability: float | None) -> TrackOutput:
    if probability is None:
        return TrackOutput.unavailable("too little data", 0.1)
    return TrackOutput("ok", None, probability, 0.9)


def assessment(day: date, depression: float | None, mania: float | None, digest: int) -> Assessment:
    """A decision as the models and the router make it."""
    known = [p for p in (depression, mania) if p is not None]
    probability = sum(known) / len(known) if known else None
    tiers = [
        "Indeterminate" if p is None else factories.tier_of(track, p)
        for track, p in (("depression", depression), ("mania", mania), ("overall", probability))
    ]
    decision = RiskDecision(
        day, tiers[2], probability, *((0.5, 0.5) if len(known) == 2 else (None, None)),
        tiers[0], tiers[1], (),
    )  # fmt: skip
    return Assessment(decision, output(depression), output(mania), f"{digest:064}")


def as_made(patients: list[Patient]) -> None:
    """What is stored is what would be made from the scores now, for each alone."""
    stored = {s.patient_id: values_of(s) for s in ScoreSummary.objects.all()}
    for patient in patients:
        made = summaries_made([patient.pk])
        assert stored.get(patient.pk) == (values_of(made[patient.pk]) if made else None)


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(4))
def test_it_is_what_the_scores_say_after_any_events(seed: int) -> None:
    rng = np.random.default_rng(seed)
    patients = [factories.patient(f"S-{n}") for n in range(3)]
    for digest in range(40):
        who = patients[rng.integers(3)]
        day = LAST - timedelta(days=int(rng.integers(0, 45)))
        if rng.random() < 0.8:
            if not who.features.filter(day=day).exists():
                days_store(who, day, 1, recorded_minutes=1440)
            depression, mania = (
                None if rng.random() < 0.2 else round(float(rng.random()), 3) for _ in range(2)
            )
            score_store(patient=who, assessment=assessment(day, depression, mania, digest))
        elif rng.random() < 0.5:
            who.features.filter(day__gte=day).delete()
            scores_withdraw(patient=who)
        else:  # the same decision again changes nothing
            last = who.scores.filter(is_current=True).first()
            if last:
                before = ScoreSummary.objects.get(patient=who).updated_at
                same = assessment(
                    last.day, last.depression["probability"], last.mania["probability"],
                    int(last.inputs_sha256),
                )  # fmt: skip
                score_store(patient=who, assessment=same)
                assert ScoreSummary.objects.get(patient=who).updated_at == before
        as_made(patients)
    assert summaries_rebuild() == 0
    assert ScoreSummary.objects.count() >= 1


@pytest.mark.django_db
def test_the_command_mends_what_is_wrong_or_missing_and_says_how_many(capsys: Any) -> None:
    for code in ("S-1", "S-2", "S-3"):
        factories.score(factories.patient(code), LAST, 0.9, 0.9)
    ScoreSummary.objects.filter(patient__code="S-1").update(tier="Low", urgency=0)
    ScoreSummary.objects.filter(patient__code="S-2").delete()
    call_command("summaries", "--json")
    assert capsys.readouterr().out.strip() == '{"changed": 2, "summaries": 3}'
    as_made(list(Patient.objects.all()))
    assert ScoreSummary.objects.get(patient__code="S-1").tier == "High"


@pytest.mark.django_db
def test_an_indeterminate_summary_cannot_hold_a_number() -> None:
    patient = factories.patient("S-1")
    score = factories.score(patient, LAST, None, None)
    RiskScore.objects.filter(pk=score.pk).update(depression=factories.track("depression", 0.618))
    assert summaries_rebuild() in (0, 1)
    summary = ScoreSummary.objects.get()
    assert summary.depression_probability is None and set(summary.depression_days) == {None}
    for track in ("", "depression_", "mania_"):
        with pytest.raises(IntegrityError), transaction.atomic():
            ScoreSummary.objects.update(**{f"{track}probability": 0.6})


def point(day: date, depression: float | None) -> ScorePoint:
    tier = "Indeterminate" if depression is None else factories.tier_of("depression", depression)
    nothing = TrackPoint(None, None, None)
    return ScorePoint(day, tier, depression, TrackPoint(tier, depression, 0.9), nothing)


def test_a_band_needs_fourteen_days_that_ended_a_week_ago() -> None:
    def days(first_back: int, last_back: int) -> list[ScorePoint]:
        backs = range(first_back, last_back - 1, -1)
        return [point(LAST - timedelta(days=b), (b % 10) / 100) for b in backs]

    newest = [point(LAST, 0.9)]
    assert usual_band([*days(20, 8), *newest], "depression") is None  # 13 days
    assert usual_band([*days(20, 7), *newest], "depression") is not None
    # What came within the last week moves nothing.
    later = [point(LAST - timedelta(days=b), 0.99) for b in range(6, 0, -1)]
    early = days(46, 7)
    assert usual_band([*early, *later, *newest], "depression") == (1, 8)
    assert usual_band([*early, *newest], "depression") == (1, 8)


def test_gaps_of_the_last_thirty_days_stay_gaps() -> None:
    points = [point(LAST - timedelta(days=b), v) for b, v in ((29, 0.104), (3, None), (0, 0.5))]
    found = percents(points, "depression")
    assert len(found) == 30
    assert (found[0], found[-1], found[-4]) == (10, 50, None)
    assert sum(value is not None for value in found) == 2


def test_moves_are_of_what_was_shown_when_it_came() -> None:
    def came(day: int, revision: int, tier: str, hour: int) -> Revision:
        at = datetime(2026, 11, 19, hour, tzinfo=UTC)
        return Revision(date(2026, 11, day), revision, tier, at)

    rows = [
        came(10, 1, "Low", 1),
        came(11, 1, "High", 2),
        came(10, 2, "Moderate", 3),  # an older day scored again was never shown
        came(11, 2, "Moderate", 4),  # the newest day scored again was
        came(12, 1, "Moderate", 5),
    ]
    assert [(at.hour, tier) for at, tier in moves(rows)] == [(2, "Low"), (4, "High")]
