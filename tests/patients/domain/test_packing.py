"""Minutes to bytes and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from patients.domain.packing import pack, unpack
from patients.domain.recording import Minutes

FLOATS = st.floats(width=32, allow_nan=True, allow_infinity=True)
WHOLE = st.one_of(st.integers(-40000, 40000).map(float), st.just(float("nan")))


def a_day(*values: float) -> Minutes:
    day = np.full(1440, np.nan, dtype=np.float32)
    day[: len(values)] = values
    return day


@given(arrays(np.float32, 1440, elements=st.one_of(FLOATS, WHOLE), fill=st.just(np.float32(0))))
def test_round_trip_keeps_every_minute(day: Minutes) -> None:
    again = unpack(pack(day))
    assert again.dtype == np.float32
    assert np.array_equal(again, day, equal_nan=True)


@given(arrays(np.float32, 1440, elements=WHOLE, fill=st.just(np.float32("nan"))))
def test_packing_again_gives_the_same_bytes(day: Minutes) -> None:
    assert pack(unpack(pack(day))) == pack(day)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ((), b"A"),
        ((0, 7, 250), b"A"),
        ((32767, -32767), b"A"),
        ((0.5,), b"B"),
        ((36.55, 36.6), b"C"),
        ((-32768,), b"D"),  # the int16 that stands for missing
        ((32768,), b"D"),
        ((60000.5,), b"E"),
        ((9000.25,), b"G"),
        ((0.125,), b"F"),
        ((float("inf"),), b"F"),
        ((3.4e38, 1e-45), b"F"),
    ],
)
def test_size_and_decimals_choose_the_kind(values: tuple[float, ...], kind: bytes) -> None:
    packed = pack(a_day(*values))
    assert packed[:1] == kind
    assert np.array_equal(unpack(packed), a_day(*values), equal_nan=True)


def test_missing_is_the_same_however_it_was_computed() -> None:
    odd = a_day(0.5)
    odd.view(np.uint32)[7] = 0xFFC00001  # a NaN with a sign and a payload
    assert pack(odd) == pack(a_day(0.5))


def test_minus_zero_is_zero() -> None:
    assert pack(a_day(-0.0, 0.5)) == pack(a_day(0.0, 0.5))


def test_a_day_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="1440 minutes"):
        pack(np.zeros(1439, dtype=np.float32))


def test_unpacked_minutes_can_be_changed() -> None:
    for day in (a_day(1), a_day(0.5)):
        unpack(pack(day))[0] = 3


def test_packing_leaves_its_input_alone() -> None:
    day = a_day(-0.0, 1)
    pack(day)
    assert np.signbit(day[0])
