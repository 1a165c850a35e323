"""What the vendor adapters share: time zones, the minute grid, sleep, and one way to refuse."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from patients.domain.days import ZoneHistory, zone_names
from patients.domain.errors import InputError
from patients.domain.minutes import Partial, reduced
from patients.domain.recording import (
    Channel,
    DeviceKind,
    Family,
    Minutes,
    MinuteSeries,
    QuestionnaireAnswer,
    Recording,
    SleepEpisode,
    SleepStage,
    unit_of,
)

Seconds = NDArray[np.int64]  # since 1970-01-01 00:00, UTC unless said to be local
Values = NDArray[np.float64]
Zone = str | ZoneHistory  # in which naive stamps were made: one IANA name, or a patient's zones

LATEST_SECOND = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp())
LAST_DAY = LATEST_SECOND // 86400  # since 1970
MAX_SPAN_YEARS = 20
MAX_SPAN_MINUTES = MAX_SPAN_YEARS * 366 * 1440
LONGEST_ROW = 1000  # bytes of a line of a table; the widest have 150
MAX_SLEEP_SECONDS = 24 * 3600
MAX_RUN_SECONDS = 100 * 86_400  # of a logger; longer than its battery lasts
NO_SAMPLES: tuple[Seconds, Values] = (np.empty(0, np.int64), np.empty(0, np.float64))

# Lowest and highest value a sample may have. The upper bounds of light (lux) and activity
# (counts of one epoch) lie beyond any sensor and keep sums finite.
LIMITS = {
    Channel.ACTIVITY: (0.0, 1e6),
    Channel.STEPS: (0.0, 300.0),
    Channel.LIGHT: (0.0, 1e6),
    Channel.HEART_RATE: (20.0, 300.0),
    Channel.RESTING_HEART_RATE: (20.0, 300.0),
    Channel.HRV_SDNN: (0.0, 500.0),
    Channel.HRV_RMSSD: (0.0, 500.0),
    Channel.HRV_LF_HF: (0.0, 100.0),
    Channel.RESPIRATORY_RATE: (3.0, 70.0),
    Channel.SPO2: (50.0, 100.0),
    Channel.WRIST_TEMPERATURE: (20.0, 45.0),
}
STAGES = ("", "asleep", "restless", "light", "rem", "deep", "awake")


class Rejected(Counter[str]):
    """How many samples were left out, by reason; of those out of range also on which days."""

    def __init__(self, counts: Mapping[str, int] | None = None) -> None:
        super().__init__(counts)
        self.days: Counter[tuple[Channel, date]] = Counter()  # by channel and UTC day

    def out_of_range(
        self, channel: Channel, seconds: Seconds, reason: str = "out_of_range"
    ) -> None:
        """Count the samples of these UTC seconds, shape (n,), as left out."""
        self[f"{channel}_{reason}"] += seconds.size
        self.days.update({(channel, day): n for day, n in counted_days(seconds).items()})


def counted_days(seconds: Seconds) -> dict[date, int]:
    """How many of the UTC seconds lie on each UTC day from 1970 to 2100; the others on none."""
    days, counts = np.unique(seconds // 86400, return_counts=True)
    counted = zip(days.tolist(), counts.tolist(), strict=True)
    return {utc(day * 86400).date(): n for day, n in counted if 0 <= day < LAST_DAY}


def zones_of(zone: Zone) -> ZoneHistory:
    """The zones in which naive stamps are read; InputError for a name of none."""
    if isinstance(zone, ZoneHistory):
        return zone
    if zone not in zone_names():
        raise InputError(
            f"The time zone {shown(zone)} is not known; give an IANA name such as Europe/Berlin."
        )
    return ZoneHistory.of(zone)


def shown(text: object) -> str:
    """A foreign text as a message may quote it: short, and with no control characters."""
    return repr(str(text)[:40])


def utc(second: int) -> datetime:
    """The aware UTC datetime of a second since 1970."""
    return datetime.fromtimestamp(second, UTC)


def require_dates(seconds: Seconds, path: Path, where: Callable[[int], str]) -> None:
    """InputError for the first second outside 1970 to 2100; ``where(i)`` names sample i.

    An unreadable stamp (NaT) is an int64 minimum and so is refused here too.
    """
    bad = np.flatnonzero((seconds < 0) | (seconds >= LATEST_SECOND))
    if bad.size:
        raise InputError(
            f"{path.name}: the date of {where(int(bad[0]))} is not between 1970 and 2100; "
            "check the device's clock and export again."
        )


def zone_at(local: int, zones: ZoneHistory) -> ZoneHistory:
    """For all time the zone in force on the local day of that local second."""
    return ZoneHistory.of(zones.zone_on(utc(local).date()).key)


def utc_from_local(local: Seconds, zones: ZoneHistory) -> Seconds:
    """UTC seconds of naive local seconds, shape (n,), in file order.

    Each is read in the zone in force on its local day. A wall time that occurs twice is its
    first occurrence, until the clock is seen to jump back within the repeated hour; one that
    never occurs is read with the offset before the gap (PEP 495, fold 0), so 02:30 becomes 03:30.
    """
    first, second = wall_readings(local, zones)
    return np.where(_is_second_pass(local, first < second), second, first)


def wall_readings(local: Seconds, zones: ZoneHistory) -> tuple[Seconds, Seconds]:
    """The two UTC seconds that naive local seconds can mean; they differ in the hour told twice.

    As ``utc_from_local`` in all else.
    """
    quarters, which = np.unique(local // 900, return_inverse=True)
    zone_on = cache(zones.zone_on)

    def offsets(fold: int) -> Seconds:
        moments = (utc(quarter * 900) for quarter in quarters.tolist())
        walls = (m.replace(tzinfo=zone_on(m.date()), fold=fold) for m in moments)
        found = [int((wall.utcoffset() or wall - wall).total_seconds()) for wall in walls]
        return np.array(found, dtype=np.int64)[which]

    first, second = offsets(0), offsets(1)
    return local - first, local - np.minimum(first, second)


def _is_second_pass(local: Seconds, repeated: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which stamps of each stretch of repeated wall times come after a jump back."""
    jumps = np.cumsum(np.diff(local, prepend=local[:1]) < 0)
    opens = repeated & ~np.concatenate(([False], repeated[:-1]))
    stretch = np.maximum.accumulate(np.where(opens, np.arange(local.size), 0))
    return repeated & (jumps > jumps[stretch])


