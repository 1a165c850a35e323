from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from patients.domain.recording import (
    Channel,
    DeviceKind,
    Family,
    MinuteSeries,
    Recording,
    SleepEpisode,
    SleepStage,
)
from patients.domain.resolve import chosen_sleep, first_order, resolved, whole

NIGHT = datetime(2026, 3, 1, 22, tzinfo=UTC)
HOUR = timedelta(hours=1)

minutes = st.lists(st.one_of(st.none(), st.integers(0, 300)), min_size=12, max_size=12).map(
    lambda values: np.array([np.nan if v is None else v for v in values], np.float32)
)


@given(st.lists(minutes, min_size=1, max_size=5))
def test_each_minute_is_one_devices_and_never_over_the_largest(devices: list[np.ndarray]) -> None:
    values, chosen = resolved(devices)
    for minute, number in enumerate(chosen):
        there = [d[minute] for d in devices if not np.isnan(d[minute])]
        if number == 0:
            assert not there and np.isnan(values[minute])
        else:
            assert values[minute] == devices[number - 1][minute] <= max(there)
            assert all(np.isnan(d[minute]) for d in devices[: number - 1])


def sleep(start: float, end: float, staged: bool = False, asleep: float = 0) -> SleepEpisode:
    begin, stop = NIGHT + start * HOUR, NIGHT + end * HOUR
    stages = (SleepStage(begin, stop, "deep"),) if staged else ()
    return SleepEpisode(begin, stop, asleep or (end - start) * 60, 0.0, stages)


def test_a_night_goes_to_the_device_with_stages_then_to_the_preferred_one() -> None:
    plain, staged = sleep(0, 8), sleep(0.5, 7.5, staged=True)
    assert chosen_sleep([plain, staged], [0, 1]) == [False, True]
    assert chosen_sleep([plain, sleep(0.5, 7.5)], [1, 0]) == [False, True]


def test_two_halves_of_a_night_of_one_device_both_count_and_the_others_do_not() -> None:
    told = [sleep(0, 3), sleep(3.5, 8), sleep(0, 8)]
    assert chosen_sleep(told, [0, 0, 1]) == [True, True, False]


def test_records_over_an_hour_apart_are_chosen_apart() -> None:
    told = [sleep(0, 3), sleep(4.5, 8)]
    assert chosen_sleep(told, [1, 0]) == [True, True]


def test_overlapping_records_of_one_device_are_one_night() -> None:
    told = [sleep(0, 7), sleep(0.3, 7, asleep=420.0)]
    assert sum(chosen_sleep(told, [0, 0])) == 1


def test_a_record_without_sleep_is_no_night() -> None:
    awake = SleepEpisode(NIGHT, NIGHT + HOUR, 0.0, 60.0)
    assert chosen_sleep([awake, sleep(0.2, 6)], [0, 1]) == [False, True]


@given(st.permutations(range(4)))
def test_the_choice_does_not_depend_on_the_order_of_the_records(order: list[int]) -> None:
    told = [sleep(0, 7), sleep(0, 7, staged=True), sleep(1, 8), sleep(20, 28)]
    ranks = [0, 2, 1, 1]
    keep = chosen_sleep([told[i] for i in order], [ranks[i] for i in order])
    assert {i for i, kept in zip(order, keep, strict=True) if kept} == {1, 3}


def test_counts_of_an_actigraph_come_before_a_watch_and_a_phone() -> None:
    kinds = sorted(DeviceKind, key=lambda kind: first_order(kind, "x", "y"))
    assert kinds[0] is DeviceKind.ACTIGRAPH and kinds.index(DeviceKind.WATCH) < kinds.index(
        DeviceKind.PHONE
    )


def test_the_parts_of_a_file_become_one_recording() -> None:
    def part(device: str, kind: DeviceKind, start: int, *values: float) -> Recording:
        at = NIGHT + start * timedelta(minutes=1)
        series = MinuteSeries(Channel.STEPS, "steps/min", at, np.array(values, np.float32))
        return Recording("apple", device, None, (series,), rejected={"x": 1}, kind=kind)

    together = whole(
        [
            part("iPhone", DeviceKind.PHONE, 0, 9, 9, 9, 9),
            part("Apple Watch", DeviceKind.WATCH, 1, 5),
            part("Apple Watch", DeviceKind.WATCH, 5, 6),
        ]
    )
    [series] = together.series
    np.testing.assert_array_equal(series.values, [9, 5, 9, 9, np.nan, 6])
    assert (together.device, together.rejected) == ("Apple Watch, iPhone", {"x": 3})
    assert together.family is Family.STEPS


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 9), st.booleans()), max_size=25))
def test_of_one_devices_records_none_that_count_overlap_and_none_could_be_added(
    spans: list[tuple[int, int, bool]],
) -> None:
    records = [sleep(a / 4, (a + b) / 4, staged, asleep=b) for a, b, staged in spans]
    keep = chosen_sleep(records, [0] * len(records))

    def apart(one: SleepEpisode, other: SleepEpisode) -> bool:
        return one.end <= other.start or other.end <= one.start

    kept = [i for i, chosen in enumerate(keep) if chosen]
    for i, record in enumerate(records):
        free = all(apart(record, records[j]) for j in kept if j != i)
        assert free == keep[i]
