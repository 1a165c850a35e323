"""Loose stretches of sleep leave the same rows however files cut them, in any order of files."""

import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from patients.domain.recording import Recording
from patients.ingest import (
    apple_health,
    google_fit,
    health_auto_export,
    philips_health_band,
)
from patients.ingest.common import spill
from patients.ingest.common.base import Rejected, utc
from patients.ingest.common.nights import Segment, nights_of_stretches
from patients.last_data import last_data_at, with_last_data
from patients.models import Patient, SleepEpisode
from patients.provenance import devices_seen, lanes_of_day
from patients.removal import device_remove
from patients.selectors import recorded_span, sleep_between
from patients.storage import recordings_store
from tests import factories
from tests.patients.ingest.builders import apple_heart, apple_sleep, write_apple, write_json
from tests.patients.ingest.builders_json import fit_points, hae_export, hae_stamp
from tests.patients.ingest.builders_loggers import write_sleep_wake

pytestmark = pytest.mark.django_db

START = 1_772_000_000 // 3600 * 3600
HOUR = 3600


def stretches(*told: tuple[float, float, str]) -> list[Segment]:
    """Of (from, to, stage) in hours."""
    return [(START + round(a * HOUR), START + round(b * HOUR), stage) for a, b, stage in told]


def take(patient: Patient, recordings: Sequence[Recording], name: str = "a") -> bool:
    stored = recordings_store(
        patient=patient, recordings=recordings, file_sha256=name * 64, zone="UTC", by="t"
    )
    return stored.changed


def rows_of(*files: Sequence[Recording]) -> list[tuple[Any, ...]]:
    """What a patient's rows are after these files."""
    patient = factories.patient(zone="UTC")
    for n, recordings in enumerate(files):
        take(patient, recordings, chr(97 + n))
    return rows(patient)


def rows(patient: Patient) -> list[tuple[Any, ...]]:
    found = patient.sleep_episodes.order_by("device__name", "start", "end")
    return list(
        found.values_list(
            "device__name", "start", "end", "asleep_minutes", "awake_minutes", "stages", "is_chosen"
        )
    )


def file_of(told: Sequence[Segment]) -> list[Recording]:
    found = nights_of_stretches(told, Rejected())
    return [Recording("vendor", "band", None, (), tuple(found))] if found else []


def nights(patient: Patient) -> list[tuple[float, float]]:
    """The nights that count, in hours."""
    found = sleep_between(patient, utc(START) - timedelta(99), utc(START) + timedelta(99))
    return [((n.start - utc(START)) / timedelta(hours=1), (n.end - utc(START)) / timedelta(hours=1))
            for n in found]  # fmt: skip


@st.composite
def long_chains(draw: st.DrawFn) -> list[Segment]:
    """Stretches that mostly follow each other, over many days, and some that lie across."""
    quarter, at, found = 900, START, []
    for gap, length, stage in draw(
        st.lists(
            st.tuples(
                st.sampled_from([0, 0, 1, 2, 4, 5, 30]),
                st.one_of(st.integers(1, 12), st.integers(20, 96)),
                st.sampled_from(["light", "asleep", "deep", "awake", "awake"]),
            ),
            max_size=40,
        )
    ):
        at += gap * quarter
        found.append((at, at + length * quarter, stage))
        at += length * quarter
    across = st.tuples(st.integers(0, 1000), st.integers(1, 96), st.sampled_from(["rem", "awake"]))
    for begin, length, stage in draw(st.lists(across, max_size=4)):
        first = START + begin * quarter
        found.append((first, first + length * quarter, stage))
    return found


@settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    told=long_chains(),
    parts=st.lists(st.integers(0, 5), min_size=44, max_size=44),
    in_order=st.booleans(),
    order=st.randoms(),
)
def test_any_cut_into_files_in_any_order_leaves_the_same_rows(
    told: list[Segment], parts: list[int], in_order: bool, order: random.Random
) -> None:
    places = sorted(parts[: len(told)]) if in_order else parts[: len(told)]
    files = [[s for s, place in zip(told, places, strict=True) if place == n] for n in range(6)]
    shuffled = [order.sample(file, len(file)) for file in files]
    order.shuffle(shuffled)
    whole = rows_of(file_of(told))
    assert rows_of(*map(file_of, shuffled)) == whole
    assert rows_of(*map(file_of, [*files, told])) == whole