def logger_utc(local: Seconds, zones: ZoneHistory, started: int | None = None) -> Seconds:
    """UTC seconds of the stamps of a logger whose clock is set once, shape (n,).

    Such a clock runs on when the people around it change theirs or travel, so the zone and the
    offset at ``started`` (local second; see ``clock_set``), which a file cut in two still names
    in its header, hold for all. Stamps that follow the change of clock (the hour told twice, or
    left out) are more regular when read as wall time of that zone, and are then read so.
    """
    if not local.size:
        return local
    begun = clock_set(local, started)
    first, zone = np.array([begun], dtype=np.int64), logger_zones(local, zones, started)
    running = local - (first - utc_from_local(first, zone))
    wall = utc_from_local(local, zone)
    return min((running, wall), key=lambda read: (-np.unique(read).size, int(np.ptp(read))))


def logger_zones(local: Seconds, zones: ZoneHistory, started: int | None = None) -> ZoneHistory:
    """For all time the zone in which a logger's clock was set, as ``logger_utc`` reads it."""
    return zone_at(clock_set(local, started), zones) if local.size else zones


def clock_set(local: Seconds, started: int | None) -> int:
    """The local second at which a logger's clock was set, given its stamps, at least one.

    That is the start its header tells, or the first stamp where the header tells none, or one
    after the first stamp or over MAX_RUN_SECONDS before it, and so contradicts the rows.
    """
    first = int(local.min())
    if started is None or not 0 <= first - started <= MAX_RUN_SECONDS:
        return first
    return started


def require_short_rows(lines: Iterable[bytes], above: int = 0) -> None:
    """ValueError if a line after the first ``above`` is very long or ends within quotes.

    pandas keeps every row as wide as the widest: one endless row would fill the memory.
    """
    for line in islice(lines, above, None):
        if len(line) > LONGEST_ROW or line.count(b'"') % 2:
            raise ValueError("a row without end")


