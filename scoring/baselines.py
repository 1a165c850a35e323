"""Writes about baselines: each change is a version, an actor and an audit row."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from patients.domain.errors import InputError
from patients.models import Patient, User
from patients.services import SYSTEM, audit_record, patient_lock
from scoring.domain.baseline_rules import Usual, implausible
from scoring.domain.daily import FULL_DAY_MINUTES
from scoring.domain.personal_baseline import sustained_low
from scoring.models import Baseline
from scoring.resources import baseline_rules
from scoring.selectors import last_full_day
from scoring.usual import run_ins, stretches_of, tiers_between, worked_out

State, Origin = Baseline.State, Baseline.Origin


@transaction.atomic
def baseline_propose(*, patient: Patient, by: User | str, reason: str = "") -> Baseline:
    """Propose what is usual for the patient from the full days of the last 60.

    Raises InputError in run-in, for fewer than 14 such days, while another is proposed, and
    while the one in force is frozen.
    """
    rules = baseline_rules()
    live = live_locked(patient)
    _refuse_frozen(live)
    if State.PROPOSED in live:
        raise InputError(
            f"No other can be proposed: {_told(live[State.PROPOSED])}. Decide on it first."
        )
    run_in = run_ins([patient], rules)[patient.pk]
    if not run_in.is_over:
        raise InputError(
            f"{patient.code} has {run_in.day} days: run-in takes {run_in.days}, and until then "
            "the population's values stand in."
        )
    last = last_full_day(patient, FULL_DAY_MINUTES)
    found = worked_out(patient, last, stretches_of(patient), rules)
    origin = Origin.REFRESH if State.APPROVED in live else Origin.RUN_IN
    return _create(
        patient, name_of(by), origin=origin, reason=reason, values=found.values,
        first_day=found.first_day, last_day=found.last_day, days_used=found.days_used,
    )  # fmt: skip


def baseline_propose_if_due(*, patient: Patient, last: date) -> Baseline | None:
    """What the night proposes: a first baseline after run-in, another after 8 weeks of Low.

    ``last`` is the last full day. A patient for whom nothing is due costs one or two queries.
    """
    rules = baseline_rules()
    versions = list(patient.baselines.values_list("state", "last_day", "decided_at"))
    states = {state for state, *_ in versions}
    if states & {State.PROPOSED, State.FROZEN} or _rejected_lately(versions, last):
        return None
    if State.APPROVED in states:
        _, until, decided_at = next(v for v in versions if v[0] == State.APPROVED)
        begun = max(until, decided_at.date()) if decided_at else until
        first = last - timedelta(days=rules.low_days - 1)
        if begun >= first or not sustained_low(tiers_between(patient, first, last), last, rules):
            return None
    elif not run_ins([patient], rules)[patient.pk].is_over:
        return None
    try:
        return baseline_propose(patient=patient, by=SYSTEM)
    except InputError:  # too few days, somebody was first, or a recording is being stored
        return None


def _rejected_lately(versions: list[Any], last: date) -> bool:
    pause = timedelta(days=baseline_rules().again_days)
    return any(
        state == State.REJECTED and at is not None and last - at.date() < pause
        for state, _, at in versions
    )


@transaction.atomic
def baseline_approve(*, baseline: Baseline, by: User) -> None:
    """This version is in force from the next scored day on; the one before is kept as replaced.

    Raises InputError where it is no longer a proposal, naming who did what, and where the one
    in force is frozen.
    """
    live = live_locked(baseline.patient)
    _still(baseline, State.PROPOSED)
    _refuse_frozen(live)
    version_replace(live.get(State.APPROVED), by)
    _decide(baseline, State.APPROVED, by, "baseline approved")


@transaction.atomic
def baseline_reject(*, baseline: Baseline, reason: str, by: User) -> None:
    """This proposal is not taken. Raises InputError without a reason, or where it is none."""
    live_locked(baseline.patient)
    _still(baseline, State.PROPOSED)
    _decide(baseline, State.REJECTED, by, "baseline rejected", ended_reason=reason_given(reason))


@transaction.atomic
def baseline_edit(
    *, baseline: Baseline, usual: Mapping[str, Usual], reason: str, by: User
) -> Baseline:
    """A new version with other means and SDs, in force from the next scored day on.

    ``usual`` has the features that change. Raises InputError for a version that is neither
    proposed nor approved any more, a feature it lacks, a value out of the plausible range,
    nothing that changes, and without a reason.
    """
    live = live_locked(baseline.patient)
    _refuse_frozen(live)
    _still(baseline, State.PROPOSED, State.APPROVED)
    values = edited_values(baseline, usual)
    said = reason_given(reason)
    version_replace(live.get(State.APPROVED), by)
    if baseline.state == State.PROPOSED:
        version_replace(baseline, by)
    return _create(
        baseline.patient, name_of(by), "baseline edited", origin=Origin.EDITED, reason=said,
        values=values, first_day=baseline.first_day, last_day=baseline.last_day,
        days_used=baseline.days_used, state=State.APPROVED, decided_by=name_of(by),
        decided_at=timezone.now(),
    )  # fmt: skip


def edited_values(baseline: Baseline, usual: Mapping[str, Usual]) -> dict[str, Any]:
    """A version's values with others in place. Raises InputError as ``baseline_edit`` does."""
    features = baseline_rules().features
    changed: dict[str, Any] = {}
    for name, new in usual.items():
        if name not in baseline.values or name not in features:
            raise InputError(f"Version {baseline.version} has no {name}: leave it out.")
        if wrong := implausible(features[name], new):
            raise InputError(f"{wrong}.")
        old = baseline.values[name]
        if (old["mean"], old["sd"]) != (new.mean, new.sd):
            changed[name] = old | {"mean": new.mean, "sd": new.sd, "edited": True}
    if not changed:
        raise InputError("No mean and no SD was changed: change one, or leave it as it is.")
    return {**baseline.values, **changed}


