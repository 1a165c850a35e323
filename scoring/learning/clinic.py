"""The simulated clinic of the demo: 40 patients over 120 days, each with a story."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import numpy as np

from patients.domain.recording import Channel, DeviceKind, Family, Minutes, MinuteSeries, Recording
from scoring.learning.episodes import random_episodes
from scoring.learning.people import (
    DEPRESSION,
    HYPOMANIA,
    MANIA,
    Course,
    Episode,
    Person,
    a_course,
    a_person,
    asrm_scores,
    phq8_scores,
)
from scoring.learning.simulate import simulate_light, simulate_person_data

DAYS = 120
ZONES = ("America/Toronto", "America/Toronto", "America/Montreal", "America/Halifax")
ACTIGRAPH_LEVEL = 2000.0
LIGHT_SEED, PHONE_SEED, ASKED_SEED = 11, 13, 17
ASKED_EVERY, ASKED_LAST = 28, 9  # days: between two visits, and since the last at most

FIRST_NAMES = (
    "Ada", "Amir", "Bea", "Carlos", "Chloé", "Daniel", "Elif", "Emma", "Farah", "Gabriel",
    "Hana", "Hugo", "Ines", "Jonas", "Karim", "Lena", "Luc", "Maya", "Mina", "Noah",
)  # fmt: skip
LAST_NAMES = (
    "Andersen", "Bouchard", "Chen", "Diallo", "Evans", "Fortin", "Gagnon", "Haddad", "Ito",
    "Jansen", "Kowalski", "Lavoie", "Martin", "Nguyen", "Okafor", "Patel", "Roy", "Silva",
)  # fmt: skip

# (diagnosis, drug class or None, story), dealt to the patients in this order; the rest are well.
STORIES = (
    ("bipolar_1", "lithium", "mania"),
    ("bipolar_1", "ssri", "mania"),
    ("bipolar_1", None, "mania"),
    ("bipolar_2", "lamotrigine", "hypomania"),
    ("bipolar_2", "snri", "hypomania"),
    ("mdd", "ssri", "depression"),
    ("mdd", "snri", "depression"),
    ("mdd", None, "depression"),
    ("bipolar_1", "lithium", "depression"),
    ("bipolar_2", "antipsychotic", "depression"),
    ("mdd", "other_antidepressant", "depression"),
    ("mdd", "ssri", "stale"),
    ("bipolar_1", "valproate", "barely worn"),
    ("mdd", None, "new"),
    ("bipolar_2", "lamotrigine", "medication unknown"),
)
WELL = (
    ("mdd", "ssri"),
    ("bipolar_1", "lithium"),
    ("bipolar_2", "lamotrigine"),
    ("mdd", None),
    ("unknown", None),
)
DRUGS = {
    "ssri": ("sertraline", "100 mg"),
    "snri": ("venlafaxine XR", "150 mg"),
    "other_antidepressant": ("bupropion XL", "300 mg"),
    "lithium": ("lithium carbonate", "900 mg"),
    "valproate": ("divalproex", "1000 mg"),
    "lamotrigine": ("lamotrigine", "200 mg"),
    "antipsychotic": ("quetiapine", "300 mg"),
}


@dataclass(frozen=True)
class Asked:
    """A questionnaire that was filled in on that day of the patient's; its total in points."""

    instrument: str
    day: date
    total: int


@dataclass(frozen=True)
class ClinicPatient:
    """One simulated patient: what is known, and everything recorded."""

    code: str
    name: str
    diagnosis: str
    drug_class: str | None
    medication_known: bool
    zone: str
    story: str
    recording: Recording
    phone: Recording | None = None
    asked: tuple[Asked, ...] = ()


def simulate_clinic(seed: int, patients: int, last_day: date) -> Iterator[ClinicPatient]:
    """The patients of the clinic, one by one; the same seed and day give the same people."""
    for index in range(patients):
        rng = np.random.default_rng([seed, index])
        if index < len(STORIES):
            diagnosis, drug, story = STORIES[index]
        else:
            diagnosis, drug = WELL[index % len(WELL)]
            story = "well"
        yield _patient(rng, index, diagnosis, drug, story, last_day)