def test_waking_by_day_does_not_cost_the_nights() -> None:
    told = []
    for day in range(0, 120, 24):
        told += stretches((day, day + 8, "light"), (day + 8, day + 24, "awake"))
    patient = factories.patient(zone="UTC")
    take(patient, file_of(told[:-1]))
    assert nights(patient) == [(day, day + 8) for day in range(0, 120, 24)]
    assert rows(patient) == rows_of(file_of(told[4:-1]), file_of(told[:4]))


def test_a_doze_of_over_a_day_is_the_same_in_halves_and_thirds() -> None:
    told = stretches(*((n, n + 2 / 3, "light") for n in range(28)))
    whole = rows_of(file_of(told))
    assert len(whole) > 1 and sum(row[3] for row in whole) == pytest.approx(28 * 40)
    assert rows_of(file_of(told[14:]), file_of(told[:14])) == whole
    assert rows_of(file_of(told[9:18]), file_of(told[18:]), file_of(told[:9])) == whole


def test_asleep_throughout_for_over_a_day_is_no_night_however_it_came() -> None:
    told = stretches(*((n, n + 10, "asleep") for n in range(0, 40, 10)))
    patient = factories.patient(zone="UTC")
    for n, one in enumerate(told):
        take(patient, file_of([one]), chr(97 + n))
    assert nights(patient) == []
    assert rows(patient) == rows_of(file_of(told))
    take(patient, file_of(stretches((18, 19, "awake"))), "e")
    assert nights(patient) == [(0, 18), (19, 40)]


def test_the_same_file_again_changes_nothing() -> None:
    told = stretches((0, 8, "light"), (8, 24, "awake"), (24, 31, "deep"), (31, 31.5, "awake"))
    patient = factories.patient(zone="UTC")
    assert take(patient, file_of(told))
    before = list(SleepEpisode.objects.order_by("pk").values())
    assert not take(patient, file_of(told), "b")
    assert not take(patient, file_of(told[2:]), "c")
    assert list(SleepEpisode.objects.order_by("pk").values()) == before


def test_far_from_what_a_file_tells_no_row_is_written() -> None:
    patient = factories.patient(zone="UTC")
    months = []
    for day in range(0, 24 * 90, 24):
        months += stretches((day, day + 8, "light"), (day + 8, day + 24, "awake"))
    take(patient, file_of(months))
    before = dict(SleepEpisode.objects.values_list("pk", "updated_at"))
    take(patient, file_of(stretches((24 * 90, 24 * 90 + 7, "deep"))), "b")
    after = dict(SleepEpisode.objects.values_list("pk", "updated_at"))
    same = [pk for pk, moment in before.items() if after.get(pk) == moment]
    assert len(before) - len(same) <= 3


def test_waking_alone_is_kept_for_the_next_file_and_is_no_night_anywhere() -> None:
    patient = factories.patient(zone="UTC")
    waking = stretches((8, 8.5, "awake"))
    assert take(patient, file_of(waking))
    device = patient.devices.get()
    now = utc(START) + timedelta(days=1)
    seen = with_last_data(Patient.objects.filter(pk=patient.pk), now).get()
    day = utc(waking[0][0]).date()
    assert rows(patient)[0][3:5] == (0, 30) and not rows(patient)[0][-1]
    assert last_data_at(seen) is None and device.last_data_at is None
    assert recorded_span(patient) is None and nights(patient) == []
    assert devices_seen(patient, date(2020, 1, 1))[0].days == 0
    assert lanes_of_day(patient, day) == {}
    asleep = stretches((0, 8, "light"))
    take(patient, file_of(asleep), "b")
    assert nights(patient) == [(0, 8.5)]
    assert rows(patient) == rows_of(file_of(asleep + waking))


