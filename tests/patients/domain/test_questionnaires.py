"""Totals: from any valid items their sum; anything else is refused."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patients.domain.errors import InputError
from patients.domain.questionnaires import Instrument
from patients.resources import instruments

PHQ8, PHQ9, ASRM = (instruments()[key] for key in ("phq8", "phq9", "asrm"))


@st.composite
def answered(draw: Any) -> tuple[Instrument, list[int]]:
    asked = draw(st.sampled_from([PHQ8, PHQ9, ASRM]))
    item = st.integers(asked.lowest, asked.highest)
    return asked, draw(st.lists(item, min_size=len(asked.topics), max_size=len(asked.topics)))


@given(answered())
def test_the_total_is_the_sum_of_any_valid_items(given_: tuple[Instrument, list[int]]) -> None:
    asked, items = given_
    assert asked.total(items) == asked.total(items, sum(items)) == sum(items)
    low, high = asked.range
    assert low <= sum(items) <= high and asked.total(None, sum(items)) == sum(items)


@given(answered(), st.data())
def test_any_single_item_out_of_range_refuses(
    given_: tuple[Instrument, list[int]], data: Any
) -> None:
    asked, items = given_
    place = data.draw(st.integers(0, len(items) - 1))
    items[place] = data.draw(
        st.integers(max_value=asked.lowest - 1) | st.integers(min_value=asked.highest + 1)
    )
    with pytest.raises(InputError, match=rf"^Item {place + 1} of {asked.name} .*give a whole"):
        asked.total(items)


@given(answered(), st.integers(-5, 40))
def test_a_total_that_is_not_the_sum_refuses(
    given_: tuple[Instrument, list[int]], total: int
) -> None:
    asked, items = given_
    if total == sum(items):
        assert asked.total(items, total) == total
    else:
        with pytest.raises(InputError, match="is not the sum of its items"):
            asked.total(items, total)


@given(answered(), st.integers(0, 20))
def test_a_wrong_number_of_items_refuses(given_: tuple[Instrument, list[int]], count: int) -> None:
    asked, items = given_
    if count != len(items):
        with pytest.raises(InputError, match=f"{asked.name} has {len(items)} items, but {count}"):
            asked.total((items * 5)[:count])


@pytest.mark.parametrize("item", [True, 1.0, "1", None, float("nan")])
def test_an_item_that_is_no_whole_number_refuses(item: Any) -> None:
    with pytest.raises(InputError, match="Item 1 of ASRM"):
        ASRM.total([item, 0, 0, 0, 0])


@pytest.mark.parametrize("total", [-1, 28, True, 12.5, "12", None])
def test_a_total_alone_that_cannot_be_refuses(total: Any) -> None:
    with pytest.raises(InputError, match="PHQ-9"):
        PHQ9.total(None, total)


def test_ranges_and_cut_offs_are_those_of_the_papers() -> None:
    assert (PHQ8.range, PHQ9.range, ASRM.range) == ((0, 24), (0, 27), (0, 20))
    for asked, cut_off in ((PHQ8, 10), (PHQ9, 10), (ASRM, 6)):
        assert not asked.positive(cut_off - 1) and asked.positive(cut_off)
    assert PHQ9.loinc == "44261-6" and PHQ8.loinc == ASRM.loinc == ""


def test_bands_of_phq9() -> None:
    bands = {total: PHQ9.band(total) for total in (0, 4, 5, 9, 10, 14, 15, 19, 20, 27)}
    assert list(bands.values()) == [
        *("minimal", "minimal", "mild", "mild", "moderate", "moderate"),
        *("moderately severe", "moderately severe", "severe", "severe"),
    ]
    assert PHQ8.band(20) == ASRM.band(20) == ""  # no bands are cited for these


def test_the_self_harm_item_is_the_ninth_of_phq9_alone() -> None:
    assert PHQ9.self_harm([0, 0, 0, 0, 0, 0, 0, 0, 2]) == 2
    assert PHQ9.self_harm([]) is None and PHQ9.self_harm([3] * 8) is None
    assert PHQ8.self_harm([3] * 8) is None and ASRM.self_harm([3] * 5) is None
