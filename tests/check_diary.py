"""`make check-diary`: the nights found in the real ActLumus week beside its sleep diary.

python -m tests.check_diary

Compared are the diary's sleep (the moment of trying to sleep, column `sleep`, plus the minutes
that it took, `sleepdelay`) with the onset, and its last awakening (`offset`) with the offset of
the main sleep. Times in bed (`bedtime`, `out_ofbed`) are shown: where the sensor was taken off
it shows when it was put down, which lies somewhere between going to bed and falling asleep.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from patients.domain.days import ZoneHistory
from patients.domain.resolve import whole
from patients.ingest.sources import read_recordings
from scoring.domain.daily import daily_features
from scoring.domain.grid import build_grid
from scoring.domain.types import PersonData
from tests.conftest import ROOT

FOLDER = Path("data/lightlogr")
WEEK = FOLDER / "205_actlumus_Log_1020_20230904101707532.txt"
DIARY = FOLDER / "205_sleepdiary_all_20230904.csv"
ZONE = ZoneHistory.of("Europe/Berlin")  # Tübingen
STAMP = "%d.%m.%Y %H:%M"
AGREED_MINUTES = 45
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class DiaryNight:
    """One morning's entry, as moments in UTC; ``day`` is the waking morning."""

    day: date
    bedtime: datetime
    onset: datetime
    offset: datetime
    out_of_bed: datetime


@dataclass(frozen=True)
class Compared:
    """A night of the diary beside what was found; None where no night was found."""

    diary: DiaryNight
    onset: datetime | None
    offset: datetime | None
    worn_share: float  # of the diary's sleep

    @property
    def onset_difference_minutes(self) -> float | None:
        """Found minus diary."""
        return (self.onset - self.diary.onset) / MINUTE if self.onset else None

    @property
    def offset_difference_minutes(self) -> float | None:
        """Found minus diary."""
        return (self.offset - self.diary.offset) / MINUTE if self.offset else None

    @property
    def agrees(self) -> bool:
        """Whether both ends lie within 45 min of the diary's."""
        ends = (self.onset_difference_minutes, self.offset_difference_minutes)
        return all(end is not None and abs(end) <= AGREED_MINUTES for end in ends)

    @property
    def reason(self) -> str:
        """Why the sensor cannot tell; empty where it was worn at night."""
        if self.worn_share >= 0.5:
            return ""
        lead = (self.diary.onset - self.onset) / MINUTE if self.onset else 0.0
        early = f": still in the dark {lead:.0f} min before sleep" if lead > AGREED_MINUTES else ""
        return f"not worn at night{early}"


def diary_nights(path: Path) -> Iterator[DiaryNight]:
    """The entries of a diary, in order; local stamps."""
    with path.open(newline="", encoding="utf-8-sig") as stream:
        for row in csv.DictReader(stream, delimiter=";"):
            if row["offset"]:
                tried = _moment(row["sleep"])
                yield DiaryNight(
                    day=datetime.strptime(row["offset"], STAMP).date(),
                    bedtime=_moment(row["bedtime"]),
                    onset=tried + int(row["sleepdelay"]) * MINUTE,
                    offset=_moment(row["offset"]),
                    out_of_bed=_moment(row["out_ofbed"]),
                )


def _moment(text: str) -> datetime:
    local = datetime.strptime(text, STAMP)
    return ZONE.at(local.date(), local.time())


def compared(shared: Path) -> list[Compared]:
    """Every night of the diary beside the night found from activity and light."""
    week = whole(read_recordings(shared / WEEK, "Europe/Berlin", "actlumus"))
    person = PersonData.of(ZONE, {s.channel: s for s in week.series}, week.family, week.sleep)
    nights = list(diary_nights(shared / DIARY))
    first, last = nights[0].day, nights[-1].day
    found = {f.day: f.sleep for f, _ in daily_features(person, first, last)}
    return [_compare(person, night, found[night.day]) for night in nights]


def _compare(person: PersonData, night: DiaryNight, sleep: Mapping[str, float | None]) -> Compared:
    midnight = ZONE.day_bounds(night.day)[0]

    def moment(minutes: float | None) -> datetime | None:
        return None if minutes is None else midnight + minutes * MINUTE

    grid = build_grid(person, night.day, night.day)
    worn = grid.worn[grid.index(night.onset) : grid.index(night.offset)]
    ends = moment(sleep["onset_minutes"]), moment(sleep["offset_minutes"])
    return Compared(night, *ends, float(worn.mean()))


def table(nights: list[Compared]) -> Iterator[str]:
    """The comparison in lines, one a night, and a last line that counts them."""
    yield (
        "morning      bed    asleep found  diff   awake  found  diff   up     worn  the sensor was"
    )
    for night in nights:
        diary = night.diary
        yield "  ".join(
            (
                f"{diary.day}  {_clock(diary.bedtime)}",
                f"{_clock(diary.onset)}  {_clock(night.onset)}",
                f"{_signed(night.onset_difference_minutes)}",
                f"{_clock(diary.offset)}  {_clock(night.offset)}",
                f"{_signed(night.offset_difference_minutes)}",
                f"{_clock(diary.out_of_bed)}  {night.worn_share:4.0%}  {night.reason or 'worn'}",
            )
        )
    agreed = sum(night.agrees for night in nights)
    yield f"{agreed} of {len(nights)} nights have both ends within {AGREED_MINUTES} minutes."


def _clock(moment: datetime | None) -> str:
    if moment is None:
        return "-----"
    return f"{moment.astimezone(ZONE.zone_on(date(2023, 8, 28))):%H:%M}"


def _signed(minutes: float | None) -> str:
    return "  --" if minutes is None else f"{minutes:+5.0f}"


def main() -> None:
    """Print the table."""
    shared = ROOT.parent / "shared"
    if not (shared / DIARY).is_file():
        print("check-diary: the reference folder ../shared is not here.")
        return
    print("\n".join(table(compared(shared))))


if __name__ == "__main__":
    main()