def test_removing_waking_alone_counts_no_night() -> None:
    patient = factories.patient(zone="UTC")
    told = stretches((0, 8, "light"), (30, 31, "awake"))
    take(patient, file_of(told))
    removed = device_remove(
        patient=patient, device=patient.devices.get(), first_day=None, last_day=None, by="t"
    )
    assert removed.nights == 1
    assert not patient.sleep_episodes.exists() and not patient.devices.exists()


STAGED = [(0, 100, "Core", 4), (100, 200, "Deep", 5), (200, 220, "Awake", 1)]


def hae(path: Path, told: Sequence[tuple[int, int, str, int]]) -> list[Recording]:
    given_rows = [
        {"startDate": hae_stamp(a), "endDate": hae_stamp(b), "value": stage, "source": "Watch"}
        for a, b, stage, _ in told
    ]
    export = write_json(path / "a.json", hae_export({"sleep_analysis": given_rows}))
    return list(health_auto_export.parse(export, "UTC"))


def fit(path: Path, told: Sequence[tuple[int, int, str, int]]) -> list[Recording]:
    source = "derived:com.google.sleep.segment:com.google.android.gms:merged"
    points = fit_points(source, [(a, b, number) for a, b, _, number in told])
    return list(google_fit.parse(write_json(path / "a.json", points), "UTC"))


def apple(path: Path, told: Sequence[tuple[int, int, str, int]]) -> list[Recording]:
    names = {"Core": "AsleepCore", "Deep": "AsleepDeep", "Awake": "Awake"}
    records = [apple_sleep(names[stage], a, b - a) for a, b, stage, _ in told]
    return list(apple_health.parse(write_apple(path / "export.xml", *records), "UTC"))


@pytest.mark.parametrize("read", [hae, fit, apple])
def test_a_file_cut_before_the_last_waking_keeps_it(read: Any, tmp_path: Path) -> None:
    whole = rows_of(read(tmp_path, STAGED))
    assert [row[3:5] for row in whole] == [(200, 20)]
    first, second = read(tmp_path, STAGED[:2]), read(tmp_path, STAGED[2:])
    assert rows_of(first, second) == rows_of(second, first) == whole


def band(path: Path, scores: Sequence[tuple[int, int]]) -> list[Recording]:
    first = datetime(2024, 1, 15, tzinfo=UTC)
    lines = [
        f"{first + timedelta(seconds=30 * at):%m-%d-%Y %H:%M:%S},{score},0" for at, score in scores
    ]
    return list(philips_health_band.parse(write_sleep_wake(path / "a.xlsx", lines), "UTC"))


@pytest.mark.parametrize("cut", [10, 60, 90])
def test_a_band_cut_within_waking_keeps_it(cut: int, tmp_path: Path) -> None:
    scores = [(at, int(20 <= at < 80)) for at in range(100)]
    whole = rows_of(band(tmp_path, scores))
    assert [row[3:5] for row in whole] == [(30, 20)]
    halves = band(tmp_path, scores[:cut]), band(tmp_path, scores[cut:])
    assert rows_of(*halves) == rows_of(*reversed(halves)) == whole


def test_an_apple_export_in_parts_and_in_files_leaves_the_same_nights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = [apple_heart(50, 0)]
    for day in range(8):
        at = day * 1440
        records += [apple_sleep("AsleepCore", at, 300), apple_sleep("AsleepDeep", at + 320, 100)]
        records += [apple_sleep("Awake", at + 420, 1020)]

    def read(some: Sequence[str]) -> list[Recording]:
        return list(apple_health.parse(write_apple(tmp_path / "export.xml", *some), "UTC"))

    whole = rows_of(read(records))
    assert [row[3] for row in whole if row[-1]] == [400] * 8
    assert rows_of(read(records[11:]), read(records[:11])) == whole
    monkeypatch.setattr(spill, "PART_SECONDS", 30_000)
    assert rows_of(read(records)) == whole
    random.Random(1).shuffle(records)
    assert rows_of(read(records[:9]), read(records[9:17]), read(records[17:])) == whole