@transaction.atomic
def baseline_freeze(*, baseline: Baseline, reason: str, by: User) -> None:
    """Keep this version in force: no other is proposed or put in its place until it is thawed.

    Raises InputError without a reason, and where it is not the one in force.
    """
    live_locked(baseline.patient)
    _still(baseline, State.APPROVED)
    _change(
        baseline, by, "baseline frozen", state=State.FROZEN, ended_by=name_of(by),
        ended_at=timezone.now(), ended_reason=reason_given(reason),
    )  # fmt: skip


@transaction.atomic
def baseline_unfreeze(*, baseline: Baseline, by: User) -> None:
    """Let others be proposed again. Raises InputError where it is not frozen."""
    live_locked(baseline.patient)
    _still(baseline, State.FROZEN)
    _change(
        baseline, by, "baseline unfrozen", state=State.APPROVED, ended_by="", ended_at=None,
        ended_reason="",
    )  # fmt: skip


def live_locked(patient: Patient) -> dict[str, Baseline]:
    """The patient's versions that are not done with, by state; until the transaction ends
    nobody else can change them. Raises InputError while a recording is being stored.
    """
    patient_lock(patient)
    live = patient.baselines.filter(state__in=(State.PROPOSED, *Baseline.IN_FORCE))
    return {row.state: row for row in live}


def _still(baseline: Baseline, *states: str) -> None:
    """Raises InputError, saying who did what, where the version is in none of these states."""
    baseline.refresh_from_db()
    if baseline.state not in states:
        wanted = " or ".join(State(s).label.lower() for s in states)
        raise InputError(
            f"This baseline is no longer {wanted}: {_told(baseline)}. Nothing was changed."
        )


def _refuse_frozen(live: Mapping[str, Baseline]) -> None:
    if State.FROZEN in live:
        raise InputError(f"This cannot be done: {_told(live[State.FROZEN])}. Unfreeze it first.")


def _told(row: Baseline) -> str:
    """“version 3 was approved by boss on 26 Nov 2026, 14:02”."""
    by, at = {
        State.PROPOSED.value: (row.proposed_by, row.proposed_at),
        State.APPROVED.value: (row.decided_by, row.decided_at),
        State.REJECTED.value: (row.decided_by, row.decided_at),
    }.get(row.state, (row.ended_by, row.ended_at))
    when = f" on {moment_words(at)}" if at else ""
    return f"version {row.version} was {row.state} by {by or 'somebody'}{when}"


def moment_words(at: datetime) -> str:
    """The moment on the clinic's clock."""
    return f"{timezone.localtime(at):%-d %b %Y, %H:%M}"


def name_of(by: User | str) -> str:
    """Who acts, as it is kept."""
    return by if isinstance(by, str) else by.username


def reason_given(reason: str) -> str:
    """The reason. Raises InputError where there is none."""
    if not reason.strip():
        raise InputError("Say why: a reason is kept with every such change.")
    return reason.strip()


def _create(
    patient: Patient, by: str, action: str = "baseline proposed", **values: Any
) -> Baseline:
    newest = patient.baselines.order_by("-version").values_list("version", flat=True).first() or 0
    made = Baseline.objects.create(
        patient=patient, version=newest + 1, proposed_by=by, proposed_at=timezone.now(), **values
    )
    audit_record(by=by, action=action, patient=patient, version=made.version)
    return made


def version_replace(row: Baseline | None, by: User) -> None:
    """This version, if there is one, gives way to another."""
    if row is not None:
        now = timezone.now()
        Baseline.objects.filter(pk=row.pk).update(
            state=State.REPLACED, ended_by=name_of(by), ended_at=now
        )


def _decide(baseline: Baseline, state: str, by: User, action: str, **more: Any) -> None:
    now = timezone.now()
    _change(baseline, by, action, state=state, decided_by=name_of(by), decided_at=now, **more)


def _change(baseline: Baseline, by: User, action: str, **values: Any) -> None:
    for name, value in values.items():
        setattr(baseline, name, value)
    baseline.save(update_fields=list(values))
    audit_record(by=by, action=action, patient=baseline.patient, version=baseline.version)
