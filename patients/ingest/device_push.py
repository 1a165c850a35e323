"""What a device sends by the API: JSON with the minutes of one or more days.

The form is strict, so that a misspelt channel is told and not lost; samples out of range are
left out and counted, as with every other source. docs/recordings.md describes it.
"""

import json
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from gzip import GzipFile
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from patients.domain.errors import InputError
from patients.domain.recording import (
    Channel,
    DeviceKind,
    Family,
    MinuteSeries,
    QuestionnaireAnswer,
    Recording,
    SleepEpisode,
    unit_of,
)
from patients.ingest.common.base import (
    LIMITS,
    STAGES,
    Rejected,
    Values,
    nothing_usable,
    recording,
    shown,
    utc,
)
from patients.ingest.common.json_files import iso_second
from patients.ingest.common.nights import Segment, distinct, night

SOURCE = "device_push"
THE_PUSH = Path("The push")  # as messages name it
GZIP_MAGIC = b"\x1f\x8b"

MAX_JSON_BYTES = 4 * 1024**2  # a month of four channels takes under 1 MiB
MAX_CONTAINERS = 50_000  # lists and objects: what a parsed push may take in memory
MAX_DAYS = 31
MAX_DAY_MINUTES = 1500  # a local day of 25 hours
MAX_NIGHTS = 200
MAX_ANSWERS = 200
MAX_AHEAD = timedelta(days=1)  # a day may begin so long after now: clocks and zones differ
DAY_GAP_MINUTES = 1440  # days further apart are stored apart

FAMILIES = tuple(f.value for f in Family if f is not Family.STEPS)
TOTALS = {
    "phq8": (0, 24),
    "phq9": (0, 27),
    "asrm": (0, 20),
    "gad7": (0, 21),
    "state_of_mind": (-1, 1),
}
OFFSET = re.compile(r"T\d\d:?\d\d.*(Z|[+-]\d\d:?\d\d)$")


class TooLarge(InputError):
    """More than is taken in at once."""


@dataclass(frozen=True)
class PushedDay:
    """Minutes from ``first_minute`` (since 1970, UTC) on, by channel; NaN is not recorded."""

    first_minute: int
    channels: Mapping[Channel, Values]

    @property
    def stop_minute(self) -> int:
        """The minute after the last one."""
        return self.first_minute + max(values.size for values in self.channels.values())


@dataclass(frozen=True)
class Push:
    """One push whose form is right; nothing is known yet of its values."""

    device: str
    kind: DeviceKind
    family: Family | None
    days: tuple[PushedDay, ...]
    sleep: tuple[SleepEpisode, ...]
    answers: tuple[QuestionnaireAnswer, ...]
    rejected: Mapping[str, int]


def unpacked(body: bytes) -> bytes:
    """The content of a gzip body, of one member or several (RFC 1952, 2.2).

    InputError if it is none or broken, TooLarge if over MAX_JSON_BYTES; no more than that is
    ever unpacked.
    """
    if not body.startswith(GZIP_MAGIC):
        raise InputError("The body is not gzip: compress it, or leave out the header.")
    try:
        raw = GzipFile(fileobj=BytesIO(body)).read(MAX_JSON_BYTES + 1)
    except (EOFError, OSError, zlib.error):
        raise InputError(
            "The gzip body is damaged, cut off or goes on after its end: send it again."
        ) from None
    require_size(len(raw))
    return raw


def require_size(count: int) -> None:
    """TooLarge for more bytes of JSON than one push may have."""
    if count > MAX_JSON_BYTES:
        raise TooLarge(f"The JSON is over {MAX_JSON_BYTES // 1024**2} MiB: send fewer days.")


def read_push(raw: bytes, now: datetime) -> Push:
    """The push, its form checked; InputError says what is wrong and where.

    Days that begin more than MAX_AHEAD after ``now`` are refused.
    """
    body = _object(
        _json(raw), "The push", ("device",), ("family", "days", "sleep", "questionnaires")
    )
    device = _object(body["device"], "device", ("name",), ("kind",))
    rejected = Rejected()
    latest = int((now + MAX_AHEAD).timestamp()) // 60
    days = [
        _day(value, f"days[{i}]", latest)
        for i, value in enumerate(_list(body, "days", MAX_DAYS))
    ]  # fmt: skip
    return Push(
        _text(device["name"], "device.name"),
        DeviceKind(_one_of(device.get("kind", "watch"), "device.kind", list(DeviceKind))),
        _family(body.get("family"), days),
        tuple(days),
        _sleep(_list(body, "sleep", MAX_NIGHTS), rejected),
        _answers(_list(body, "questionnaires", MAX_ANSWERS), rejected),
        rejected,
    )


