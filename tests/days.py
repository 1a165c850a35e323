"""Stored features of ordinary days, without minutes behind them."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from patients.models import Patient
from scoring.models import DailyFeatures
from tests.scoring.domain.builders import features


def days_store(
    who: Patient,
    last_day: date,
    count: int,
    hours: Callable[[int], float] = lambda n: 7.0 + 0.5 * (n % 3),
    **given: Any,
) -> None:
    """So many full days up to the last; ``hours`` of sleep by days before it."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    made = [
        features(
            last_day - timedelta(days=n),
            hours=hours(n),
            phase={"dlmo_hour": 21.5, "dlmo_unwrapped_hours": 21.5 + 0.1 * (n % 5)},
            **given,
        )
        for n in range(count)
    ]
    DailyFeatures.objects.bulk_create(
        DailyFeatures(patient=who, day=day.day, computed_at=at, values=day.as_dict())
        for day in made
    )
