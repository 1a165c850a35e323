"""A pickle is read as data: whatever it asks for, nothing is called."""

import builtins
import functools
import importlib
import operator
import os
import pickle
import subprocess
import sys
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patients.domain.errors import InputError
from scoring.engines.closed_pickle import Made, read_pickle
from scoring.engines.given_file import GivenFile
from tests.scoring.engines.boosters import Calls


def read(data: bytes) -> Any:
    return read_pickle(GivenFile("model.pkl", data))


def refusal(data: bytes) -> str:
    with pytest.raises(InputError) as refused:
        read(data)
    message = str(refused.value)
    assert message.startswith("model.pkl ") and "\n" not in message
    return message


PLAIN = [
    {"a": 1, "b": [1.5, None, True, "é"], "c": (1, 2, 3, 4), "d": {"e": []}},
    [-1, 2**40, 2**70, b"bytes\xff", b"", (), (1,), (1, 2)],
    "text",
]


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
@pytest.mark.parametrize("value", PLAIN, ids=["dict", "list", "text"])
def test_plain_values_are_read_as_they_are(value: Any, protocol: int) -> None:
    assert read(pickle.dumps(value, protocol)) == value


def test_a_value_that_is_there_twice_is_one() -> None:
    part = [1]
    first, second = read(pickle.dumps([part, part]))
    assert first is second


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_admitted_classes_are_described_and_not_made(protocol: int) -> None:
    scalar = read(pickle.dumps(np.float64(0.25), protocol))
    assert (type(scalar), scalar.name) == (Made, "scalar")
    dtype, raw = scalar.arguments
    assert (dtype.name, dtype.arguments[0], raw) == ("dtype", "f8", np.float64(0.25).tobytes())
    array = read(pickle.dumps(np.arange(3), min(protocol, 4)))
    assert (type(array), array.name) == (Made, "_reconstruct")


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_a_bytearray_is_the_same_under_its_old_name(protocol: int) -> None:
    made = read(pickle.dumps(bytearray(b"a\xff\x00"), protocol))
    value = made.arguments[0] if isinstance(made, Made) else made  # protocol 5 writes it plainly
    assert bytes(value) == b"a\xff\x00"


def test_a_huge_array_is_not_allocated() -> None:
    made = read(pickle.dumps(Calls(bytearray, 10**18)))
    assert (made.name, made.arguments) == ("bytearray", (10**18,))


REFUSED: list[tuple[Any, str, str]] = [
    (os.popen, "touch {}", "os.popen"),
    (subprocess.Popen, "touch {}", "subprocess.Popen"),
    (subprocess.getoutput, "touch {}", "subprocess.getoutput"),
    (builtins.eval, "open('{}', 'w')", "builtins.eval"),
    (builtins.exec, "open('{}', 'w')", "builtins.exec"),
    (builtins.getattr, "x", "builtins.getattr"),
    (builtins.__import__, "antigravity", "builtins.__import__"),
    (importlib.import_module, "this", "importlib.import_module"),
    (operator.attrgetter, "system", "operator.attrgetter"),
    (functools.partial, "x", "functools.partial"),
    (OrderedDict, "", "collections.OrderedDict"),
    (Path, "{}", "pathlib.Path"),
    (np.load, "{}", "numpy.load"),
]


@pytest.mark.parametrize("protocol", [3, 4, 5])
@pytest.mark.parametrize(("function", "argument", "named"), REFUSED, ids=lambda x: str(x)[:20])
def test_any_other_class_is_refused_by_its_name_and_nothing_is_run(
    function: Any, argument: str, named: str, protocol: int, tmp_path: Path
) -> None:
    made, before = tmp_path / "made", set(sys.modules)
    message = refusal(pickle.dumps(Calls(function, argument.format(made)), protocol))
    assert f"asks for {named}, which" in message and "nothing of it was run" in message
    assert not made.exists()
    assert not {"antigravity", "this"} & (set(sys.modules) - before)


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_a_shell_command_is_refused_by_both_its_names(protocol: int, tmp_path: Path) -> None:
    made = tmp_path / "made"
    data = pickle.dumps(Calls(os.system, f"touch {made}"), protocol)
    assert "asks for posix.system (that is os.system)" in refusal(data)
    assert not made.exists()
    pickle.loads(data)  # the payload is a real one
    assert made.exists()


def test_a_payload_deep_inside_an_otherwise_good_object_is_refused(tmp_path: Path) -> None:
    made = tmp_path / "made"
    inner = {"handle": bytearray(b"x"), "extra": [(Calls(os.system, f"touch {made}"),)]}
    assert "os.system" in refusal(pickle.dumps({"_Booster": inner}))
    assert not made.exists()