def within_limits(
    channel: Channel, seconds: Seconds, values: Values, rejected: Rejected
) -> tuple[Seconds, Values]:
    """The samples inside LIMITS in order of time, each once; the others are counted."""
    low, high = LIMITS[channel]
    good = (values >= low) & (values <= high)  # NaN fails both
    rejected.out_of_range(channel, seconds[~good])
    seconds, values = seconds[good], values[good]
    order = np.lexsort((values, seconds))
    seconds, values = seconds[order], values[order]
    again = np.zeros(seconds.size, bool)
    again[1:] = (np.diff(seconds) == 0) & (np.diff(values) == 0)
    rejected[f"{channel}_duplicate"] += int(np.count_nonzero(again))
    return seconds[~again], values[~again]


def binned(
    channel: Channel,
    samples: tuple[Seconds, Values],
    rejected: Rejected,
    how: Literal["mean", "max", "sum"] = "mean",
    edges: Collection[int] | None = None,
) -> MinuteSeries | None:
    """The samples (UTC seconds, values), checked and on the minute grid; None if none is left.

    The order of the samples does not matter. ``how`` says what a minute with several is.
    ``edges`` are the minutes (since 1970) of which another file may hold more samples: those
    of the first and the last sample unless given.
    """
    return binned_parts(channel, [samples], rejected, how, edges)


def binned_parts(
    channel: Channel,
    parts: Iterable[tuple[Seconds, Values]],
    rejected: Rejected,
    how: Literal["mean", "max", "sum"],
    edges: Collection[int] | None,
) -> MinuteSeries | None:
    """What ``binned`` makes of all parts together, without holding all their samples at once.

    The parts come in order of time and share no minute; of several, ``edges`` must be given.
    """
    found = [_per_minute(channel, part, rejected, how, edges) for part in parts]
    if not found:
        return None
    minutes, values = (np.concatenate(pieces) for pieces in list(zip(*found, strict=True))[:2])
    partial = {minute: samples for _, _, some in found for minute, samples in some.items()}
    return on_grid(channel, unit_of(channel), minutes, values, partial, how)


