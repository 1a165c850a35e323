"""How far a patient's features are behind the recordings: one query, made for every patient."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.db import connection

from patients.domain.days import ZoneHistory
from patients.models import Patient

# By hand, because as a dozen queries of the ORM it takes a third of a patient's night.
STATE = """
SELECT first_minute.utc_day, last_minute.utc_day, last_minute.last_minute,
       first_night.start, last_night."end", days.first, days.last,
       newest.computed_at, newest.version,
       (SELECT min(utc_day) FROM patients_resolvedday
        WHERE patient_id = p.id AND updated_at > newest.computed_at),
       (SELECT min(start) FROM patients_sleepepisode
        WHERE patient_id = p.id AND updated_at > newest.computed_at)
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
WHERE p.id = %s
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


def feature_state(patient: Patient) -> FeatureState:
    """The patient's, whose row stays locked until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(STATE, [patient.pk])
        [
            (first_day, last_day, last_minute, slept_from, slept_to, known_from, known_to, _,
             version, edited, slept)
        ] = cursor.fetchall()  # fmt: skip
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