def _patient(
    rng: np.random.Generator,
    index: int,
    diagnosis: str,
    drug: str | None,
    story: str,
    last_day: date,
) -> ClinicPatient:
    days = 6 if story == "new" else DAYS
    zone = ZONES[index % len(ZONES)]
    person = a_person(rng, diagnosis)
    # A clinic to look at: most nights are there, and an episode looks as on average.
    person = replace(
        person, missing_share=person.missing_share / 4, phase_response=1.0, low_sleep_response=1.0
    )
    course = a_course(days, _episodes(rng, diagnosis, story, days))
    first_day = last_day - timedelta(days=days - 1)
    data = simulate_person_data(
        rng, person, course, first_day, zone, Family.ACTIGRAPH_COUNTS, ACTIGRAPH_LEVEL
    )
    assert data.activity is not None
    begin, minutes = data.activity.start, len(data.activity.values)
    lux = simulate_light(np.random.default_rng([LIGHT_SEED, index]), begin, minutes, data.sleep)
    lux[np.isnan(data.activity.values)] = np.nan
    recording = Recording(
        source="simulated",
        device="simulated wrist device",
        family=data.family,
        series=(*data.series, MinuteSeries(Channel.LIGHT, "lux", begin, lux)),
        sleep=data.sleep,
    )
    worn = _as_worn(recording, story)
    return ClinicPatient(
        code=f"C-{index + 1:04d}",
        name=f"{FIRST_NAMES[index % 20]} {LAST_NAMES[(index * 7) % 18]}",
        diagnosis=diagnosis,
        drug_class=drug,
        medication_known=story != "medication unknown",
        zone=zone,
        story=story,
        recording=worn,
        phone=_phone(np.random.default_rng([PHONE_SEED, index]), worn) if index % 4 == 0 else None,
        asked=_asked(np.random.default_rng([ASKED_SEED, index]), person, course, first_day),
    )


def _asked(
    rng: np.random.Generator, person: Person, course: Course, first_day: date
) -> tuple[Asked, ...]:
    """A PHQ-8 and an ASRM at each visit, as the person felt on that day."""
    totals = {"phq8": phq8_scores(rng, person, course), "asrm": asrm_scores(rng, course)}
    last = course.days - 1 - int(rng.integers(ASKED_LAST))
    return tuple(
        Asked(instrument, first_day + timedelta(days=day), int(found[day]))
        for day in range(last, -1, -ASKED_EVERY)
        for instrument, found in totals.items()
    )


def _phone(rng: np.random.Generator, wrist: Recording) -> Recording:
    """A phone that is carried on some hours of the day, and then counts most of the steps."""
    steps = wrist.channel(Channel.STEPS)
    assert steps is not None
    hours = -(-len(steps.values) // 60)
    carried = np.repeat(rng.random(hours) < 0.6, 60)[: len(steps.values)]
    counted = np.rint(steps.values * rng.uniform(0.75, 1.0, len(steps.values)))
    values = np.where(carried & (counted > 0), counted, np.nan).astype(np.float32)
    return Recording(
        source="simulated",
        device="simulated phone",
        family=Family.STEPS,
        series=(replace(steps, values=values),),
        kind=DeviceKind.PHONE,
    )


def _episodes(rng: np.random.Generator, diagnosis: str, story: str, days: int) -> list[Episode]:
    now = {"mania": (MANIA, 9), "hypomania": (HYPOMANIA, 8), "depression": (DEPRESSION, 18)}
    past = [e for e in random_episodes(rng, diagnosis, days) if e.first_day + e.days < days - 30]
    if story not in now:
        return past
    kind, begun_days_ago = now[story]
    return [*past, Episode(kind, days - begun_days_ago, 40, 1.0)]


def _as_worn(recording: Recording, story: str) -> Recording:
    """Some have stopped wearing the device; some hardly ever do, and never at night."""
    if story == "stale":
        return _cut(recording, recording.end - timedelta(days=9))
    if story != "barely worn":
        return recording
    begin = recording.end - timedelta(days=40)
    series = tuple(replace(s, values=_hardly_worn(s, begin)) for s in recording.series)
    return replace(_cut(recording, begin), series=series)


def _cut(recording: Recording, end: datetime) -> Recording:
    series = tuple(replace(s, values=s.between(s.start, end)) for s in recording.series)
    return replace(
        recording, series=series, sleep=tuple(e for e in recording.sleep if e.end <= end)
    )


def _hardly_worn(series: MinuteSeries, begin: datetime) -> Minutes:
    """From then on 12 h of every second day."""
    minute = np.arange(len(series.values))
    after = minute >= (begin - series.start) / timedelta(minutes=1)
    day = (minute // 1440 % 2 == 0) & (minute % 1440 >= 540) & (minute % 1440 < 1290)
    return np.where(after & ~day, np.float32(np.nan), series.values)
