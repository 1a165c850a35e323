"""Writes about daily features: brought up to the recordings, a day at a time."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from hashlib import blake2b
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from patients.domain.days import ZoneHistory
from patients.models import Patient
from patients.selectors import zone_histories
from scoring.domain.daily import day_features
from scoring.domain.pat_window import PatWeek
from scoring.domain.phase import PacemakerDay
from scoring.domain.types import PersonData
from scoring.feature_state import FeatureState, feature_states
from scoring.models import DailyFeatures
from scoring.resources import sedentary_thresholds
from scoring.selectors import person_windows

# Counted up when a feature is added or means something else: stored days are then made anew.
FEATURES_VERSION = 3
# An edited minute can reach the features of these local days: the night before it belongs
# to, and the seven days whose rhythm it is part of.
DAYS_BEFORE_AN_EDIT = 1
LOOK_BACK_DAYS = 8
WEEKS_KEPT_DAYS = 3


def features_update(*, patient: Patient) -> dict[date, PatWeek]:
    """``features_update_all`` of one patient."""
    return features_update_all(patients=[patient])[patient.pk]


@transaction.atomic
def features_update_all(*, patients: Sequence[Patient]) -> dict[int, dict[date, PatWeek]]:
    """Bring the daily features up to the recordings: new days, and days that changed.

    A change to a past day recomputes from there, because the pacemaker goes on from it; a day
    whose minutes, nights and pacemaker before it are the same as then is left. Returns, by the
    patient's key, the PAT weeks of the last days that were made anew, which the models need
    next. Patients whose same days are due are read together.
    """
    states, now = feature_states(patients), timezone.now()
    zones = zone_histories(patients)
    due: dict[tuple[date, date], list[Patient]] = {}
    for patient in patients:
        if days := _days_due(patient, states[patient.pk], zones[patient.pk]):
            due.setdefault(days, []).append(patient)
    weeks: dict[int, dict[date, PatWeek]] = {patient.pk: {} for patient in patients}
    rows: list[DailyFeatures] = []
    for (first, last), group in due.items():
        windows = person_windows(group, first, last, LOOK_BACK_DAYS, zones)
        stored = _stored_days(group, first)
        for patient in group:
            made = list(_each_day(patient, windows[patient.pk], first, stored[patient.pk]))
            # A day that came out the same keeps its row, and its score need not be looked at
            # again. The last is always written: its time says up to when recordings are in here.
            rows += [m.row for m in made if m.row.day == last or not m.is_same]
            weeks[patient.pk] = {m.row.day: m.week for m in made[-WEEKS_KEPT_DAYS:] if m.week}
    for row in rows:
        row.computed_at = now
    DailyFeatures.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["patient", "day"],
        update_fields=["computed_at", "values", "pacemaker_state", "inputs_digest", "version"],
    )
    return weeks


def _days_due(
    patient: Patient, state: FeatureState, zones: ZoneHistory
) -> tuple[date, date] | None:
    """First and last day to be made, None without any; features of days that are gone go."""
    span = state.recorded_days(zones)
    if span is None:
        patient.features.all().delete()
        return None
    first = _first_stale_day(state, *span)
    if first is None:
        return None
    if state.known and (state.known[0] < span[0] or state.known[1] > span[1]):
        # Another time zone may move the last minute to the day before.
        patient.features.filter(Q(day__lt=span[0]) | Q(day__gt=span[1])).delete()
    return first, span[1]


def _stored_days(patients: Sequence[Patient], first: date) -> dict[int, dict[date, DailyFeatures]]:
    found: dict[int, dict[date, DailyFeatures]] = {patient.pk: {} for patient in patients}
    rows = DailyFeatures.objects.filter(patient__in=found, day__gte=first - timedelta(days=1))
    for row in rows.order_by():
        found[row.patient_id][row.day] = row
    return found


@dataclass(frozen=True)
class _Made:
    """A day's row, not saved, and its PAT week if the day was made anew."""

    row: DailyFeatures
    week: PatWeek | None
    is_same: bool


def _each_day(
    patient: Patient,
    windows: Iterator[tuple[date, PersonData]],
    first: date,
    stored: dict[date, DailyFeatures],
) -> Iterator[_Made]:
    before = stored.get(first - timedelta(days=1))
    state = before.pacemaker_state if before else None
    # Each day from its own window, so that one night's update and a recompute of all agree.
    for day, person in windows:
        digest = _digest(person, day, state)
        old = stored.get(day)
        if old and (old.inputs_digest, old.version) == (digest, FEATURES_VERSION):
            state = old.pacemaker_state
            yield _Made(old, None, True)
            continue
        features, phase, week = day_features(
            person, day, PacemakerDay.from_dict(state) if state else None, sedentary_thresholds()
        )
        row = DailyFeatures(
            patient=patient,
            day=day,
            values=_as_json(features.as_dict()),
            pacemaker_state=_as_json(asdict(phase)) if phase else None,
            inputs_digest=digest,
            version=FEATURES_VERSION,
        )
        state = row.pacemaker_state
        yield _Made(row, week, _is_same(old, row))


def _digest(person: PersonData, day: date, state: Any) -> str:
    """Of all that the features of the day are made from."""
    start = person.zones.day_bounds(day - timedelta(days=LOOK_BACK_DAYS - 1))[0]
    end = person.zones.day_bounds(day)[1]
    digest = blake2b(digest_size=16)
    zones = [str(person.zones.zone_on(day + timedelta(days=n))) for n in range(-LOOK_BACK_DAYS, 2)]
    sleep = [e for e in person.sleep if e.end > start and e.start < end]
    before = json.dumps(state, sort_keys=True)
    digest.update(repr((day, zones, person.family, sleep, before)).encode())
    for series in person.series:
        digest.update(series.channel.encode())
        digest.update(series.between(start, end).tobytes())
    return digest.hexdigest()


def _as_json(values: dict[str, Any]) -> Any:
    return json.loads(json.dumps(values, allow_nan=False))


def _is_same(old: DailyFeatures | None, new: DailyFeatures) -> bool:
    return (
        old is not None
        and (old.values, old.pacemaker_state) == (new.values, new.pacemaker_state)
        and old.version == new.version
    )


def _first_stale_day(state: FeatureState, first: date, last: date) -> date | None:
    if state.known is None or state.version != FEATURES_VERSION:
        return first
    changed = [state.edited] if state.edited else []
    if state.slept:
        changed.append(state.slept.date())
    if changed:
        # Where the last days were removed, the last one left is made anew.
        return min(max(first, min(changed) - timedelta(days=DAYS_BEFORE_AN_EDIT)), last)
    return state.known[1] + timedelta(days=1) if state.known[1] < last else None
