"""A made-up Apple Health export of any size, as iOS 16 writes them, traps included.

Grouped by type and in order of time within it: heart rate mostly, the same steps told by a Watch
and by an iPhone, heart-rate variability with its beats, time in bed over the stages of sleep, a
DTD that is not well-formed and control characters. A larger file holds more days, not more a day.

python -m tests.generators.apple_export --mb 520 export.xml
"""

import argparse
import random
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

SEED = 7
LAST_DAY = date(2026, 8, 31)
BYTES_A_DAY = 534_500  # about 760 records
OFFSET = "+0200"  # of the phone when it exported, whatever the season of the record
DAY_SECONDS = 86_400
BEATS = 69  # of one measurement of heart-rate variability
CONTROL_EVERY = 5_000  # records between two control characters
CHUNK_RECORDS = 2_000

PROLOGUE = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE HealthData [
<!-- HealthKit Export Version: 12 -->
<!ELEMENT HealthData (ExportDate,Me,(Record|Correlation|Workout|ActivitySummary)*)>
<!ATTLIST HealthData
  locale CDATA #REQUIRED
>
<!ELEMENT Record ((MetadataEntry|HeartRateVariabilityMetadataList)*)>
<!ATTLIST Record
  type CDATA #REQUIRED
  startDate CDATA #REQUIRED
  endDate CDATA #REQUIRED
>
<!ELEMENT HeartRateVariabilityMetadataList (InstantaneousBeatsPerMinute*)>
<!ATTLIST InstantaneousBeatsPerMinute
  bpm CDATA #IMPLIED
  time CDATA #IMPLIED
<!ELEMENT MetadataEntry EMPTY>
<!ATTLIST MetadataEntry
  key CDATA #IMPLIED
  value CDATA #IMPLIED
>
]>
<HealthData locale="en_GB">
 <ExportDate value="2026-09-01 08:00:00 +0200"/>
 <Me HKCharacteristicTypeIdentifierBiologicalSex="HKBiologicalSexNotSet"/>
"""
EPILOGUE = "</HealthData>\n"
DEVICE = (
    "&lt;&lt;HKDevice: 0x{address:x}&gt;, name:{name}, manufacturer:Apple Inc., model:{model}, "
    "hardware:{hardware}, software:16.1&gt;"
)
WATCH = "Sam’s Apple\N{NO-BREAK SPACE}Watch", "Apple Watch", "Watch", "Watch6,7"
IPHONE = "Sam’s iPhone", "iPhone", "iPhone", "iPhone12,8"
MOTION = '  <MetadataEntry key="HKMetadataKeyHeartRateMotionContext" value="{}"/>\n'
CLOCK = [f"{s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}" for s in range(DAY_SECONDS)]
STAGE = "HKCategoryValueSleepAnalysis"
NIGHT = [STAGE + n for n in ("AsleepCore", "AsleepDeep", "AsleepCore", "AsleepREM", "Awake")]
LIST = "HeartRateVariabilityMetadataList"

Record = tuple[int, int, str, str]  # start and end (seconds of the local day), value, what it has
DayOfRecords = Callable[[random.Random], Iterator[Record]]


def heart_rate(rng: random.Random) -> Iterator[Record]:
    """About every four minutes, day and night."""
    for at in range(40, DAY_SECONDS, 230):
        at += rng.randrange(200)
        yield at % DAY_SECONDS, at % DAY_SECONDS, str(rng.randrange(48, 130)), MOTION.format(at % 3)


def steps(rng: random.Random) -> Iterator[Record]:
    """Walks of some minutes between seven and 22 o'clock, of uneven length."""
    at = 7 * 3600
    while at < 22 * 3600:
        length = rng.randrange(8, 400)
        yield at, at + length, str(max(1, round(length * rng.uniform(0.05, 1.8)))), ""
        at += length + rng.randrange(60, 900)


def variability(rng: random.Random) -> Iterator[Record]:
    """Twice an hour for a minute, with each beat, as with the Watch's AFib History."""
    for half_hour in range(48):
        at = half_hour * 1800 + rng.randrange(1700)
        beats = "".join(
            f'   <InstantaneousBeatsPerMinute bpm="{rng.randrange(48, 99)}" '
            f'time="{CLOCK[at + i]},{i * 37 % 100:02d}"/>\n'
            for i in range(BEATS)
        )
        body = (
            f"  <HeartRateVariabilityMetadataList>\n{beats}  </HeartRateVariabilityMetadataList>\n"
        )
        yield at, at + BEATS, f"{rng.uniform(12, 110):.4f}", body


