import gzip
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patients.domain.errors import InputError
from patients.domain.recording import Channel, DeviceKind, Family, Recording
from patients.ingest import device_push
from patients.ingest.device_push import TooLarge, read_push, recordings, require_size, unpacked
from tests.patients.pushes import START, a_day, a_push, as_json

NOW = START + timedelta(days=3)
DAY = timedelta(days=1)
NIGHT = {"start": "2026-03-01T23:00:00+01:00", "end": "2026-03-02T06:00:00+01:00"}


def read(push: Any) -> list[Recording]:
    return recordings(read_push(as_json(push), NOW))


def refusal(push: Any) -> str:
    with pytest.raises(InputError) as refused:
        read(push)
    sentence = str(refused.value)
    assert sentence.endswith(".") and sentence.isprintable() and len(sentence) < 400
    return sentence


def test_a_day_comes_out_in_utc_with_nulls_missing_and_its_family() -> None:
    push = a_push(a_day(activity=[1, None, 2.5], steps=[0, 9]), family="enmo")
    [found] = read(push | {"device": {"name": "Band", "kind": "ring"}})
    assert (found.source, found.device, found.kind) == ("device_push", "Band", DeviceKind.RING)
    assert found.family is Family.ENMO and found.start == datetime(2026, 2, 28, 23, tzinfo=UTC)
    activity, steps = found.channel(Channel.ACTIVITY), found.channel(Channel.STEPS)
    assert activity and steps and activity.unit == "mg"
    assert np.array_equal(activity.values, np.array([1, np.nan, 2.5], "f4"), equal_nan=True)
    assert np.array_equal(steps.values, np.array([0, 9, np.nan], "f4"), equal_nan=True)


def test_steps_alone_serve_as_activity_and_heart_rate_alone_as_none() -> None:
    assert read(a_push(a_day(steps=[1])))[0].family is Family.STEPS
    assert read(a_push(a_day(heart_rate=[60])))[0].family is None


def test_samples_out_of_range_are_left_out_and_counted() -> None:
    [found] = read(a_push(a_day(steps=[5, -1, 301, 1e300], heart_rate=[19, 60, 301])))
    assert found.rejected == {"steps_out_of_range": 3, "heart_rate_out_of_range": 2}
    steps = found.channel(Channel.STEPS)
    assert steps and np.nansum(steps.values) == 5


def test_of_a_minute_told_twice_the_larger_counts_whatever_the_order() -> None:
    days = [a_day(steps=[5, 1]), a_day(steps=[3, 8, 2])]
    for order in (days, days[::-1]):
        series = read(a_push(*order))[0].series[0]
        assert series.values.tolist() == [5, 8, 2]


def test_days_far_apart_are_recordings_of_their_own_and_share_the_rest() -> None:
    push = a_push(a_day(), a_day(START - DAY), a_day(START - 900 * DAY), sleep=[NIGHT])
    old, new = read(push)
    assert old.start == START - 900 * DAY and len(old.series[0].values) == 1440
    assert new.start == START - DAY and len(new.series[0].values) == 2880
    assert len(old.sleep) == 1 and not new.sleep


def test_sleep_and_answers_may_come_without_minutes() -> None:
    stages = [{**NIGHT, "stage": "light"}]
    answer = {"instrument": "phq9", "taken_at": "2026-03-01T09:00:00Z", "total": 11, "items": [3]}
    too_much = answer | {"total": 28}
    push = {
        "device": {"name": "App", "kind": "app"},
        "sleep": [NIGHT | {"id": "a", "stages": stages}, NIGHT | {"end": NIGHT["start"]}],
        "questionnaires": [answer, too_much],
    }
    [found] = read(push)
    [night] = found.sleep
    assert night.log_id == f"{round(night.start.timestamp())} a"  # an id may come again
    assert (night.asleep_minutes, night.awake_minutes) == (420, 0)
    assert [(q.instrument, q.total, q.items) for q in found.questionnaires] == [("phq9", 11, (3,))]
    assert found.rejected == {"phq9_out_of_range": 1, "sleep_bad_duration": 1}


STAGED = [  # 6 hours of sleep and half an hour awake; half an hour is neither
    {**NIGHT, "end": "2026-03-02T05:00:00+01:00", "stage": "light"},
    {**NIGHT, "start": "2026-03-02T05:30:00+01:00", "stage": "awake"},
]


