"""Minutes to bytes and back: small, exact, and the same bytes for the same minutes."""

import zlib

import numpy as np

from patients.domain.recording import MINUTES_PER_DAY, Minutes

INT16_MISSING = np.int16(-32768)


def pack(values: Minutes) -> bytes:
    """Pack a day of 1,440 float32 minutes (NaN = missing) into compressed bytes.

    Whole numbers that fit are kept as int16, all else as float32; both are exact.

    >>> day = np.full(1440, np.nan, dtype=np.float32); day[:3] = [0, 7, 250]
    >>> bool(np.array_equal(unpack(pack(day)), day, equal_nan=True))
    True
    """
    if values.shape != (MINUTES_PER_DAY,):
        raise ValueError(f"a day has {MINUTES_PER_DAY} minutes, not {values.shape}")
    there = ~np.isnan(values)
    # One NaN and one zero: missing is missing however it was computed.
    values = np.where(there, values + 0.0, np.nan).astype(np.float32)
    present = values[there]
    if np.all((present == np.rint(present)) & (np.abs(present) < 32768)):
        body = np.full(MINUTES_PER_DAY, INT16_MISSING, dtype="<i2")
        body[there] = present.astype("<i2")
        return b"i" + zlib.compress(body.tobytes(), 6)
    return b"f" + zlib.compress(values.astype("<f4").tobytes(), 6)


def unpack(data: bytes) -> Minutes:
    """The 1,440 minutes that ``pack`` packed."""
    kind, body = data[:1], zlib.decompress(data[1:])
    if kind == b"f":
        return np.frombuffer(body, dtype="<f4").astype(np.float32)
    whole = np.frombuffer(body, dtype="<i2")
    values = whole.astype(np.float32)
    values[whole == INT16_MISSING] = np.nan
    return values
