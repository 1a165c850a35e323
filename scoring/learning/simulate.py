"""A seeded simulator of nights and minutes, for training and for the demo clinic."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np

from patients.domain.days import ZoneHistory
from patients.domain.recording import (
    UNITS,
    Channel,
    Family,
    Minutes,
    MinuteSeries,
    SleepEpisode,
    SleepStage,
)
from scoring.domain.types import PersonData
from scoring.learning.people import DEPRESSION, Course, Person

DAY = 1440
LATE_AFTER_LATE = 0.75  # correlation of sleep timing from night to night: assumption
RESTS_A_DAY = 0.4  # assumption
GAP_DAYS = 5  # mean length: assumption
RESTING_DAY_BPM = 1.5  # from day to day: assumption
# A fifth of people have a week with a swing of 10 beats (Quer 2020).
RESTING_WANDER_BPM, RESTING_WANDER = 2.5, 0.9
RMSSD_DAY_CV = 0.18  # nightly, 10 to 25 % (general knowledge)
SDNN_BY_RMSSD = 1.3  # assumption
# Level of an average waking minute in each unit; sources in data/families.toml.
STEP_THRESHOLD = 1.6  # intensity above which a minute is walked (assumption: 6,600 steps a day)
STEPS_PER_WALKED_MINUTE = 85.0


@dataclass(frozen=True)
class Night:
    """Sleep of one night in minutes from the waking day's midnight, with awakenings."""

    onset: int
    offset: int
    wakes: tuple[tuple[int, int], ...]
    recorded: bool


def simulate_nights(
    rng: np.random.Generator, person: Person, course: Course, first_weekday: int = 0
) -> list[Night]:
    """One night for each day of the course."""
    days = np.arange(course.days)
    in_depression = np.where(course.kind == DEPRESSION, person.low_sleep_response, 1.0)
    weekend = np.isin((days + first_weekday) % 7, (5, 6))
    middle = 60 * (
        person.midsleep_hours
        + course.felt("phase_hours", person.phase_response)
        + weekend * person.weekend_hours
        + person.midsleep_sd_hours * _wander(rng, course.days, LATE_AFTER_LATE)
    )
    length = 60 * np.clip(
        person.sleep_hours
        + course.felt("sleep_hours", in_depression)
        + rng.normal(0, person.sleep_sd_hours, course.days),
        1.5,
        12.0,
    )
    wake_count = rng.poisson(person.awakenings * course.felt("wake_bouts"))
    missing = _missing_nights(rng, np.minimum(person.missing_share + course.felt("missing"), 0.95))
    return [_night(rng, middle[d], length[d], int(wake_count[d]), not missing[d]) for d in days]


def _wander(rng: np.random.Generator, days: int, correlation: float) -> np.ndarray:
    """A standard normal value a day, each correlated so much with the one before."""
    steps, value = rng.normal(0, np.sqrt(1 - correlation**2), days), rng.normal()
    return np.array([value := correlation * value + step for step in steps])


def _missing_nights(rng: np.random.Generator, share: np.ndarray) -> np.ndarray:
    """Single nights off, and gaps of GAP_DAYS on average (assumption: half of each)."""
    missing = rng.random(len(share)) < share / 2
    day = 0
    while day < len(share):
        # A gap begins so often that gaps fill about half of the share.
        if rng.random() < share[day] / 2 / GAP_DAYS / max(1 - share[day] / 2, 0.1):
            length = int(rng.geometric(1 / GAP_DAYS))
            missing[day : day + length] = True
            day += length
        day += 1
    return missing


def _night(
    rng: np.random.Generator, middle: float, length: float, count: int, recorded: bool
) -> Night:
    onset, offset = round(middle - length / 2), round(middle + length / 2)
    starts = np.sort(rng.integers(onset + 20, max(offset - 20, onset + 21), count))
    wakes = tuple((int(s), min(int(s + rng.gamma(2.0, 5.0)) + 1, offset - 1)) for s in starts)
    return Night(onset, offset, wakes, recorded)


def asleep_minutes(nights: list[Night]) -> np.ndarray:
    """Whether each minute of the days is slept; shape (days * 1440,)."""
    asleep = np.zeros(len(nights) * DAY, dtype=bool)
    for day, night in enumerate(nights):
        asleep[max(day * DAY + night.onset, 0) : max(day * DAY + night.offset, 0)] = True
        for start, stop in night.wakes:
            asleep[max(day * DAY + start, 0) : max(day * DAY + stop, 0)] = False
    return asleep


