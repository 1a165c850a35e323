"""Ways to spoil a valid file or body, as hypothesis strategies: (what was done, the bytes)."""

import gzip
import io
import json
import re
import zipfile
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from tests.hostile.archives import ZIP_DAMAGES, damaged_zip, zipped
from tests.hostile.seeds import Seed

Spoilt = tuple[str, bytes]
Draw = st.DrawFn

NUMBER = re.compile(rb"-?\d+(?:\.\d+)?")
DATE = re.compile(
    rb"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:\.\d+)?(?: ?[+-]\d\d:?\d\d|Z)?)?"
    rb"|\d{1,2}/\d{1,2}/\d{2,4}(?: \d\d:\d\d:\d\d)?|\d\d-[A-Z][a-z]{2}-\d\d(?:\d\d)?"
    rb"|\d\d-\d\d-\d{4} \d\d:\d\d:\d\d|\b1[67]\d{8}(?:\d{3}|\d{9})?\b|\b6\d{17}\b"
)
ODD_NUMBERS = [
    *(b"NaN", b"Infinity", b"-Infinity", b"inf", b"nan", b"1e308", b"-1e308", b"1e-320", b"-1"),
    *(b"0", b"-0.0", b"8e14", b"800000000000000", b"9223372036854775808", b"-9223372036854775808"),
    *(b"1" + b"0" * 400, b"1" * 5000, b"0x10", b"1_000", b"", b"null", b'"', b"\xd9\xa3", b"1,5"),
    *(b"86401", b"2147483648", b"65536", b"253402300799000"),
]
ODD_DATES = [
    *(b"9999-12-31T23:59:59+00:00", b"9999-12-31 23:59:59", b"0001-01-01T00:00:00Z"),
    *(b"1899-12-31 00:00:00", b"1969-12-31T23:59:59Z", b"2100-01-01 00:00:00", b"2024-02-30"),
    *(b"2024-03-04T24:61:00", b"2024-13-45 25:00:00", b"31/12/9999 23:59:59", b"12/31/99 00:00:00"),
    *(b"31-Dec-9999", b"00-Foo-00", b"-62135596800", b"253402300799", b"1e18", b"0", b"NaT"),
    *(b"2024-03-31T02:30:00", b"2024-10-27 02:30:00", b"2024-03-04T22:00:00+99:99", b"now"),
]
ODD_BYTES = [
    *(b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\r", b"\r\n", b"\n\n", b'"', b"'", b"<", b"&", b"]]>"),
    *(b"\xed\xa0\x80", b"\\ud800", b"\\u0000", b"\x1b[31m", b"\xe2\x80\xae", b";", b",,,,", b"%s"),
    *(b"{" * 50, b"[" * 2000, b"A" * 70_000, b"&x;", b"<!ENTITY a 'b'>", b"../../x"),
]
ODD_VALUES: list[Any] = [
    *(None, True, -1, 0, 0.5, 1e308, -1e308, 8e14, 10**400, 2**63, -(2**63), 86_401, 1e-320),
    *(float("nan"), float("inf"), float("-inf"), "NaN", "", "x", "x" * 90_000, "\0", "\ud800"),
    *([], {}, [[]], [None] * 2000, {"a": {"b": []}}, [1, "2", None, [3]], "\u202e", "1e999"),
    *("9999-12-31T23:59:59+00:00", "0001-01-01T00:00:00+00:00", "2024-03-04T24:61:00Z"),
    *("1899-12-30T00:00:00Z", "2024-03-04T22:00:00+99:99", "0", 253_402_300_799, -62_135_596_800),
]
LONGEST_REPEATED = 1000  # characters; else a file of 1 GB is soon made
ENCODINGS = ["utf-16", "utf-32", "utf-8-sig", "utf-16-le", "latin-1", "cp037"]


@st.composite
def bytes_changed(draw: Draw, raw: bytes) -> Spoilt:
    """A few bytes flipped, deleted, repeated, replaced or cut off."""
    out, done = bytearray(raw), []
    for _ in range(draw(st.integers(1, 6))):
        change = draw(st.sampled_from(["flip", "delete", "repeat", "odd", "cut", "zero"]))
        at = draw(st.integers(0, max(len(out) - 1, 0)))
        stop = at + draw(st.sampled_from([1, 2, 7, 40, 500]))
        piece = bytes(out[at:stop])
        if change == "flip":
            out[at : at + 1] = bytes([draw(st.integers(0, 255))])
        elif change == "cut":
            del out[max(at, 1) :]
        else:
            out[at:stop] = {
                "delete": b"",
                "repeat": piece * draw(st.sampled_from([2, 3, 200])),
                "odd": draw(st.sampled_from(ODD_BYTES)),
                "zero": bytes(len(piece)),
            }[change]
        done.append(change)
    return "bytes " + " ".join(done), bytes(out)


