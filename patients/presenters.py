"""How a person's data look: freshness, and moments on the clock of their zone."""

from dataclasses import dataclass
from datetime import date, datetime

from patients.domain.days import zone_named
from patients.models import Patient
from patients.selectors import zones_of

FRESH_DAYS = ((2, "fresh"), (7, "aging"), (30, "stale"))


@dataclass(frozen=True)
class Freshness:
    """How old the newest data are. ``level``: fresh, aging, stale or lost."""

    level: str
    words: str


def freshness(last_data: date | None, today: date) -> Freshness:
    """The chip beside a name: up to 2, 7, 30 days, or longer; both days of the patient's zone."""
    if last_data is None:
        return Freshness("lost", "no data yet")
    age = (today - last_data).days
    if age < -1:
        return Freshness("stale", "dated in the future")
    age = max(age, 0)  # a device may be a zone ahead
    level = next((name for limit, name in FRESH_DAYS if age <= limit), "lost")
    words = {0: "today", 1: "yesterday"}.get(age, f"{age} days ago")
    return Freshness(level, words)


def zone_now(patient: Patient) -> str:
    """The name of the zone the patient lives in at present."""
    return zones_of(patient).spans[-1][1]


def in_zone(moment: datetime, zone: str) -> datetime:
    """The moment on that zone's clock."""
    return moment.astimezone(zone_named(zone))