def recordings(push: Push) -> list[Recording]:
    """The recordings of a push, one for each run of days; InputError if nothing can be used."""
    rejected = Rejected(push.rejected)
    runs = [found for run in _runs(push.days) if (found := _series(run, push.family, rejected))]
    if not runs and not push.sleep and not push.answers:
        raise nothing_usable(THE_PUSH, SOURCE, rejected)
    steps = any(series.channel is Channel.STEPS for run in runs for series in run)
    family = push.family or (Family.STEPS if steps else None)
    rest = (push.sleep, rejected, family, push.kind, push.answers)
    first, *later = [*runs, []][: max(len(runs), 1)]
    return [
        recording(THE_PUSH, SOURCE, push.device, first, *rest),
        *(recording(THE_PUSH, SOURCE, push.device, run, (), None, *rest[2:4]) for run in later),
    ]


def _json(raw: bytes) -> Any:
    if raw.count(b"{") + raw.count(b"[") > MAX_CONTAINERS:
        raise InputError(f"The push holds over {MAX_CONTAINERS:,} records: send fewer days.")
    try:
        return json.loads(raw, parse_constant=_no_constant, object_pairs_hook=_no_key_twice)
    except InputError:
        raise
    except (ValueError, RecursionError):
        raise InputError("The body is not complete JSON in UTF-8: check how it is made.") from None


def _no_constant(name: str) -> None:
    raise InputError(f"The JSON holds {name}, which is no number: write null for nothing.")


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = Counter(name for name, _ in pairs).most_common(1)
        raise InputError(f"The JSON names {shown(names[0][0])} twice in one object: name it once.")
    return found


def _object(
    value: Any, where: str, needed: Sequence[str], optional: Sequence[str] = ()
) -> dict[str, Any]:
    """The object, if it has all that is needed and nothing unknown."""
    if not isinstance(value, dict):
        raise InputError(f"{where} is no object: see the schema.")
    missing = [name for name in needed if name not in value]
    if missing:
        raise InputError(f"{where} has no {missing[0]}: add it.")
    unknown = [name for name in value if name not in (*needed, *optional)]
    if unknown:
        known = ", ".join((*needed, *optional))
        raise InputError(f"{where} has an unknown {shown(unknown[0])}: known are {known}.")
    return value


def _list(parent: dict[str, Any], name: str, longest: int) -> list[Any]:
    value = parent.get(name)
    value = [] if value is None else value
    if not isinstance(value, list):
        raise InputError(f"{name} is no list: see the schema.")
    if len(value) > longest:
        raise InputError(f"{name} has {len(value)} entries, over {longest}: send fewer at a time.")
    return value


def _text(value: Any, where: str, longest: int = 80) -> str:
    good = isinstance(value, str) and value.strip() and len(value) <= longest
    if not good or not value.isprintable():
        raise InputError(f"{where} is no text of 1 to {longest} printable characters: change it.")
    return str(value).strip()


def _one_of(value: Any, where: str, known: Sequence[str]) -> str:
    if not isinstance(value, str) or value not in known:
        raise InputError(f"{where} is {shown(value)}: write one of {', '.join(known)}.")
    return value


def _second(value: Any, where: str) -> int:
    """The UTC second of a stamp that says its offset."""
    if not isinstance(value, str) or not OFFSET.search(value):
        raise InputError(
            f"{where} is {shown(value)}: write a time with its offset, "
            "such as 2026-11-01T00:00:00+01:00."
        )
    return iso_second(value, where)


