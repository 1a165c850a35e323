"""Zip archives that lie: made whole by zipfile, then changed where their headers say what is in."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from functools import cache
from stat import S_IFLNK

CENTRAL, LOCAL, END = b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06"
# Places of fields in the central and in the local header of a member.
FLAGS, METHOD, CRC, PACKED, SIZE = (8, 6), (10, 8), (16, 14), (20, 18), (24, 22)
MILLION = bytes(1_000_000)
OFFSET = 42  # in the central header only


def zipped(files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of these files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, compress_type=method)
    return out.getvalue()


@cache
def gzipped_zeros(count_mb: int) -> bytes:
    """A gzip file of so many million zeros, in about a thousandth of that."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    # After a full flush the packed bytes depend on nothing before them, so they may be repeated.
    piece, checksum = packer.compress(MILLION) + packer.flush(zlib.Z_FULL_FLUSH), 0
    for _ in range(count_mb):
        checksum = zlib.crc32(MILLION, checksum)
    end = packer.flush() + struct.pack("<II", checksum, count_mb * len(MILLION))
    return b"\x1f\x8b\x08" + bytes(6) + b"\xff" + piece * count_mb + end


def damaged_zip(files: Mapping[str, bytes], how: str) -> bytes:
    """A zip of these files with one of ZIP_DAMAGES, or "none"."""
    return _DAMAGES[how](files) if how in _DAMAGES else zipped(files)


def _patched(place: tuple[int, int], form: str, value: int) -> Callable[..., bytes]:
    """A zip of which each header says ``value`` at that place."""

    def made(files: Mapping[str, bytes]) -> bytes:
        raw = bytearray(zipped(files))
        for signature, offset in zip((CENTRAL, LOCAL), place, strict=True):
            at = raw.find(signature)
            while at >= 0:
                struct.pack_into(form, raw, at + offset, value)
                at = raw.find(signature, at + 4)
        return bytes(raw)

    return made


def _renamed(pattern: str) -> Callable[..., bytes]:
    def made(files: Mapping[str, bytes]) -> bytes:
        return zipped({pattern.format(name): content for name, content in files.items()})

    return made


def _links(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in files:
            link = zipfile.ZipInfo(name)
            link.create_system, link.external_attr = 3, (S_IFLNK | 0o777) << 16
            archive.writestr(link, "/etc/passwd")
    return out.getvalue()


def _twice(files: Mapping[str, bytes]) -> bytes:
    """Every name twice; made with another of the same length, as zipfile warns of doubles."""
    both = {n: c for name, c in files.items() for n, c in ((name, c), ("\x7f" + name[1:], c))}
    raw = zipped(both)
    for name in files:
        raw = raw.replace(b"\x7f" + name[1:].encode(), name.encode())
    return raw


def _offset(files: Mapping[str, bytes]) -> bytes:
    raw = bytearray(zipped(files))
    struct.pack_into("<I", raw, raw.find(CENTRAL) + OFFSET, 0x7FFFFFFF)
    return bytes(raw)


def _with(extra: Mapping[str, bytes]) -> Callable[..., bytes]:
    return lambda files: zipped({**files, **extra})


_DAMAGES: dict[str, Callable[[Mapping[str, bytes]], bytes]] = {
    "up": _renamed("../../../{}"),
    "absolute": _renamed("/etc/{}"),
    "drive": _renamed("C:\\x\\{}"),
    "control characters": _renamed("a\x1b[31m\n{}"),
    "surrogate": _renamed("\U0001f4a9/{}"),
    "long names": _renamed("n" * 60_000 + "/{}"),
    "empty name": _renamed("{}/"),
    "encrypted": _patched(FLAGS, "<H", 1),
    "every flag": _patched(FLAGS, "<H", 0xFFFF),
    "method": _patched(METHOD, "<H", 99),
    "lzma told": _patched(METHOD, "<H", 14),
    "stored told": _patched(METHOD, "<H", 0),
    "checksum": _patched(CRC, "<I", 0xDEADBEEF),
    "packed size": _patched(PACKED, "<I", 3),
    "packed size huge": _patched(PACKED, "<I", 0x7FFFFFFF),
    "size small": _patched(SIZE, "<I", 9),
    "size huge": _patched(SIZE, "<I", 0xFFFFFFFE),
    "offset": _offset,
    "links": _links,
    "twice": _twice,
    "cut": lambda files: zipped(files)[:-30],
    "end only": lambda files: zipped(files)[-22:],
    "junk before": lambda files: b"MZ" * 5000 + zipped(files),
    "junk after": lambda files: zipped(files) + b"\0" * 5000,
    "bzip2": lambda files: zipped(files, zipfile.ZIP_BZIP2),
    "lzma": lambda files: zipped(files, zipfile.ZIP_LZMA),
    "bomb beside": _with({"zeros.json": bytes(20_000_000)}),
    "itself beside": lambda files: zipped({**files, "again.zip": zipped(files)}),
    "many": _with({f"{i}.json": b"{}" for i in range(800)}),
}
ZIP_DAMAGES = sorted(_DAMAGES)
