"""Hostile pushes to the device API, each made by hand."""

import gzip
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.hostile.archives import gzipped_zeros
from tests.hostile.seeds import pushes

GZIP = {"Content-Encoding": "gzip"}


@dataclass(frozen=True)
class CraftedPush:
    """A body, made when it is needed, and the headers that come with it."""

    name: str
    body: Callable[[], bytes]
    headers: Mapping[str, str] = field(default_factory=dict)
    tame: bool = False


def _of(**changes: Any) -> Callable[[], bytes]:
    return lambda: json.dumps(pushes()[1] | changes).encode()


def _day(**changes: Any) -> dict[str, Any]:
    day: dict[str, Any] = pushes()[0]["days"][0]
    return day | changes


def _text(text: str) -> Callable[[], bytes]:
    return lambda: text.encode("utf-8", "surrogatepass")


def _bomb() -> bytes:
    return gzipped_zeros(1000)


def _good() -> bytes:
    return json.dumps(pushes()[0]).encode()


def _night(**changes: Any) -> Callable[[], bytes]:
    night = pushes()[1]["sleep"][0] | changes
    return _of(sleep=[night])


DEVICE = '{"device": {"name": "Band"}, '
PUSHES = [
    CraftedPush("gzip bomb of 1 GB", _bomb, GZIP),
    CraftedPush("gzip bomb that was not told", _bomb),
    CraftedPush("gzip that was not told", lambda: gzip.compress(_good())),
    CraftedPush("no gzip though told", _good, GZIP),
    CraftedPush("gzip twice", lambda: gzip.compress(gzip.compress(_good())), GZIP),
    CraftedPush("gzip cut off", lambda: gzip.compress(_good())[:-9], GZIP),
    CraftedPush("gzip, wrong checksum", lambda: gzip.compress(_good())[:-8] + bytes(8), GZIP),
    CraftedPush("gzip of nothing", lambda: gzip.compress(b""), GZIP),
    CraftedPush("another encoding", _good, {"Content-Encoding": "br"}),
    CraftedPush("two encodings", _good, {"Content-Encoding": "gzip, gzip"}),
    CraftedPush("another media type", _good, {"Content-Type": "text/xml"}),
    CraftedPush("a form", _good, {"Content-Type": "multipart/form-data; boundary=x"}),
    CraftedPush("no body", lambda: b""),
    CraftedPush("Content-Length too large", _good, {"Content-Length": "900000"}, tame=True),
    CraftedPush("Content-Length too small", _good, {"Content-Length": "20"}),
    CraftedPush("Content-Length negative", _good, {"Content-Length": "-1"}),
    CraftedPush("Content-Length of 8 EB", _good, {"Content-Length": "9" * 19}),
    CraftedPush("Content-Length no number", _good, {"Content-Length": "²"}),
    CraftedPush("Content-Length of 5,000 digits", _good, {"Content-Length": "9" * 5000}),
    CraftedPush("no key", _good, {"Idempotency-Key": ""}),
    CraftedPush("a key of 100,000 letters", _good, {"Idempotency-Key": "k" * 100_000}),
    CraftedPush("a key with a NUL", _good, {"Idempotency-Key": "a\0b"}),
    CraftedPush("no token", _good, {"Authorization": "Bearer"}),
    CraftedPush("a wrong token", _good, {"Authorization": "Bearer clarity_wrong"}),
    CraftedPush("a token of 1 MB", _good, {"Authorization": "Bearer clarity_" + "x" * 1_000_000}),
    CraftedPush("a token with a surrogate", _good, {"Authorization": "Bearer clarity_\udc80"}),
    CraftedPush("5 MB of blanks", lambda: b" " * 5_000_000),
    CraftedPush("100,000 brackets", _text("[" * 100_000)),
    CraftedPush("40,000 brackets", _text("[" * 40_000 + "]" * 40_000)),
    CraftedPush("40,000 objects deep", _text('{"a":' * 40_000 + "1" + "}" * 40_000)),
    CraftedPush("2 MB of brackets", _text("[]," * 700_000)),
    CraftedPush("a key twice", _text(DEVICE + '"device": {"name": "Other"}, "days": []}')),
    CraftedPush("a key of 3 MB", _text(DEVICE + f'"{"k" * 3_000_000}": 1}}')),
    CraftedPush("200,000 keys", _text("{" + ",".join(f'"{i}":1' for i in range(200_000)) + "}")),
    CraftedPush("NaN", _of(days=[_day(channels={"steps": [float("nan")]})])),
    CraftedPush("Infinity", _of(days=[_day(channels={"steps": [float("inf")]})])),
    CraftedPush("1e999", _text(DEVICE + '"days": [{"start": "2024-03-04T22:00:00Z", '
                               '"channels": {"steps": [1e999]}}]}')),
    CraftedPush("10 to the 400", _of(family=None, days=[_day(channels={"steps": [10**400]})])),
    CraftedPush("a number of 5,000 digits", _text(DEVICE + '"days": ' + "9" * 5000 + "}")),
    CraftedPush("a number of 3 MB", _text(DEVICE + '"days": ' + "9" * 3_000_000 + "}")),
    CraftedPush("nothing in range", _of(family=None, sleep=[],
                                        days=[_day(channels={"steps": [-1, 1e308, 301]})])),
    CraftedPush("the year 9999", _of(days=[_day(start="9999-12-31T23:59:00+00:00")])),
    CraftedPush("the year 1", _of(days=[_day(start="0001-01-01T00:00:00+14:00")])),
    CraftedPush("the year 1899", _of(days=[_day(start="1899-12-31T00:00:00Z")])),
    CraftedPush("half past 24", _of(days=[_day(start="2024-03-04T24:61:00Z")])),
    CraftedPush("no offset", _of(days=[_day(start="2024-03-04T22:00:00")])),
    CraftedPush("an offset of 99 hours", _of(days=[_day(start="2024-03-04T22:00:00+99:00")])),
    CraftedPush("10,000 days", _of(days=[_day()] * 10_000)),
    CraftedPush("a day of 100,000 minutes", _of(days=[_day(channels={"steps": [1] * 100_000})])),
    CraftedPush("the same day 31 times", _of(family=None, days=[_day()] * 31), tame=True),
    CraftedPush("days 100 years apart", _of(family=None, days=[
        _day(start="1970-01-01T00:00:00Z"), _day()]), tame=True),
    CraftedPush("8e14 minutes of sleep", _night(asleep_minutes=8e14)),
    CraftedPush("sleep told as longer than its record", _night(asleep_minutes=8e8), tame=True),
    CraftedPush("sleep that ends before it starts", _night(end="2024-03-04T20:00:00Z", stages=[]),
                tame=True),
    CraftedPush("sleep of 900 years", _night(start="1970-01-01T00:00:00Z",
                                             end="2099-01-01T00:00:00Z", stages=[]), tame=True),
    CraftedPush("40,000 stages", _night(stages=[
        {"start": "2024-03-04T23:00:00Z", "end": "2024-03-04T23:30:00Z", "stage": "deep"}
    ] * 40_000), tame=True),
    CraftedPush("a stage outside its record", _night(stages=[
        {"start": "2024-03-01T23:00:00Z", "end": "2024-03-04T23:30:00Z", "stage": "deep"}])),
    CraftedPush("a NUL in the name", _of(device={"name": "a\0b"})),
    CraftedPush("half a surrogate in the name", _of(device={"name": "a\ud800b"})),
    CraftedPush("an escape in a channel", _of(days=[_day(channels={"\x1b[2J": [1]})])),
    CraftedPush("a name of 1 MB", _of(device={"name": "x" * 1_000_000})),
    CraftedPush("HTML in the name", _of(device={"name": "<script>alert(1)</script>"}), tame=True),
    CraftedPush("a patient in the body", _of(patient="P-002")),
    CraftedPush("UTF-16", lambda: _good().decode().encode("utf-16"), tame=True),
    CraftedPush("a byte order mark", lambda: b"\xef\xbb\xbf" + _good(), tame=True),
    CraftedPush("bytes that are no UTF-8", lambda: b'{"device": {"name": "\xff\xfe"}}'),
    CraftedPush("a list", _text("[]")),
    CraftedPush("null", _text("null")),
    CraftedPush("true for a minute", _of(days=[_day(channels={"steps": [True]})])),
]  # fmt: skip