def _per_minute(
    channel: Channel,
    samples: tuple[Seconds, Values],
    rejected: Rejected,
    how: str,
    edges: Collection[int] | None,
) -> tuple[Seconds, Minutes, Partial]:
    """Distinct minutes, their values, NaN where a sum is out of range, and the partial ones."""
    seconds, values = within_limits(channel, *samples, rejected)
    if edges is None:
        edges = tuple(int(second) // 60 for second in (*seconds[:1], *seconds[-1:]))
    minutes, per_minute, partial = reduced(seconds, values, how, edges=edges)
    if how == "sum":
        over = per_minute > LIMITS[channel][1] * (1 + 1e-9)
        rejected.out_of_range(channel, minutes[over] * 60, "minute_out_of_range")
        per_minute = np.where(over, np.nan, per_minute)
    return minutes, per_minute.astype(np.float32), partial


def epochs(
    channel: Channel,
    samples: tuple[Seconds, Values],
    epoch_seconds: float,
    rejected: Rejected,
    family: Family | None = None,
    how: Literal["sum", "mean"] = "sum",
) -> MinuteSeries | None:
    """Values of a fixed epoch of 1 to 60 s, on the minute grid; None if none is left.

    ``how`` "sum" adds counts up to a minute, scaled where epochs are missing; "mean" averages
    levels such as lux. A minute with less than half of its epochs has no value. Of two
    epochs with one stamp the larger value stays. InputError for epochs over one minute.
    """
    if not 0 < epoch_seconds <= 60:
        raise InputError(
            f"The recording has one row every {epoch_seconds:.0f} s; "
            "give one with epochs of one minute or less."
        )
    seconds, values = within_limits(channel, *samples, rejected)
    last = np.ones(seconds.size, bool)
    last[:-1] = np.diff(seconds) > 0
    rejected[f"{channel}_duplicate"] += int(np.count_nonzero(~last))
    seconds, values = seconds[last], values[last]
    if not seconds.size:
        return None
    full = max(round(60 / epoch_seconds), 1)
    values = values * (60 / epoch_seconds) if how == "sum" else values
    minutes, per_minute, partial = reduced(seconds, values, "mean", full=full)
    return on_grid(channel, unit_of(channel, family), minutes, per_minute, partial, "mean", full)


def on_grid(
    channel: Channel,
    unit: str,
    minutes: Seconds,
    values: Values | Minutes,
    partial: Partial | None = None,
    how: str = "mean",
    full: int = 0,
) -> MinuteSeries | None:
    """A gapless series from distinct, sorted minutes since 1970 and their values.

    None without a minute; InputError over MAX_SPAN_YEARS.
    """
    if not minutes.size:
        return None
    span = int(minutes[-1] - minutes[0]) + 1
    if span > MAX_SPAN_MINUTES:
        raise InputError(too_long(channel, int(minutes[0]), int(minutes[-1])))
    grid = np.full(span, np.nan, np.float32)
    grid[minutes - minutes[0]] = values
    start = utc(int(minutes[0]) * 60)
    return MinuteSeries(channel, unit, start, grid, partial or {}, how, full)


def too_long(what: str, first: int, last: int) -> str:
    """The sentence for data of which the first and last minute since 1970 lie too far apart."""
    days = (utc(minute * 60).date() for minute in (first, last))
    return (
        f"The recording's {what} runs from {' to '.join(map(str, days))}, over {MAX_SPAN_YEARS} "
        "years; remove the samples with a wrong date or split the file."
    )


def sleep_episode(segments: Sequence[tuple[int, int, str]], log_id: str = "") -> SleepEpisode:
    """One episode of (start, end, stage) in UTC seconds; a later segment paints over earlier.

    Time no segment covers is neither asleep nor awake. At most MAX_SLEEP_SECONDS long.
    """
    start, end = min(s[0] for s in segments), max(s[1] for s in segments)
    line = np.zeros(end - start, np.int8)
    for first, stop, stage in segments:
        line[first - start : stop - start] = STAGES.index(stage)
    edges = [0, *(np.flatnonzero(np.diff(line)) + 1).tolist(), line.size]
    stages = tuple(
        SleepStage(utc(start + a), utc(start + b), STAGES[line[a]])
        for a, b in zip(edges, edges[1:], strict=False)
        if line[a]
    )
    awake = float(np.count_nonzero(line == STAGES.index("awake"))) / 60
    asleep = float(np.count_nonzero(line)) / 60 - awake
    return SleepEpisode(utc(start), utc(end), asleep, awake, stages, log_id)


def recording(
    path: Path,
    source: str,
    device: str,
    series: Iterable[MinuteSeries | None],
    sleep: Iterable[SleepEpisode] = (),
    rejected: Rejected | None = None,
    family: Family | None = None,
    kind: DeviceKind = DeviceKind.WATCH,
    questionnaires: Iterable[QuestionnaireAnswer] = (),
    zones: ZoneHistory | None = None,
) -> Recording:
    """What one device reported; InputError if nothing usable is there or it spans too long.

    ``zones`` are those in which its stamps without an offset were read, None without any.
    """
    found = tuple(s for s in series if s is not None and not np.isnan(s.values).all())
    episodes = tuple(sorted(sleep, key=lambda e: (e.start, e.end)))
    answers = tuple(questionnaires)
    left_out = {reason: n for reason, n in sorted((rejected or {}).items()) if n}
    if not found and not episodes and not answers:
        raise nothing_usable(path, source, left_out)
    days = dict(rejected.days) if rejected else {}
    whole = Recording(
        source, device[:80], family, found, episodes, left_out, kind, answers, days, zones
    )
    if found or episodes:
        first, last = (int(t.timestamp()) // 60 for t in (whole.start, whole.end))
        if last - first > MAX_SPAN_MINUTES:
            raise InputError(too_long("data", first, last))
    return whole


def nothing_usable(path: Path, source: str, left_out: Mapping[str, int]) -> InputError:
    """The refusal of a file in which nothing can be used, with the reasons counted."""
    reasons = ", ".join(f"{n} {reason}" for reason, n in left_out.items() if n) or "no samples"
    return InputError(
        f"{path.name} holds nothing that can be used as a {source} recording ({reasons}); "
        "check what was exported."
    )
