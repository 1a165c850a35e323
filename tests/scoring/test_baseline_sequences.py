"""Whatever is done in whatever order: one proposal, one in force, and nothing kept is rewritten."""

import random
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from patients.domain.errors import InputError
from patients.models import AuditEvent, Patient, User
from scoring import baselines, stretches
from scoring.domain.baseline_rules import Usual
from scoring.models import Baseline
from tests import factories
from tests.days import days_store

pytestmark = pytest.mark.django_db
LAST = date(2026, 3, 1)
IN_FORCE = ("approved", "frozen")


def steps(patient: Patient, by: User, rng: random.Random) -> list[Callable[[], Any]]:
    """Everything that can be tried, on versions old and new."""
    rows = list(patient.baselines.all())
    any_one = rng.choice(rows) if rows else None
    first = LAST - timedelta(days=rng.randrange(70))
    mean = round(rng.uniform(1.0, 12.0), 1)  # some are not plausible
    reason = rng.choice(["So.", "So.", ""])
    tried: list[Callable[[], Any]] = [
        lambda: baselines.baseline_propose(patient=patient, by=by),
        lambda: baselines.baseline_propose_if_due(patient=patient, last=LAST),
        lambda: stretches.stretch_mark(
            patient=patient, first_day=first, last_day=first + timedelta(days=rng.randrange(20)),
            kind=rng.choice(["well", "ill"]), reason=reason, by=by,
        ),
        *(
            lambda mark=mark: stretches.stretch_unmark(stretch=mark, by=by)
            for mark in patient.baseline_stretches.all()[:1]
        ),
    ]  # fmt: skip
    if any_one:
        usual = {"time_asleep_hours": Usual(mean, 1.0)}
        tried += [
            lambda: baselines.baseline_approve(baseline=any_one, by=by),
            lambda: baselines.baseline_reject(baseline=any_one, reason=reason, by=by),
            lambda: baselines.baseline_edit(baseline=any_one, usual=usual, reason=reason, by=by),
            lambda: baselines.baseline_freeze(baseline=any_one, reason=reason, by=by),
            lambda: baselines.baseline_unfreeze(baseline=any_one, by=by),
        ]
    return tried


def rows_of(patient: Patient) -> dict[int, tuple[str, Any]]:
    return {row.version: (row.state, row.values) for row in patient.baselines.all()}


def test_no_order_of_changes_breaks_what_must_hold() -> None:
    seen: set[str] = set()
    for seed in range(25):
        rng, by = random.Random(seed), factories.user("administrator")
        patient = factories.patient()
        days_store(patient, LAST, 45)
        for _ in range(14):
            before, audited = rows_of(patient), AuditEvent.objects.count()
            try:
                rng.choice(steps(patient, by, rng))()
            except InputError:
                assert rows_of(patient) == before and AuditEvent.objects.count() == audited
                continue
            after = rows_of(patient)
            states = [state for state, _ in after.values()]
            assert states.count("proposed") <= 1
            assert sum(state in IN_FORCE for state in states) <= 1
            assert sorted(after) == list(range(1, len(after) + 1))
            for version, (state, values) in before.items():
                assert after[version][1] == values
                if state in {"replaced", "rejected"}:
                    assert after[version][0] == state
            if after != before:
                assert AuditEvent.objects.count() > audited
        seen |= set(Baseline.objects.filter(patient=patient).values_list("state", flat=True))
    assert seen == set(Baseline.State.values)  # every state was reached
