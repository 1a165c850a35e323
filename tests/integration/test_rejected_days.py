"""Samples out of range are told of their day and channel, not of every day of their file."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from patients.models import Patient, RecordingFile, RecordingPart
from patients.storage import file_store
from patients.tokens import token_issue
from tests import factories
from tests.integration.reading import browser
from tests.integration.test_data_page import page_of, rows_of
from tests.patients.ingest.builders import START as APPLE_START
from tests.patients.ingest.builders import apple_heart, apple_steps, write_apple
from tests.patients.pushes import START, a_day, a_push, as_json, drained, push

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
FIRST = datetime(2026, 3, 1, 8, tzinfo=UTC)
BAD = date(2026, 3, 31)
Row = tuple[datetime, object, object]  # moment, steps, heart rate


def an_hour(day: datetime, bad: int = 0) -> list[Row]:
    """An hour of steps and heart rate, the first ``bad`` rates impossible."""
    return [(day + m * MINUTE, 5, 999 if m < bad else 60) for m in range(60)]


def store_csv(patient: Patient, folder: Path, rows: list[Row]) -> None:
    lines = [f"{moment:%Y-%m-%dT%H:%M:%SZ},{steps},{rate}\n" for moment, steps, rate in rows]
    path = folder / "a.csv"
    path.write_text("timestamp,steps,heart_rate\n" + "".join(lines))
    file_store(patient=patient, path=path, zone="UTC", by="t")


def left_out(channel: str) -> dict[date, int]:
    """The days on which samples of the channel were left out, of all files and devices."""
    found = {}
    for part in RecordingPart.objects.filter(channel=channel):
        days = [part.first_day + n * DAY for n in range(len(part.minutes_a_day))]
        found.update({day: part.rejected_on(day) for day in days if part.rejected_on(day)})
    return found


def test_28_bad_heart_rates_of_one_day_of_60_stand_on_that_day_alone(tmp_path: Path) -> None:
    client, who = browser()
    patient = factories.patient("P-1", [who], zone="UTC")
    days = (FIRST + n * DAY for n in range(60))
    rows = [row for day in days for row in an_hour(day, 28 if day.date() == BAD else 0)]
    store_csv(patient, tmp_path, rows)
    assert RecordingFile.objects.get().rejected == {"heart_rate_out_of_range": 28}
    assert left_out("heart_rate") == {BAD: 28} and left_out("steps") == {}
    for day, words in ((BAD, "28 out of range"), (BAD - DAY, "nothing"), (BAD + DAY, "nothing")):
        table = rows_of(page_of(client, f"?day={day}"), "day")
        rate, steps = (next(r for r in table if r[0] == c and len(r) == 7)
                       for c in ("Heart rate", "Steps"))  # fmt: skip
        assert (rate[2], rate[6]) == ("32" if day == BAD else "60", words)
        assert (steps[2], steps[6]) == ("60", "nothing")
    files = rows_of(page_of(client), "files")
    assert files[1][4] == "28 heart rate outside the possible range"


def test_a_day_of_which_nothing_was_usable_says_so(tmp_path: Path) -> None:
    client, who = browser()
    patient = factories.patient("P-1", [who], zone="UTC")
    bad = [(moment, "", rate) for moment, _, rate in an_hour(FIRST + 2 * DAY, 60)]
    store_csv(patient, tmp_path, [*an_hour(FIRST), *bad])
    body = page_of(client, "?day=2026-03-03")
    assert "Nothing was recorded on this day." in body
    [row] = rows_of(body, "day")[1:]
    assert [row[0], row[2], row[6]] == ["Heart rate", "0", "60 out of range"]


def test_a_channel_without_a_usable_sample_is_told_too(tmp_path: Path) -> None:
    patient = factories.patient("P-1", zone="UTC")
    store_csv(patient, tmp_path, an_hour(FIRST, 60))
    assert left_out("heart_rate") == {FIRST.date(): 60}
    assert RecordingPart.objects.get(channel="heart_rate").minutes_a_day == [0]


def test_a_wild_date_is_counted_with_the_file_and_stretches_no_part(tmp_path: Path) -> None:
    patient = factories.patient("P-1", zone="UTC")
    wild = [(datetime(1971, 1, 1, 8, tzinfo=UTC), "", 999)]
    store_csv(patient, tmp_path, [*wild, *an_hour(FIRST, 2)])
    assert RecordingFile.objects.get().rejected == {"heart_rate_out_of_range": 3}
    assert left_out("heart_rate") == {FIRST.date(): 2}
    assert RecordingPart.objects.get(channel="heart_rate").first_day == FIRST.date()


def test_an_apple_export_tells_the_days_of_each_device(tmp_path: Path) -> None:
    patient = factories.patient("P-1", zone="UTC")
    day = 1440
    rates = [apple_heart(60, n * day) for n in range(40)]  # over a month: several recordings
    bad = [apple_heart(9, 35 * day), apple_heart(9, 35 * day + 1), apple_heart("NaN", 36 * day)]
    steps = [apple_steps(5, n * day, source="Sam’s iPhone") for n in range(40)]
    walks = [apple_steps(9000, 3 * day + 5, source="Sam’s iPhone")]
    walks += [apple_steps(200, 4 * day + 5, source="Sam’s iPhone")]
    walks += [apple_steps(200, 4 * day + 5.5, 0.4, source="Sam’s iPhone")]
    path = write_apple(tmp_path / "export.xml", *rates, *bad, *steps, *walks)
    file_store(patient=patient, path=path, zone="UTC", by="t")
    first = APPLE_START.date()
    assert left_out("heart_rate") == {first + 35 * DAY: 2, first + 36 * DAY: 1}
    assert left_out("steps") == {first + 3 * DAY: 1, first + 4 * DAY: 1}
    counts = RecordingFile.objects.get().rejected
    assert counts == {
        "heart_rate_out_of_range": 3,
        "steps_out_of_range": 1,
        "steps_minute_out_of_range": 1,
    }
    devices = {p.channel: p.device.name for p in RecordingPart.objects.all()}
    assert devices == {"heart_rate": "Apple Watch", "steps": "iPhone"}


def test_a_push_tells_the_utc_days_of_its_minutes() -> None:
    token = token_issue(patient=factories.patient("P-1"), label="band", by="t")[0]
    rates = [999] * 70 + [60] * 30  # from 23:00 UTC on the last of February
    push(token, as_json(a_push(a_day(START, heart_rate=rates, steps=[7] * 100))))
    assert drained() == 1
    assert left_out("heart_rate") == {date(2026, 2, 28): 60, date(2026, 3, 1): 10}
    assert left_out("steps") == {}