def simulate_intensity(
    rng: np.random.Generator, person: Person, course: Course, nights: list[Night]
) -> Minutes:
    """Movement of each minute; 1 is the average waking minute of an average person."""
    asleep = asleep_minutes(nights)
    minute = np.arange(len(asleep)) % DAY
    # Smoothed noise: smoother days have longer bouts. One filter a day keeps it simple.
    log_level = np.empty(len(asleep))
    smoothness = course.felt("smoothness")
    for day in range(course.days):
        log_level[day * DAY : (day + 1) * DAY] = _autoregressive(
            rng, smoothness[day], person.burst_sd
        )
    middle = np.repeat([(n.onset + n.offset) / 2 for n in nights], DAY)
    bell = 0.55 + 0.45 * np.cos((minute - middle - 690) / DAY * 2 * np.pi)
    by_day = course.felt("activity") * np.exp(rng.normal(0, person.activity_day_sd, course.days))
    level = person.activity_level * np.repeat(by_day, DAY)
    # exp(log_level) has a mean of exp(sd² / 2).
    awake = level * bell * np.exp(log_level - person.burst_sd**2 / 2)
    awake[rng.random(len(asleep)) < person.still_share] = 0.0
    awake[_resting(rng, course.days)] = 0.0
    twitch = rng.random(len(asleep)) < 0.06
    in_sleep = twitch * rng.exponential(0.12, len(asleep))
    return np.where(asleep, in_sleep, awake).astype(np.float32)


def _resting(rng: np.random.Generator, days: int) -> np.ndarray:
    """Minutes of lying still by day, half an hour to two and a half at a time."""
    resting = np.zeros(days * DAY, dtype=bool)
    starts = rng.integers(0, days * DAY, rng.poisson(RESTS_A_DAY * days))
    for start, length in zip(starts, rng.integers(30, 150, len(starts)), strict=True):
        resting[start : start + length] = True
    return resting


def _autoregressive(rng: np.random.Generator, smoothness: float, sd: float = 0.95) -> np.ndarray:
    from scipy.signal import lfilter

    noise = rng.normal(0.0, sd * np.sqrt(1 - smoothness**2), DAY)
    return np.asarray(lfilter([1.0], [1.0, -smoothness], noise))


def in_units(intensity: Minutes, family: Family, scale: float) -> Minutes:
    """Intensity as that family of sensors would write it."""
    if family is Family.STEPS:
        walked = np.where(intensity > STEP_THRESHOLD, intensity / STEP_THRESHOLD, 0.0)
        return np.rint(np.minimum(walked * STEPS_PER_WALKED_MINUTE * 0.6, 180)).astype(np.float32)
    if family is Family.MIMS:
        return np.round(intensity * scale, 3).astype(np.float32)
    return np.rint(intensity * scale).astype(np.float32)


def resting_rates(rng: np.random.Generator, person: Person, course: Course) -> np.ndarray:
    """The resting heart rate (bpm) of each day."""
    noise = rng.normal(0, RESTING_DAY_BPM, course.days)
    slow = RESTING_WANDER_BPM * _wander(rng, course.days, RESTING_WANDER)
    return person.resting_bpm + course.felt("resting_bpm") + slow + noise


def simulate_heart_rate(
    rng: np.random.Generator, resting_bpm: np.ndarray, intensity: Minutes, asleep: np.ndarray
) -> Minutes:
    """Beats per minute, from the resting rate of each day: higher awake and when moving."""
    resting = np.repeat(resting_bpm, DAY)
    moving = 14 * np.log1p(intensity)
    rate = resting + np.where(asleep, -4.0, 8.0) + moving + rng.normal(0, 2, len(intensity))
    return np.clip(np.rint(rate), 38, 190).astype(np.float32)