@pytest.mark.parametrize(
    ("told", "stages", "minutes"),
    [
        ({"asleep_minutes": 400}, [], (400, 20)),  # of 420: the other is the rest
        ({"awake_minutes": 20}, [], (400, 20)),
        ({"awake_minutes": 20, "asleep_minutes": None}, [], (400, 20)),
        ({"asleep_minutes": 420.5}, [], (420.5, 0)),
        ({"asleep_minutes": 350}, STAGED, (350, 30)),  # as the stages say
        ({"asleep_minutes": 400}, STAGED, (400, 20)),  # of which only so much is left
        ({"awake_minutes": 50}, STAGED, (360, 50)),
        ({"asleep_minutes": -5}, STAGED, (360, 30)),  # cannot be true: what the stages say
        ({"asleep_minutes": 0, "awake_minutes": 0}, [], (0, 0)),
    ],
)
def test_minutes_asleep_or_awake_may_come_alone(
    told: dict[str, Any], stages: list[Any], minutes: tuple[float, float]
) -> None:
    [found] = read(a_push(sleep=[NIGHT | told | {"stages": stages}]))
    assert (found.sleep[0].asleep_minutes, found.sleep[0].awake_minutes) == minutes


@pytest.mark.parametrize(
    "told",
    [
        {"asleep_minutes": -5},
        {"awake_minutes": 500},
        {"asleep_minutes": 1e6},
        {"asleep_minutes": -400, "awake_minutes": -60},
        {"asleep_minutes": 400, "awake_minutes": 60},
    ],
)
def test_a_record_whose_minutes_cannot_be_true_is_left_out_and_counted(
    told: dict[str, float],
) -> None:
    [found] = read(a_push(sleep=[NIGHT | told]))
    assert found.sleep == () and found.rejected == {"sleep_impossible_minutes": 1}


def test_stages_of_a_part_leave_the_record_its_bounds_and_minutes() -> None:
    deep = [{**NIGHT, "end": "2026-03-01T23:30:00+01:00", "stage": "deep"}]
    [found] = read(
        a_push(sleep=[NIGHT | {"asleep_minutes": 391, "awake_minutes": 29, "stages": deep}])
    )
    [whole] = found.sleep
    assert (whole.end - whole.start).total_seconds() == 420 * 60
    assert (whole.asleep_minutes, whole.awake_minutes, len(whole.stages)) == (391, 29, 1)


def test_a_record_without_an_id_is_the_same_record_when_it_comes_again() -> None:
    push = a_push(sleep=[NIGHT | {"asleep_minutes": 300, "awake_minutes": 100}])
    [once], [again] = read(push), read(push)
    assert once.sleep == again.sleep and once.sleep[0].log_id


def test_minutes_that_are_no_number_are_refused_by_name() -> None:
    assert "sleep[0].awake_minutes is 'x'" in refusal(
        a_push(sleep=[NIGHT | {"awake_minutes": "x"}])
    )


def test_a_night_of_8e14_hours_is_refused_and_one_of_25_left_out() -> None:
    long = NIGHT | {"end": "9999-12-31T00:00:00Z"}
    assert "9999" in refusal(a_push(sleep=[long]))
    [found] = read(a_push(sleep=[NIGHT | {"end": "2026-03-03T00:00:00+01:00"}]))
    assert found.rejected == {"sleep_over_24_h": 1} and not found.sleep
    told = NIGHT | {"asleep_minutes": 8e14, "awake_minutes": 0}
    assert "asleep_minutes" in refusal(a_push(sleep=[told]))


def test_a_push_in_which_nothing_can_be_used_says_why() -> None:
    assert "1 steps_out_of_range" in refusal(a_push(a_day(steps=[-1, None])))
    assert "no samples" in refusal({"device": {"name": "Band"}})


