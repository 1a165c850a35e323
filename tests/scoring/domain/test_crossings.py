"""Alerts per patient-month and lead time, counted by hand."""

import numpy as np
import pytest

from scoring.domain.crossings import (
    DAYS_A_MONTH,
    alerts_per_patient_month,
    crossings,
    lead_days,
)


def flags(text: str) -> np.ndarray:
    return np.array([c == "#" for c in text])


def test_a_run_of_days_is_one_crossing_and_nobody_inherits_another_ones() -> None:
    people = np.array([1] * 6 + [2] * 3)
    found = crossings(people, flags(".##.##" + "##."))
    assert np.flatnonzero(found).tolist() == [1, 4, 6]


def test_nothing_flagged_crosses_nothing() -> None:
    people = np.array([1, 1, 2])
    assert not crossings(people, flags("...")).any()
    assert alerts_per_patient_month(people, flags("...")) == 0


def test_alerts_are_counted_over_the_days_there_are() -> None:
    people = np.repeat([1, 2], 30)
    flagged = flags("#....#" + "." * 24 + "." * 29 + "#")
    assert alerts_per_patient_month(people, flagged) == pytest.approx(3 / (60 / DAYS_A_MONTH))


@pytest.mark.parametrize(
    ("crossed", "lead"),
    [
        ([36], 4),
        ([43], -3),
        ([30, 38, 41], 10),  # the first of them
        ([26], 14),
        ([25], None),  # too long before
        ([54], -14),
        ([55], None),  # too long after
        ([], None),
    ],
)
def test_lead_is_from_the_first_crossing_near_the_onset(
    crossed: list[int], lead: int | None
) -> None:
    assert lead_days(crossed, 40) == lead