def simulate_light(
    rng: np.random.Generator, start: datetime, minutes: int, sleep: tuple[SleepEpisode, ...]
) -> Minutes:
    """Lux at the wrist: dark asleep, some 200 lux indoors, thousands now and then outdoors.

    Assumption: levels of one openly licensed week (LightLogR sample, MIT), not of a group.
    """
    log_lux = np.concatenate(
        [_autoregressive(rng, 0.97, sd=1.6) for _ in range(-(-minutes // DAY))]
    )[:minutes]
    lux = np.round(np.clip(200 * np.exp(log_lux), 0.5, 60_000), 1)
    for episode in sleep:
        dark = [round((t - start) / timedelta(minutes=1)) for t in (episode.start, episode.end)]
        lux[max(dark[0], 0) : max(dark[1], 0)] = 0.0
    return lux.astype(np.float32)


def simulate_person_data(
    rng: np.random.Generator,
    person: Person,
    course: Course,
    first_day: date,
    zone: str,
    family: Family,
    scale: float,
    body: bool = False,
    light: bool = False,
) -> PersonData:
    """Recorded minutes and sleep of a person: what a worn device with a sleep log gives.

    A night not recorded has neither sleep nor minutes from 21:00 to 09:00. With ``body`` there
    are a resting heart rate, an SDNN and an RMSSD of each recorded night, with ``light`` lux.
    """
    zones = ZoneHistory.of(zone)
    start = zones.day_bounds(first_day)[0]
    nights = simulate_nights(rng, person, course, first_day.weekday())
    intensity = simulate_intensity(rng, person, course, nights)
    resting = resting_rates(rng, person, course)
    heart_rate = simulate_heart_rate(rng, resting, intensity, asleep_minutes(nights))
    activity = in_units(np.maximum(intensity, person.floor_share), family, scale)
    steps = in_units(intensity, Family.STEPS, 1.0)
    for day, night in enumerate(nights):
        if not night.recorded:
            gap = slice(max(day * DAY - 180, 0), day * DAY + 540)
            for channel in (activity, steps, heart_rate):
                channel[gap] = np.nan
    episodes = tuple(
        _episode(start + timedelta(days=day), night)
        for day, night in enumerate(nights)
        if night.recorded and (day > 0 or night.onset > 0)
    )
    sleep = _apart(episodes)
    more: dict[str, MinuteSeries] = {}
    if body:
        more = _body(rng, person, start, nights, resting)
    if light:
        lux = simulate_light(rng, start, len(activity), sleep)
        lux[np.isnan(activity)] = np.nan
        more["light"] = MinuteSeries(Channel.LIGHT, "lux", start, lux)
    return PersonData(
        zones=zones,
        family=family,
        activity=MinuteSeries(Channel.ACTIVITY, UNITS[family], start, activity),
        steps=MinuteSeries(Channel.STEPS, "steps/min", start, steps),
        heart_rate=MinuteSeries(Channel.HEART_RATE, "bpm", start, heart_rate),
        sleep=sleep,
        **more,
    )


def _body(
    rng: np.random.Generator,
    person: Person,
    start: datetime,
    nights: list[Night],
    resting: np.ndarray,
) -> dict[str, MinuteSeries]:
    """What a watch tells each morning of the heart, at the minute of waking."""
    rmssd = person.rmssd_ms * np.exp(rng.normal(0, RMSSD_DAY_CV, len(nights)))
    found = {
        "resting_heart_rate": (Channel.RESTING_HEART_RATE, "bpm", np.rint(resting)),
        "rmssd": (Channel.HRV_RMSSD, "ms", np.rint(rmssd)),
        "sdnn": (Channel.HRV_SDNN, "ms", np.rint(rmssd * SDNN_BY_RMSSD)),
    }
    told = [
        (day * DAY + night.offset, day)
        for day, night in enumerate(nights)
        if night.recorded and 0 <= day * DAY + night.offset < len(nights) * DAY
    ]
    series = {}
    for name, (channel, unit, by_day) in found.items():
        values = np.full(len(nights) * DAY, np.nan, dtype=np.float32)
        for minute, day in told:
            values[minute] = by_day[day]
        series[name] = MinuteSeries(channel, unit, start, values)
    return series


def _episode(midnight: datetime, night: Night) -> SleepEpisode:
    def at(minute: int) -> datetime:
        return (midnight + timedelta(minutes=minute)).astimezone(UTC)

    awake = sum(stop - start for start, stop in night.wakes)
    stages = tuple(SleepStage(at(start), at(stop), "awake") for start, stop in night.wakes)
    asleep = float(night.offset - night.onset - awake)
    start = at(night.onset)
    return SleepEpisode(
        start, at(night.offset), asleep, float(awake), stages, log_id=start.isoformat()
    )


def _apart(episodes: tuple[SleepEpisode, ...]) -> tuple[SleepEpisode, ...]:
    """Leave out a record that begins before the one before it ends."""
    kept: list[SleepEpisode] = []
    for episode in episodes:
        if not kept or episode.start >= kept[-1].end:
            kept.append(episode)
    return tuple(kept)