CRAFTED = {
    "a class and a call in one": (b"(S'touch x'\nios\nsystem\n.", "os.system"),
    "an admitted class in one": (b"(ixgboost.core\nBooster\n.", "INST"),
    "an object instruction": (b"(cxgboost.core\nBooster\no.", "OBJ"),
    "a persistent id": (b"Pid\n.", "PERSID"),
    "a persistent id from the stack": (b"\x80\x04K\x01Q.", "BINPERSID"),
    "an extension code": (b"\x80\x02\x82\x01.", "EXT1"),
    "keywords": (b"\x80\x04cxgboost.core\nBooster\n)}\x92.", "NEWOBJ_EX"),
    "an attribute of a class": (
        b"\x80\x04\x8c\x0fxgboost.sklearn\x8c\x1fXGBClassifier.__init__.__func__\x93.",
        "xgboost.sklearn.XGBClassifier.__init__.__func__",
    ),
    "a module within a name": (b"cxgboost\nsklearn.XGBClassifier\n.", "xgboost.sklearn"),
    "a call of object": (b"c__builtin__\nobject\n)R.", "calls object"),
    "bytes made from a number": (b"\x80\x02c__builtin__\nbytes\nK\x08\x85R.", "calls bytes"),
    "an encoder for something else": (
        b"c_codecs\nencode\n(X\x01\x00\x00\x00xX\x05\x00\x00\x00rot13tR.",
        "calls encode",
    ),
    "an object restored from a text": (
        b"ccopy_reg\n_reconstructor\n(X\x01\x00\x00\x00xc__builtin__\nobject\nNtR.",
        "calls _reconstructor",
    ),
    "an old name of what is not listed": (
        b"c__builtin__\neval\n(S'1'\ntR.",
        "__builtin__.eval (that is builtins.eval)",
    ),
    "a name that is no text": (b"\x80\x04K\x01K\x02\x93.", "no name"),
    "a name that is an object": (
        b"\x80\x04cbuiltins\nbytearray\n)\x81\x8c\x01x\x93.",
        "no name",
    ),
    "the state of a class": (b"\x80\x04cxgboost.core\nBooster\n}b.", "state"),
    "a call of a text": (b"\x80\x04\x8c\x01x)R.", "no class"),
    "a call with a list": (b"\x80\x04cbuiltins\nbytearray\n]R.", "no class"),
    "a key that is no text": (b"\x80\x04}K\x01K\x02s.", "dictionary of names"),
    "an item put on a number": (b"\x80\x04K\x01K\x02a.", "no list"),
    "bytes after the end": (pickle.dumps(1) + b"x", "more in it"),
    "two objects": (b"\x80\x04K\x01K\x02.", "more in it"),
    "an open mark": (b"\x80\x04(K\x01.", "more in it"),
    "control letters in a name": (b"ca\x1b[31m\nb\n.", "asks for a?[31m.b"),
}


@pytest.mark.parametrize(("data", "named"), CRAFTED.values(), ids=CRAFTED)
def test_crafted_instructions_are_refused(data: bytes, named: str) -> None:
    assert named in refusal(data)


BROKEN = {
    "nothing": b"",
    "text": b"not a pickle",
    "no end": pickle.dumps([1, 2, 3])[:-1],
    "half": pickle.dumps({"a": bytes(100)})[:40],
    "an empty stack": b"\x80\x04.",
    "a memo that was never made": b"\x80\x04h\x07.",
    "a length beyond the file": b"\x80\x04\x8e" + (2**62).to_bytes(8, "little") + b"x.",
    "no module": b"cos\n",
    "a tuple of too few": b"\x80\x04K\x01\x87.",
    "a dictionary of a half pair": b"\x80\x04}(\x8c\x01au.",
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
def test_broken_pickles_are_refused(data: bytes) -> None:
    assert "neither a whole pickle" in refusal(data) or "more in it" in refusal(data)


def test_a_memo_of_four_billion_places_takes_no_room() -> None:
    assert read(b"\x80\x04K\x01r\xff\xff\xff\xff.") == 1


def test_a_pickle_of_endless_instructions_is_refused() -> None:
    assert "instructions" in refusal(b"\x80\x04" + b"N0" * 20_000 + b"N.")


def test_deep_nesting_is_no_trouble() -> None:
    assert isinstance(read(b"\x80\x04)" + b"\x85" * 15_000 + b"."), tuple)


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_a_changed_byte_is_read_or_refused_and_nothing_else(data: st.DataObject) -> None:
    whole = bytearray(pickle.dumps({"a": [np.float64(1), (2, "x")], "b": bytearray(b"y")}, 4))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        read(bytes(whole))
    except InputError as error:
        assert str(error).startswith("model.pkl ")
