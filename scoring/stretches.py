"""Writes about a patient's days: stretches that are well or ill, and the intake assessment."""

from datetime import date, timedelta

from django.db import transaction
from django.utils import timezone

from patients.domain.day_bounds import day_check
from patients.domain.errors import InputError
from patients.models import Patient, User
from patients.services import audit_record
from scoring.baselines import (
    baseline_propose,
    live_locked,
    moment_words,
    name_of,
    reason_given,
    version_replace,
)
from scoring.domain.daily import FULL_DAY_MINUTES
from scoring.models import Baseline, BaselineStretch, IntakeAssessment
from scoring.resources import baseline_rules
from scoring.selectors import last_full_day

MOST_PHQ9 = 27


@transaction.atomic
def stretch_mark(
    *, patient: Patient, first_day: date, last_day: date, kind: str, reason: str, by: User
) -> BaselineStretch:
    """Say of these days that the person was well, or ill.

    A proposal that is open, or the version in force, is worked out anew with them and proposed.
    Raises InputError for days in the wrong order, in the future or marked already, and without
    a reason.
    """
    live_locked(patient)
    stretch_check(patient, first_day, last_day)
    stretch = BaselineStretch.objects.create(
        patient=patient, first_day=first_day, last_day=last_day, kind=kind,
        reason=reason_given(reason), marked_by=name_of(by), marked_at=timezone.now(),
    )  # fmt: skip
    _audit_stretch("baseline stretch marked", stretch, by)
    _propose_anew(stretch, by)
    return stretch


def stretch_check(patient: Patient, first_day: date, last_day: date) -> None:
    """Raises InputError for days in the wrong order, before 1900, in the future, or marked."""
    if first_day > last_day:
        raise InputError(f"The last day, {last_day}, lies before the first: change one of them.")
    if last_day > timezone.localdate():
        raise InputError(f"{last_day} lies in the future: mark days that have been.")
    day_check(first_day, timezone.localdate())
    held = BaselineStretch.objects.filter(patient=patient, removed_at=None)
    there = held.filter(first_day__lte=last_day, last_day__gte=first_day).first()
    if there:
        raise InputError(
            f"{there.first_day} to {there.last_day} is marked as {there.kind} by "
            f"{there.marked_by}: remove that mark first."
        )


@transaction.atomic
def stretch_unmark(*, stretch: BaselineStretch, by: User) -> None:
    """The mark holds no longer; it is kept. Raises InputError where somebody was first."""
    live_locked(stretch.patient)
    stretch.refresh_from_db()
    if stretch.removed_at:
        raise InputError(
            f"This mark was removed by {stretch.removed_by} on {moment_words(stretch.removed_at)}: "
            "nothing was changed."
        )
    stretch.removed_by, stretch.removed_at = name_of(by), timezone.now()
    stretch.save(update_fields=["removed_by", "removed_at"])
    _audit_stretch("baseline stretch unmarked", stretch, by)
    _propose_anew(stretch, by)


def _audit_stretch(action: str, stretch: BaselineStretch, by: User) -> None:
    audit_record(
        by=by, action=action, patient=stretch.patient, kind=stretch.kind,
        first_day=stretch.first_day.isoformat(), last_day=stretch.last_day.isoformat(),
    )  # fmt: skip


def _propose_anew(stretch: BaselineStretch, by: User) -> None:
    """Another proposal, if the days reach into its window; none where that cannot be."""
    patient = stretch.patient
    last = last_full_day(patient, FULL_DAY_MINUTES)
    window = timedelta(days=baseline_rules().window_days)
    if last is None or stretch.last_day <= last - window or stretch.first_day > last:
        return
    version_replace(live_locked(patient).get(Baseline.State.PROPOSED), by)
    try:
        days = f"{stretch.first_day} to {stretch.last_day}"
        how = "unmarked" if stretch.removed_at else f"marked as {stretch.kind}"
        baseline_propose(patient=patient, by=by, reason=f"{days} {how}.")
    except InputError:  # run-in, frozen, or too few days are left
        return


@transaction.atomic
def intake_set(
    *, patient: Patient, day: date, phq9: int, tier: str, clinician: str, reason: str, by: User
) -> IntakeAssessment:
    """Take a clinician's intake assessment as the starting point; the newest one counts.

    ``phq9``: the total, 0 to 27. Raises InputError for one that there is not, a tier that is
    none of the three, a day before 1900 or in the future, and without the clinician.
    """
    if not 0 <= phq9 <= MOST_PHQ9:
        raise InputError(f"{phq9} is no PHQ-9 total: give 0 to {MOST_PHQ9}.")
    if tier not in IntakeAssessment.IntakeTier.values:
        raise InputError(f"{tier} is no tier: give Low, Moderate or High.")
    if day > timezone.localdate():
        raise InputError(f"{day} lies in the future: give the day of the assessment.")
    day_check(day, timezone.localdate())
    if not clinician.strip():
        raise InputError("Say which clinician assessed the patient.")
    intake = IntakeAssessment.objects.create(
        patient=patient, day=day, phq9=phq9, tier=tier, clinician=clinician.strip(),
        reason=reason.strip(), set_by=name_of(by), set_at=timezone.now(),
    )  # fmt: skip
    audit_record(by=by, action="intake set", patient=patient, day=day.isoformat(), tier=tier)
    return intake