def _day(value: Any, where: str, latest_minute: int) -> PushedDay:
    day = _object(value, where, ("start", "channels"))
    start = _second(day["start"], f"{where}.start")
    if start % 60:
        raise InputError(f"{where}.start is within a minute: begin on a whole one.")
    if start // 60 > latest_minute:
        raise InputError(f"{where}.start lies in the future: check the device's clock.")
    channels = _object(day["channels"], f"{where}.channels", (), list(Channel))
    if not channels:
        raise InputError(f"{where}.channels is empty: leave the day out.")
    minutes = {
        Channel(name): _minutes(values, f"{where}.channels.{name}")
        for name, values in channels.items()
    }
    return PushedDay(start // 60, minutes)


def _minutes(values: Any, where: str) -> Values:
    if not isinstance(values, list) or not 1 <= len(values) <= MAX_DAY_MINUTES:
        raise InputError(f"{where} is no list of 1 to {MAX_DAY_MINUTES} minutes: split it by day.")
    if not set(map(type, values)) <= {int, float, type(None)}:
        raise InputError(f"{where} holds something other than numbers and null: leave it out.")
    try:
        return np.array(values, dtype=np.float64)
    except OverflowError:
        raise InputError(f"{where} holds a number too large for any sensor.") from None


def _family(value: Any, days: Sequence[PushedDay]) -> Family | None:
    if not any(Channel.ACTIVITY in day.channels for day in days):
        if value is not None:
            raise InputError("family is given without activity: leave it out or add the channel.")
        return None
    return Family(_one_of(value, "family", FAMILIES))


def _sleep(values: Sequence[Any], rejected: Rejected) -> tuple[SleepEpisode, ...]:
    found = (_night(value, f"sleep[{i}]", rejected) for i, value in enumerate(values))
    return tuple(distinct([episode for episode in found if episode], rejected))


def _night(value: Any, where: str, rejected: Rejected) -> SleepEpisode | None:
    optional = ("id", "asleep_minutes", "awake_minutes", "stages")
    row = _object(value, where, ("start", "end"), optional)
    log_id = _text(row["id"], f"{where}.id") if row.get("id") is not None else ""
    bounds = _second(row["start"], f"{where}.start"), _second(row["end"], f"{where}.end")
    stages = _list(row, "stages", MAX_CONTAINERS)
    segments = [_stage(stage, f"{where}.stages[{i}]", bounds) for i, stage in enumerate(stages)]
    asleep, awake = (
        _number(row[name], f"{where}.{name}") if row.get(name) is not None else None
        for name in ("asleep_minutes", "awake_minutes")
    )
    # With the start: some devices count their nights anew after a reset, others give no ids.
    return night(segments, f"{bounds[0]} {log_id}".strip(), rejected, bounds, (asleep, awake))


def _stage(value: Any, where: str, bounds: tuple[int, int]) -> Segment:
    row = _object(value, where, ("start", "end", "stage"))
    start, end = (_second(row[name], f"{where}.{name}") for name in ("start", "end"))
    if start < bounds[0] or end > bounds[1]:
        raise InputError(f"{where} lies outside its sleep record: check its times.")
    return start, end, _one_of(row["stage"], f"{where}.stage", STAGES[1:])


def _number(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e9:
        raise InputError(f"{where} is {shown(value)}: write a number.")
    return float(value)


def _answers(values: Sequence[Any], rejected: Rejected) -> tuple[QuestionnaireAnswer, ...]:
    found = (_answer(value, f"questionnaires[{i}]", rejected) for i, value in enumerate(values))
    return tuple(answer for answer in found if answer)


def _answer(value: Any, where: str, rejected: Rejected) -> QuestionnaireAnswer | None:
    row = _object(value, where, ("instrument", "taken_at", "total"), ("items",))
    instrument = _one_of(row["instrument"], f"{where}.instrument", list(TOTALS))
    taken_at = utc(_second(row["taken_at"], f"{where}.taken_at"))
    total = _number(row["total"], f"{where}.total")
    items = _list(row, "items", 20)
    if not all(type(item) is int and 0 <= item <= 4 for item in items):
        raise InputError(f"{where}.items holds something other than answers from 0 to 4.")
    low, high = TOTALS[instrument]
    if not low <= total <= high:
        rejected[f"{instrument}_out_of_range"] += 1
        return None
    return QuestionnaireAnswer(instrument, taken_at, total, tuple(items))


def _runs(days: Sequence[PushedDay]) -> Iterator[list[PushedDay]]:
    """The days in order of time, split where two lie far apart."""
    run: list[PushedDay] = []
    for day in sorted(days, key=lambda day: day.first_minute):
        if run and day.first_minute > max(d.stop_minute for d in run) + DAY_GAP_MINUTES:
            yield run
            run = []
        run.append(day)
    if run:
        yield run


def _series(
    run: Sequence[PushedDay], family: Family | None, rejected: Rejected
) -> list[MinuteSeries]:
    """One series for each channel with anything in range; of a minute told twice the larger."""
    first, stop = run[0].first_minute, max(day.stop_minute for day in run)
    grids: dict[Channel, np.ndarray] = {}
    for day in run:
        for channel, values in day.channels.items():
            grid = grids.setdefault(channel, np.full(stop - first, np.nan, np.float32))
            begin = day.first_minute - first
            there = grid[begin : begin + values.size]
            np.fmax(there, _in_range(channel, values, day.first_minute, rejected), out=there)
    start = utc(first * 60)
    return [
        MinuteSeries(channel, unit_of(channel, family), start, grid)
        for channel, grid in sorted(grids.items())
        if not np.isnan(grid).all()
    ]


def _in_range(
    channel: Channel, values: Values, first_minute: int, rejected: Rejected
) -> np.ndarray:
    low, high = LIMITS[channel]
    out = (values < low) | (values > high)  # never true of NaN, a minute without a value
    if out.any():
        rejected.out_of_range(channel, (first_minute + np.flatnonzero(out)) * 60)
        values = np.where(out, np.nan, values)
    return values.astype(np.float32)