def sleep_stages(rng: random.Random) -> Iterator[Record]:
    """Stages of one night from about half past midnight on."""
    at = 1200 + rng.randrange(1800)
    for _ in range(4):
        for stage in NIGHT:
            length = 30 * rng.randrange(10, 60)
            yield at, at + length, stage, ""
            at += length


def in_bed(rng: random.Random) -> Iterator[Record]:
    """The iPhone's guess, over the stages."""
    yield (
        rng.randrange(600),
        7 * 3600 + rng.randrange(5400),
        STAGE + "InBed",
        "",
    )


def every(seconds: int, low: float, high: float, first: int = 0, last: int = 1) -> DayOfRecords:
    """A number now and then between two hours of the day."""

    def day(rng: random.Random) -> Iterator[Record]:
        for at in range(first * 3600, last * 3600, seconds):
            at += rng.randrange(seconds // 2)
            yield at, at, f"{rng.uniform(low, high):.6g}", ""

    return day


# Type, unit, who recorded it, and a day of it, in the order of the file.
CONTENT: list[tuple[str, str, tuple[str, ...], DayOfRecords]] = [
    ("QuantityTypeIdentifierHeartRate", "count/min", WATCH, heart_rate),
    ("QuantityTypeIdentifierOxygenSaturation", "%", WATCH, every(1800, 0.9, 1.0, 0, 7)),
    ("QuantityTypeIdentifierRespiratoryRate", "count/min", WATCH, every(900, 11.0, 19.0, 0, 7)),
    ("QuantityTypeIdentifierStepCount", "count", IPHONE, steps),
    ("QuantityTypeIdentifierStepCount", "count", WATCH, steps),
    ("QuantityTypeIdentifierDistanceWalkingRunning", "km", IPHONE, every(2000, 0.01, 0.3, 7, 22)),
    ("QuantityTypeIdentifierActiveEnergyBurned", "kcal", WATCH, every(1000, 0.1, 9.0, 0, 23)),
    ("QuantityTypeIdentifierRestingHeartRate", "count/min", WATCH, every(3600, 48.0, 66.0)),
    ("CategoryTypeIdentifierSleepAnalysis", "", IPHONE, in_bed),
    ("CategoryTypeIdentifierSleepAnalysis", "", WATCH, sleep_stages),
    ("QuantityTypeIdentifierAppleSleepingWristTemperature", "degC", WATCH, every(3600, 34.0, 36.9)),
    ("QuantityTypeIdentifierHeartRateVariabilitySDNN", "ms", WATCH, variability),
]


def records(days: int, seed: int = SEED) -> Iterator[str]:
    """Every record of the export that covers so many days, in the order of the file."""
    rng, count = random.Random(seed), 0
    first = LAST_DAY - timedelta(days=days - 1)
    for kind, unit, (source, name, model, hardware), day_of in CONTENT:
        opening = f' <Record type="HK{kind}" sourceName="{source}" sourceVersion="16.1" device="'
        unit = f' unit="{unit}"' if unit else ""
        for number in range(days):
            day = (first + timedelta(days=number)).isoformat()
            device = DEVICE.format(
                address=rng.getrandbits(33), name=name, model=model, hardware=hardware
            )
            for start, end, value, body in day_of(rng):
                count += 1
                control = "\x0b" if count % CONTROL_EVERY == 0 else ""
                ends = f"{body} </Record>\n" if body else ""
                yield (
                    f'{opening}{device}{control}"{unit} creationDate="{day} {CLOCK[end]} {OFFSET}" '
                    f'startDate="{day} {CLOCK[start]} {OFFSET}" '
                    f'endDate="{day} {CLOCK[end]} {OFFSET}" '
                    f'value="{value}"{">" if body else "/>"}\n{ends}'
                )


def write_export(path: Path, mb: float, seed: int = SEED) -> int:
    """Write an export of about so many MB (10⁶ bytes); returns the number of records."""
    days = max(1, round(mb * 1e6 / BYTES_A_DAY))
    count, chunk = 0, []
    with path.open("w", encoding="utf-8") as file:
        file.write(PROLOGUE)
        for record in records(days, seed):
            chunk.append(record)
            if len(chunk) == CHUNK_RECORDS:
                file.write("".join(chunk))
                count += len(chunk)
                chunk.clear()
        file.write("".join(chunk) + EPILOGUE)
    return count + len(chunk)


def main() -> None:
    """Write the file that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("path", type=Path)
    parser.add_argument("--mb", type=float, default=520)
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args()
    count = write_export(options.path, options.mb, options.seed)
    print(f"{options.path}: {options.path.stat().st_size / 1e6:.1f} MB, {count:,} records")


if __name__ == "__main__":
    main()