def _tokens(pattern: re.Pattern[bytes], odd: list[bytes], word: str) -> Callable[..., Any]:
    @st.composite
    def changed(draw: Draw, raw: bytes) -> Spoilt:
        found = list(pattern.finditer(raw))
        if not found:
            return draw(bytes_changed(raw))
        value = draw(st.sampled_from(odd))
        first = draw(st.integers(0, len(found) - 1))
        every = draw(st.sampled_from([1, 1, 2, 3, 7, len(found)]))
        count = draw(st.sampled_from([1, 1, 2, 5, len(found)]))
        out = raw
        for match in reversed(found[first::every][:count]):
            out = out[: match.start()] + value + out[match.end() :]
        return f"{word} {value[:24]!r} x{count} from {first}", out

    return changed


numbers_changed = _tokens(NUMBER, ODD_NUMBERS, "numbers")
dates_changed = _tokens(DATE, ODD_DATES, "dates")


@st.composite
def dates_swapped(draw: Draw, raw: bytes) -> Spoilt:
    """Two dates in each other's place, so that something ends before it starts."""
    found = list(DATE.finditer(raw))
    if len(found) < 2:
        return draw(dates_changed(raw))
    at = draw(st.integers(0, len(found) - 2))
    one, other = found[at], found[draw(st.integers(at + 1, len(found) - 1))]
    between = raw[one.end() : other.start()]
    return "dates swapped", (
        raw[: one.start()] + other.group() + between + one.group() + raw[other.end() :]
    )


@st.composite
def lines_changed(draw: Draw, raw: bytes) -> Spoilt:
    """Lines out of order, told again, without an end, or in another encoding."""
    lines = raw.splitlines(keepends=True)
    change = draw(st.sampled_from(["shuffle", "repeat", "join", "encode", "bom", "long", "empty"]))
    if change == "shuffle":
        return change, b"".join(draw(st.permutations(lines[:60])) + lines[60:])
    if change == "repeat":
        return change, raw * draw(st.sampled_from([2, 3, 50]))
    if change == "join":
        return change, b"".join(line.rstrip() for line in lines)
    if change == "encode":
        name = draw(st.sampled_from(ENCODINGS))
        return name, raw.decode("utf-8", "replace").encode(name, "replace")
    if change == "bom":
        return change, draw(st.sampled_from(ODD_BYTES[1:3])) * draw(st.integers(1, 3)) + raw
    at = draw(st.integers(0, len(lines)))
    extra = b"9," * 200_000 if change == "long" else b"\n" * 10_000
    return change, b"".join([*lines[:at], extra, *lines[at:]])


@st.composite
def json_changed(draw: Draw, raw: bytes) -> Spoilt:
    """Values of a wrong type, keys told twice or huge, nesting without end."""
    try:
        tree = json.loads(raw)
    except ValueError:
        return draw(bytes_changed(raw))
    places = list(_places(tree))
    done = []
    for _ in range(draw(st.integers(1, 4))):
        parent, key = draw(st.sampled_from(places))
        change = draw(st.sampled_from(["value", "value", "gone", "many", "key", "wrapped"]))
        done.append(f"{change} {key}"[:30])
        if (
            isinstance(parent, dict)
            and key in parent
            or isinstance(parent, list)
            and key < len(parent)
        ):
            _change(draw, parent, key, change)
    text = json.dumps(tree)
    if draw(st.integers(0, 5)) == 0:
        text, done = _twisted(draw, text), [*done, "twisted"]
    return "json " + ", ".join(done), text.encode()


def _places(tree: Any) -> Any:
    for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree[:9]):
        yield tree, key
        if isinstance(value, dict | list):
            yield from _places(value)


