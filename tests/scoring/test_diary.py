"""The real ActLumus week against the sleep diary of the person who wore it."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from tests.check_diary import DIARY, WEEK, Compared, DiaryNight, compared, diary_nights, table


@pytest.fixture(scope="module")
def nights(shared: Path) -> list[Compared]:
    if not ((shared / DIARY).is_file() and (shared / WEEK).is_file()):
        pytest.skip("the ActLumus week is not here")
    return compared(shared)


def test_sleep_of_the_diary_begins_some_minutes_after_trying(shared: Path) -> None:
    first, *_, last = diary_nights(shared / DIARY)
    # 28.08. to bed 22:37, tried 23:20, took 15 min; awake and up at 09:37; two hours before UTC.
    assert first.day == date(2023, 8, 29)
    assert (first.bedtime, first.onset) == (utc(28, 20, 37), utc(28, 21, 35))
    assert (first.offset, first.out_of_bed) == (utc(29, 7, 37), utc(29, 7, 37))
    assert last.day == date(2023, 9, 4)


def utc(day: int, hour: int, minute: int) -> datetime:
    return datetime(2023, 8, day, hour, minute, tzinfo=UTC)


def test_all_seven_nights_are_found_and_five_agree_within_45_minutes(
    nights: list[Compared],
) -> None:
    assert len(nights) == 7
    assert all(n.onset and n.offset for n in nights)
    assert sum(n.agrees for n in nights) >= 5


def test_every_morning_is_found_within_20_minutes(nights: list[Compared]) -> None:
    for night in nights:
        difference = night.offset_difference_minutes
        assert difference is not None and abs(difference) <= 20, night.diary.day


def test_night_that_does_not_agree_says_why_the_sensor_cannot_tell(
    nights: list[Compared],
) -> None:
    for night in (n for n in nights if not n.agrees):
        assert night.reason.startswith("not worn at night: still in the dark ")


def test_sensor_that_lay_still_all_night_was_not_worn(nights: list[Compared]) -> None:
    assert all(night.worn_share < 0.05 for night in nights)


def test_table_has_a_line_for_each_night_with_both_differences(nights: list[Compared]) -> None:
    _, *lines, last = table(nights)
    assert [line[:10] for line in lines] == [str(n.diary.day) for n in nights]
    for line, night in zip(lines, nights, strict=True):
        assert f"{night.onset_difference_minutes:+.0f}" in line
        assert f"{night.offset_difference_minutes:+.0f}" in line
    assert last == f"{sum(n.agrees for n in nights)} of 7 nights have both ends within 45 minutes."


@pytest.mark.parametrize(
    ("onset", "offset", "agrees"), [(45, -45, True), (46, 0, False), (0, -46, False)]
)
def test_nights_agree_up_to_45_minutes_at_both_ends(onset: int, offset: int, agrees: bool) -> None:
    diary = DiaryNight(date(2023, 8, 29), *(utc(28, 21, 0), utc(28, 21, 30)), *[utc(29, 7, 0)] * 2)
    found = (diary.onset + timedelta(minutes=onset), diary.offset + timedelta(minutes=offset))
    assert Compared(diary, *found, 1.0).agrees == agrees


def test_night_that_was_not_found_does_not_agree() -> None:
    diary = DiaryNight(date(2023, 8, 29), *(utc(28, 21, 0), utc(28, 21, 30)), *[utc(29, 7, 0)] * 2)
    assert not Compared(diary, None, None, 0.0).agrees
    assert Compared(diary, None, None, 0.0).reason == "not worn at night"
