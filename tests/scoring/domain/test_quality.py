"""Minutes present, worn and imputed of a day, counted by hand."""

from typing import Any

import numpy as np

from patients.domain.recording import Channel, Family, Minutes
from scoring.domain.daily import daily_features
from scoring.domain.types import DayFeatures, PersonData
from tests.scoring.domain.builders import BERLIN, a_day, episode, person, series

NAN = np.nan


def quality_of(who: PersonData, offset: int = 2) -> Any:
    [(features, _)] = daily_features(who, a_day(offset), a_day(offset))
    return features.quality


def stepper(values: Minutes, **more: Any) -> PersonData:
    """Somebody whose device writes steps only; three days from FIRST."""
    steps = series(values, Channel.STEPS, unit="steps/min")
    return PersonData(BERLIN, Family.STEPS, steps, steps, **more)


def test_missing_minutes_of_counts_are_neither_worn_nor_made_up() -> None:
    def gap(values: Minutes) -> None:
        values[2 * 1440 + 600 : 2 * 1440 + 700] = NAN

    quality = quality_of(person(3, change=gap))
    assert quality == {"activity": {"present": 1340, "worn": 1340, "imputed": 0}}


def test_a_sensor_on_a_table_is_present_and_not_worn() -> None:
    def on_a_table(values: Minutes) -> None:
        values[2 * 1440 + 480 : 2 * 1440 + 1080] = 0  # ten hours by day

    assert quality_of(person(3, change=on_a_table))["activity"] == {
        "present": 1440,
        "worn": 840,
        "imputed": 0,
    }


def test_steps_count_as_zero_in_bed_and_that_is_said() -> None:
    values = np.full(3 * 1440, NAN, dtype=np.float32)
    values[2 * 1440 + 720 : 2 * 1440 + 780] = 20  # an hour's walk at noon
    who = stepper(values, sleep=(episode(a_day(2), onset=0, offset=360),))
    [steps] = quality_of(who).values()
    assert steps["present"] == steps["worn"] == 60
    assert steps["imputed"] >= 360, "six hours in bed have zero steps for the models"
    assert list(quality_of(who)) == ["steps"]


def test_imputed_minutes_are_those_the_models_get_without_a_recording() -> None:
    values = np.full(3 * 1440, NAN, dtype=np.float32)
    values[2 * 1440 + 720 : 2 * 1440 + 780] = 20
    rate = np.full(3 * 1440, NAN, dtype=np.float32)
    rate[2 * 1440 + 600 : 2 * 1440 + 900] = 70
    who = stepper(values, heart_rate=series(rate, Channel.HEART_RATE, unit="bpm"))
    quality = quality_of(who)
    assert quality["heart_rate"] == {"present": 300, "worn": None, "imputed": 0}
    [(features, _)] = daily_features(who, a_day(2), a_day(2))
    worn_minutes = features.worn_minutes
    assert quality["steps"]["imputed"] == worn_minutes - 60


def test_quality_comes_back_from_json_and_days_stored_without_it_can_be_read() -> None:
    [(features, _)] = daily_features(person(3), a_day(2), a_day(2))
    stored = features.as_dict()
    assert DayFeatures.from_dict(stored) == features
    stored.pop("quality")
    assert DayFeatures.from_dict(stored).quality == {}