def _change(draw: Draw, parent: Any, key: Any, change: str) -> None:
    if change == "gone":
        del parent[key]
    elif change == "many" and len(repr(parent[key])) < LONGEST_REPEATED:
        parent[key] = [parent[key]] * draw(st.sampled_from([2, 40, 3000]))
    elif change == "wrapped":
        parent[key] = draw(st.sampled_from([[parent[key]], {"x": parent[key]}, str(parent[key])]))
    elif change == "key" and isinstance(parent, dict):
        parent[draw(st.sampled_from(["", "k" * 70_000, "\0", "\ud800", "__proto__"]))] = 1
    else:
        parent[key] = draw(st.sampled_from(ODD_VALUES))


def _twisted(draw: Draw, text: str) -> str:
    """Texts that no dict can be dumped to."""
    twist = draw(st.sampled_from(["twice", "deep", "trailing", "comment", "two"]))
    if twist == "twice":
        return re.sub(r'("[^"]+"): ', r"\1: 0, \1: ", text, count=3)
    deep = "[" * 100_000 + "]" * 100_000
    return {
        "deep": text[:-1] + ("," if text.startswith("[") else ', "x": ') + deep + text[-1],
        "trailing": text + "}]",
        "comment": "/* */" + text,
        "two": text + text,
    }[twist]


@st.composite
def packed(draw: Draw, raw: bytes, name: str) -> Spoilt:
    """The file in a container: gzipped, in a zip that is damaged, in zips within zips."""
    way = draw(st.sampled_from(["gzip", "zip", "nested", "damaged"]))
    if way == "gzip":
        how, body = draw(gzipped(raw))
        return how, body
    if way == "nested":
        for level in range(draw(st.integers(1, 4))):
            raw = zipped({f"{level}/{name}": raw})
        return way, raw
    how = draw(st.sampled_from([*ZIP_DAMAGES, "none"]))
    return f"zip {how}", damaged_zip({name: raw}, how)


@st.composite
def gzipped(draw: Draw, raw: bytes) -> Spoilt:
    """Gzip as it should be, or cut off, with a wrong checksum, twice, or not at all."""
    body = gzip.compress(raw, 1, mtime=0)
    at = draw(st.integers(1, len(body) - 1))
    ways = {
        "gzip": body,
        "gzip cut": body[:at],
        "gzip checksum": body[:-8] + bytes(4) + body[-4:],
        "gzip length": body[:-4] + b"\xff\xff\xff\x7f",
        "gzip twice": gzip.compress(body, 1, mtime=0),
        "gzip members": body + gzip.compress(b" " * 1000, mtime=0),
        "gzip junk": body + b"\0junk",
        "gzip flip": body[:at] + bytes([body[at] ^ 0x55]) + body[at + 1 :],
        "no gzip": raw,
        "gzip bomb": gzip.compress(raw + bytes(30_000_000), 1, mtime=0),
    }
    way = draw(st.sampled_from(sorted(ways)))
    return way, ways[way]


@st.composite
def members_changed(draw: Draw, raw: bytes) -> Spoilt:
    """A zip of which one file is spoilt, or which itself is damaged."""
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    if draw(st.integers(0, 2)) == 0:
        how = draw(st.sampled_from(ZIP_DAMAGES))
        return f"zip {how}", damaged_zip(files, how)
    # The large one holds the samples.
    name = draw(st.sampled_from([*files, *[max(files, key=lambda n: len(files[n]))] * len(files)]))
    how, files[name] = draw(text_changed(files[name]))
    return f"{name}: {how}", zipped(files)


@st.composite
def text_changed(draw: Draw, raw: bytes) -> Spoilt:
    """One of the changes above, whatever the format."""
    ways = [bytes_changed, numbers_changed, numbers_changed, dates_changed, dates_swapped]
    if raw[:1] in (b"{", b"["):
        ways += [json_changed] * 3
    else:
        ways.append(lines_changed)
    how: Spoilt = draw(draw(st.sampled_from(ways))(raw))
    return how


@st.composite
def spoilt_file(draw: Draw, seed: Seed) -> Spoilt:
    """A valid file, spoilt in one way or another."""
    if draw(st.integers(0, 9)) == 0:
        result: Spoilt = draw(packed(seed.content, seed.name))
    elif seed.content[:4] == b"PK\x03\x04" and draw(st.integers(0, 4)):
        result = draw(members_changed(seed.content))
    else:
        result = draw(text_changed(seed.content))
    return result
