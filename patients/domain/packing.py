"""Minutes to bytes and back: small, exact, and the same bytes for the same minutes."""

import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from patients.domain.recording import MINUTES_PER_DAY, Minutes

Chosen = NDArray[np.uint8]

# First byte: how the minutes are written. Decimals that fit are kept as whole numbers.
WHOLE: dict[bytes, tuple[int, np.dtype[Any]]] = {
    b"A": (1, np.dtype("<i2")),
    b"B": (10, np.dtype("<i2")),
    b"C": (100, np.dtype("<i2")),
    b"D": (1, np.dtype("<i4")),
    b"E": (10, np.dtype("<i4")),
    b"G": (100, np.dtype("<i4")),
}
FLOATS = b"F"
BEFORE_PLANES: dict[bytes, np.dtype[Any]] = {
    b"i": np.dtype("<i2"),
    b"f": np.dtype("<f4"),
}  # as written until version 0.1


def pack(values: Minutes) -> bytes:
    """Pack a day of 1,440 float32 minutes (NaN = missing) into compressed bytes.

    Numbers with up to two decimals are kept as int16 or int32, all else as float32; all are
    exact. The bytes of a kind lie together, which compresses better (high bytes repeat).

    >>> day = np.full(1440, np.nan, dtype=np.float32); day[:3] = [0, 7.5, 250]
    >>> bool(np.array_equal(unpack(pack(day)), day, equal_nan=True))
    True
    """
    if values.shape != (MINUTES_PER_DAY,):
        raise ValueError(f"a day has {MINUTES_PER_DAY} minutes, not {values.shape}")
    there = ~np.isnan(values)
    present = (values[there] + 0.0).astype(np.float32)  # one zero, not two
    for code, (scale, kind) in WHOLE.items():
        whole = np.rint(present.astype(np.float64) * scale)
        if np.abs(whole).max(initial=0) <= np.iinfo(kind).max and np.array_equal(
            (whole / scale).astype(np.float32), present
        ):
            body = np.full(MINUTES_PER_DAY, np.iinfo(kind).min, dtype=kind)
            body[there] = whole.astype(kind)
            return code + _planes(body)
    floats = np.full(MINUTES_PER_DAY, np.nan, dtype="<f4")
    floats[there] = present
    return FLOATS + _planes(floats)


def _planes(body: NDArray[Any]) -> bytes:
    by_byte = np.frombuffer(body.tobytes(), np.uint8).reshape(MINUTES_PER_DAY, -1)
    return zlib.compress(by_byte.T.tobytes(), 6)


def unpack(data: bytes) -> Minutes:
    """The 1,440 minutes that ``pack`` packed."""
    code, body = data[:1], zlib.decompress(data[1:])
    if code in BEFORE_PLANES:
        scale, kind = 1, BEFORE_PLANES[code]
    else:
        scale, kind = WHOLE.get(code, (1, np.dtype("<f4")))
        body = np.frombuffer(body, np.uint8).reshape(kind.itemsize, -1).T.tobytes()
    stored = np.frombuffer(body, dtype=kind)
    if kind.kind == "f":
        return stored.astype(np.float32)
    values = (stored if scale == 1 else stored / scale).astype(np.float32)
    values[stored == np.iinfo(kind).min] = np.nan
    return values


def pack_chosen(chosen: Chosen) -> bytes:
    """Pack which device each of 1,440 minutes is from; the same bytes for the same minutes."""
    return zlib.compress(chosen.astype(np.uint8).tobytes(), 6)


def unpack_chosen(data: bytes, values: Minutes) -> Chosen:
    """What ``pack_chosen`` packed; empty means that the first device has all there is.

    >>> day = np.full(1440, np.nan, dtype=np.float32); day[2] = 7
    >>> unpack_chosen(b"", day)[:4].tolist()
    [0, 0, 1, 0]
    """
    if not data:
        return (~np.isnan(values)).astype(np.uint8)
    return np.frombuffer(zlib.decompress(data), dtype=np.uint8)
