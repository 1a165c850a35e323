"""Odd recordings give defined results: no exception, no NaN, no warning."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from patients.domain.recording import Channel, Family, Minutes, MinuteSeries
from scoring.domain.clinical_flags import clinical_flags
from scoring.domain.daily import daily_features
from scoring.domain.output import day_dict
from scoring.domain.pat_window import WEEK_MINUTES, Reference, pat_week, standardised
from scoring.domain.regularity import regularity
from scoring.domain.rhythm import interdaily_shift_hours, rhythm
from scoring.domain.types import DayFeatures, PersonData
from scoring.domain.unit_scale import scale_reason, weekly_level
from scoring.domain.vector import vector
from scoring.resources import flag_rules, sedentary_thresholds
from tests.scoring.domain.builders import BERLIN, a_day, counts, episode, logged, series

DAYS = 9
FULL = DAYS * 1440
pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")

ODD: dict[str, Minutes] = {
    "nothing": np.full(FULL, np.nan),
    "zeros": np.zeros(FULL),
    "constant": np.full(FULL, 7.0),
    "fraction": np.full(FULL, 0.1),
    "int16 limit": np.full(FULL, 32767.0),
    "below int16": np.full(FULL, -32768.0),
    "float limit": np.where(np.arange(FULL) % 3, 3.4e38, 0.0),
    "smallest float": np.where(np.arange(FULL) % 3, 1e-45, 0.0),
    "one minute": np.full(1, 5.0),
    "one minute a day": np.where(np.arange(FULL) % 1440 == 700, 5.0, np.nan),
    "every other minute": np.where(np.arange(FULL) % 2, 50.0, np.nan),
    "noise": np.random.default_rng(1).integers(0, 2, FULL),
    "negative": -counts(DAYS),
}


def every_day(who: PersonData, last: int = DAYS - 1) -> list[DayFeatures]:
    made = daily_features(who, a_day(0), a_day(last), sedentary=sedentary_thresholds())
    days = [f for f, _ in made]
    for day in days:
        trailing = regularity(days, day.day), clinical_flags(days, day.day, flag_rules())
        assert all(v is None or np.isfinite(v) for v in trailing[0].values()), trailing
        json.dumps(day_dict(day, vector(days, day.day), *trailing), allow_nan=False)
        assert all(v is None or np.isfinite(v) for v in day.indexes), day.indexes
        for group in (day.sleep, day.rhythm, day.phase, day.activity, day.heart):
            assert all(v is None or np.isfinite(v) for v in group.values()), group  # type: ignore[arg-type]
    return days


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("family", Family)
@pytest.mark.parametrize("with_records", [True, False])
def test_odd_recording_gives_defined_days(name: str, family: Family, with_records: bool) -> None:
    sleep = (episode(a_day(3)), episode(a_day(4), 0, 1)) if with_records else ()
    minutes = series(ODD[name].astype(np.float32))
    who = PersonData(zones=BERLIN, family=family, activity=minutes, sleep=sleep)
    assert len(every_day(who)) == DAYS
    week = pat_week(who, a_day(DAYS - 1))
    flat = np.ones(WEEK_MINUTES, dtype=np.float32)
    assert np.isfinite(standardised(week, Reference(flat, flat))).all()
    assert 0 <= week.coverage <= 1
    level = weekly_level(week)
    assert (level is None) == (week.coverage == 0) and (level is None or np.isfinite(level))
    assert (scale_reason(week, family, (1e39, 1e40)) is None) == (level is None)


@pytest.mark.parametrize("name", ODD)
def test_odd_heart_light_and_steps_give_defined_days(name: str) -> None:
    odd = ODD[name].astype(np.float32)
    channels = {
        field: MinuteSeries(channel, "", BERLIN.day_bounds(a_day(0))[0], odd)
        for field, channel in (
            ("steps", Channel.STEPS), ("light", Channel.LIGHT), ("heart_rate", Channel.HEART_RATE),
            ("resting_heart_rate", Channel.RESTING_HEART_RATE), ("sdnn", Channel.HRV_SDNN),
            ("rmssd", Channel.HRV_RMSSD), ("lf_hf", Channel.HRV_LF_HF),
        )
    }  # fmt: skip
    assert len(every_day(logged(DAYS, **channels))) == DAYS


@pytest.mark.parametrize("name", sorted(set(ODD) - {"one minute"}))
def test_odd_minutes_give_a_defined_rhythm(name: str) -> None:
    minutes = ODD[name].astype(np.float32).astype(np.float64)
    values = [*asdict(rhythm(minutes)).values(), interdaily_shift_hours(minutes)]
    assert all(v is None or np.isfinite(v) for v in values), values
    if name in ("zeros", "constant", "fraction", "int16 limit", "below int16"):
        assert values[-2:] == [None, None]  # no hour of the highest, and nothing that shifts


@pytest.mark.parametrize("name", ["nothing", "zeros", "constant", "fraction", "int16 limit"])
def test_sensor_that_never_moved_shows_nothing(name: str) -> None:
    who = PersonData(BERLIN, Family.ACTIGRAPH_COUNTS, series(ODD[name].astype(np.float32)))
    for day in every_day(who):
        assert day.worn_minutes == 0
        assert not day.night_present and day.indexes == (None,) * 12


def test_person_without_any_channel() -> None:
    days = every_day(PersonData(zones=BERLIN, family=None, activity=None))
    assert all(d.recorded_minutes == 0 and not d.night_present for d in days)
    assert all("partial_day" in d.flags and "night_missing" in d.flags for d in days)


def test_person_with_sleep_records_only() -> None:
    who = replace(logged(DAYS), activity=None, family=None)
    days = every_day(who)
    assert [d.night_present for d in days] == [False] + [True] * (DAYS - 1)
    assert days[-1].sleep["time_asleep_hours"] == 8


def test_days_after_the_last_minute_are_empty() -> None:
    days = every_day(logged(DAYS), DAYS + 5)[-4:]
    assert all(d.recorded_minutes == 0 and d.indexes == (None,) * 12 for d in days)


def test_overlapping_and_doubled_records_count_once() -> None:
    one, other = episode(a_day(5)), episode(a_day(5), 0, 480)
    days = every_day(replace(logged(DAYS), sleep=(one, one, other)))
    assert days[5].sleep["time_asleep_hours"] == 9
    assert days[5].sleep["time_in_bed_hours"] == 9


def test_record_of_more_than_a_day_is_defined() -> None:
    every_day(replace(logged(DAYS), sleep=(episode(a_day(5), -3000, 3000),)))
