"""How far patients' features are behind their recordings: one query for many patients."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.db import connection

from patients.domain.days import ZoneHistory
from patients.models import Patient

# By hand, because as a dozen queries of the ORM it takes a third of a patient's night. OFFSET 0
# keeps PostgreSQL from walking a whole history day by day until it finds one that changed.
STATE = """
SELECT p.id, first_minute.utc_day, last_minute.utc_day, last_minute.last_minute,
       first_night.start, last_night."end", days.first, days.last,
       newest.computed_at, newest.version,
       (SELECT min(utc_day) FROM (
            SELECT utc_day FROM patients_resolvedday
            WHERE patient_id = p.id AND updated_at > newest.computed_at OFFSET 0) edited),
       (SELECT min(start) FROM (
            SELECT start FROM patients_sleepepisode
            WHERE patient_id = p.id AND updated_at > newest.computed_at OFFSET 0) slept)
FROM patients_patient p
LEFT JOIN LATERAL (
    SELECT utc_day FROM patients_resolvedday
    WHERE patient_id = p.id AND minutes > 0 ORDER BY utc_day LIMIT 1) first_minute ON true
LEFT JOIN LATERAL (
    SELECT utc_day, last_minute FROM patients_resolvedday
    WHERE patient_id = p.id AND minutes > 0
    ORDER BY utc_day DESC, last_minute DESC LIMIT 1) last_minute ON true
LEFT JOIN LATERAL (
    SELECT start FROM patients_sleepepisode
    WHERE patient_id = p.id AND is_chosen ORDER BY "end" LIMIT 1) first_night ON true
LEFT JOIN LATERAL (
    SELECT "end" FROM patients_sleepepisode
    WHERE patient_id = p.id AND is_chosen ORDER BY "end" DESC LIMIT 1) last_night ON true
LEFT JOIN LATERAL (
    SELECT min(day) AS first, max(day) AS last FROM scoring_dailyfeatures
    WHERE patient_id = p.id) days ON true
LEFT JOIN LATERAL (
    SELECT computed_at, version FROM scoring_dailyfeatures
    WHERE patient_id = p.id AND day = days.last) newest ON true
WHERE p.id = ANY(%s)
ORDER BY p.id  -- who locks many does so in one order
FOR UPDATE OF p
"""


@dataclass(frozen=True)
class FeatureState:
    """``recorded`` is the first and last moment with data, ``known`` the first and last day with
    features; None without any. ``version`` is that of the last of them, ``edited`` the first UTC
    day and ``slept`` the start of the first night that changed since it was made.
    """

    recorded: tuple[datetime, datetime] | None
    known: tuple[date, date] | None
    version: int | None
    edited: date | None
    slept: datetime | None

    def recorded_days(self, zones: ZoneHistory) -> tuple[date, date] | None:
        """First and last local day with any minute or any night."""
        if self.recorded is None:
            return None
        return zones.local_day(self.recorded[0]), zones.local_day(self.recorded[1])


def feature_states(patients: Sequence[Patient]) -> dict[int, FeatureState]:
    """Those of the patients, by their key; their rows stay locked until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(STATE, [[patient.pk for patient in patients]])
        return {key: _state(*row) for key, *row in cursor.fetchall()}


def _state(
    first_day: date | None,
    last_day: date,
    last_minute: int,
    slept_from: datetime | None,
    slept_to: datetime | None,
    known_from: date | None,
    known_to: date,
    _: datetime,
    version: int | None,
    edited: date | None,
    slept: datetime | None,
) -> FeatureState:
    starts, ends = [slept_from], [slept_to]
    if first_day:
        starts.append(datetime.combine(first_day, time.min, UTC))
        ends.append(datetime.combine(last_day, time.min, UTC) + timedelta(minutes=last_minute))
    recorded = [m for m in starts if m], [m for m in ends if m]
    return FeatureState(
        (min(recorded[0]), max(recorded[1])) if recorded[0] else None,
        (known_from, known_to) if known_from else None,
        version,
        edited,
        slept,
    )