@pytest.mark.parametrize(
    ("push", "said"),
    [
        ([], "The push is no object"),
        ({}, "no device"),
        (a_push() | {"patient": "P-1"}, "unknown 'patient'"),
        (a_push() | {"device": {"name": ""}}, "device.name"),
        (a_push() | {"device": {"name": "a\x00b"}}, "device.name"),
        (a_push() | {"device": {"name": "a", "kind": "horse"}}, "device.kind"),
        (a_push() | {"family": "enmo"}, "without activity"),
        (a_push(a_day(activity=[1])), "family is 'None'"),
        (a_push(a_day(activity=[1]), family="steps"), "family is 'steps'"),
        (a_push(a_day(heartrate=[1])), "unknown 'heartrate'"),
        (a_push(a_day(steps=[])), "days[0].channels.steps"),
        (a_push(a_day(steps=[1] * 1501)), "1 to 1500"),
        (a_push(a_day(), a_day(steps=["7"])), "days[1].channels.steps"),
        (a_push(a_day(steps=[True])), "other than numbers"),
        (a_push(a_day(steps=[[1]])), "other than numbers"),
        (a_push(a_day(steps=[10**400])), "too large"),
        (a_push(*[a_day()] * 32), "32 entries"),
        (a_push({"start": "2026-03-01T00:00:00", "channels": {"steps": [1]}}), "offset"),
        (a_push({"start": "9999-12-31T00:00:00Z", "channels": {"steps": [1]}}), "9999"),
        (a_push({"start": "2026-03-01T00:00:30Z", "channels": {"steps": [1]}}), "within a minute"),
        (a_push({"start": 5, "channels": {"steps": [1]}}), "days[0].start"),
        (a_push({"start": START.isoformat(), "channels": {}}), "empty"),
        (a_push(a_day(NOW + 2 * DAY)), "future"),
        (a_push() | {"sleep": {}}, "sleep is no list"),
        (a_push() | {"sleep": [NIGHT | {"stages": [NIGHT | {"stage": "x"}]}]}, "stage"),
        (
            a_push(sleep=[NIGHT | {"stages": [{**NIGHT, "end": "2026-03-02T09:00:00Z",
                                               "stage": "rem"}]}]),
            "outside",
        ),
        (a_push(questionnaires=[{"instrument": "phq9"}]), "no taken_at"),
    ],
)  # fmt: skip
def test_a_wrong_form_is_refused_with_its_place(push: Any, said: str) -> None:
    assert said in refusal(push)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "not complete JSON"),
        (b"{", "not complete JSON"),
        (b"\xff\xfe\x00", "not complete JSON"),
        (b"[" * 49_000, "not complete JSON"),
        (b"[" * 50_001, "50,000"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": -Infinity}', "-Infinity"),
        (b'{"a": 1, "a": 2}', "'a' twice"),
        (b'{"a": ' + b"9" * 5000 + b"}", "not complete JSON"),
        (b'{"device": {"name": "\\ud800"}}', "device.name"),
    ],
)
def test_what_is_no_good_json_is_refused(raw: bytes, said: str) -> None:
    with pytest.raises(InputError) as refused:
        read_push(raw, NOW)
    assert said in str(refused.value)
    str(refused.value).encode()


def test_gzip_is_unpacked_only_up_to_the_limit() -> None:
    good = as_json(a_push())
    assert unpacked(gzip.compress(good)) == good
    require_size(device_push.MAX_JSON_BYTES)
    bomb = gzip.compress(bytes(device_push.MAX_JSON_BYTES + 1))
    with pytest.raises(TooLarge):
        unpacked(bomb)
    packed = gzip.compress(good)
    damaged = packed[:-8] + bytes(8)  # neither checksum nor length are right
    half = packed[: len(packed) // 2]
    for broken in (b"", b"no gzip", packed[:-1], half, packed + b"x", packed + half, damaged):
        with pytest.raises(InputError) as refused:
            unpacked(broken)
        assert not isinstance(refused.value, TooLarge)


@given(st.lists(st.binary(max_size=50), min_size=1, max_size=5))
def test_gzip_of_several_members_is_read_as_one(parts: list[bytes]) -> None:
    assert unpacked(b"".join(map(gzip.compress, parts))) == b"".join(parts)


def test_the_limit_holds_for_all_members_together() -> None:
    half = gzip.compress(bytes(device_push.MAX_JSON_BYTES // 2))
    assert len(unpacked(half * 2)) == device_push.MAX_JSON_BYTES
    with pytest.raises(TooLarge):
        unpacked(half * 2 + gzip.compress(b"x"))


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
PARTS = ("device", "family", "days", "sleep", "questionnaires")


@given(st.sampled_from(PARTS), anything, st.sampled_from(["", "start", "channels", "end", "items"]))
def test_whatever_is_sent_is_read_or_refused_in_a_sentence(part: str, value: Any, key: str) -> None:
    push = a_push()
    push[part] = value if not key else [push["days"][0] | NIGHT | {key: value}]
    raw = json.dumps(push).encode()
    try:
        for found in recordings(read_push(raw, NOW)):
            assert found.series or found.sleep or found.questionnaires
    except InputError as refused:
        assert str(refused).isprintable()


@given(st.lists(st.integers(0, 5), min_size=1, max_size=4), st.randoms())
def test_the_order_of_days_does_not_matter(offsets: list[int], random: Any) -> None:
    days = [a_day(START - n * DAY / 2, steps=[n + 1] * 900) for n in offsets]
    there = read(a_push(*days))
    random.shuffle(days)
    back = read(a_push(*days))
    assert [r.start for r in there] == [r.start for r in back]
    for a, b in zip(there, back, strict=True):
        assert np.array_equal(a.series[0].values, b.series[0].values, equal_nan=True)
