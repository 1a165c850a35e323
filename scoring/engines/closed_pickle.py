"""A pickle read as data: nothing it names is imported, called or even looked up.

Python's own unpickler calls what a file names, with arguments of the file's choice. Here the
instructions are followed on descriptions instead: a class of a closed list becomes a `Named`,
a call of it a `Made`. Any other class and any instruction that trained classifiers do not need
ends the reading. Memory grows with the length of the file alone.
"""

import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from patients.domain.errors import InputError
from scoring.engines.given_file import GivenFile, shown

CLASSIFIER, BOOSTER, BYTES = "XGBClassifier", "Booster", "bytearray"
DTYPE, ARRAY, SCALAR, REBUILD = "dtype", "ndarray", "scalar", "_reconstruct"
# How protocols 0 to 2 write bytes and, 0 and 1, objects: only ever called as these do.
ENCODED, NO_BYTES, RESTORED, OBJECT = "encode", "bytes", "_reconstructor", "object"
LATIN = ("latin1", "latin-1")

ADMITTED: dict[tuple[str, str], str] = {
    ("xgboost.sklearn", CLASSIFIER): CLASSIFIER,
    ("xgboost.core", BOOSTER): BOOSTER,
    ("builtins", BYTES): BYTES,
    ("builtins", NO_BYTES): NO_BYTES,
    ("builtins", OBJECT): OBJECT,
    ("_codecs", ENCODED): ENCODED,
    ("copyreg", RESTORED): RESTORED,
    ("numpy", DTYPE): DTYPE,
    ("numpy", ARRAY): ARRAY,
    # NumPy 2 renamed its core; files of both are about.
    **{
        (f"numpy.{core}.multiarray", function): function
        for core in ("core", "_core")
        for function in (SCALAR, REBUILD)
    },
}
FORMERLY = {"__builtin__": "builtins", "copy_reg": "copyreg"}  # Python 2's names, in old protocols
ALSO_CALLED = {"posix": "os", "nt": "os", **FORMERLY}
MOST_INSTRUCTIONS = 20_000  # the classifiers have some hundreds


@dataclass(frozen=True, eq=False)
class Named:
    """A class or function of the closed list, by its name alone."""

    name: str


@dataclass(eq=False)
class Made:
    """What a call would have made: of what, from which arguments, with which state set."""

    name: str
    arguments: tuple[Any, ...]
    state: Any = None


class PickleFault(ValueError):
    """The part of a sentence that says why a pickle is not read."""


def read_pickle(given: GivenFile) -> Any:
    """Return what the pickle describes: plain values, lists, dicts, and `Made`. Runs nothing.

    Raises InputError naming the first class out of the closed list or the first instruction
    that is not needed, or saying that the file is no whole pickle.
    """
    try:
        return _Machine().run(given.data)
    except PickleFault as fault:
        raise InputError(
            f"{given.name} {fault}; nothing of it was run: give an unchanged published file, or "
            "the booster as .json or .ubj."
        ) from fault
    except (ValueError, IndexError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{given.name} is neither a whole pickle nor an XGBoost model; give a complete file."
        ) from error


class _Machine:
    """The stack, the marks and the memo of one pickle."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.marked: list[list[Any]] = []
        self.memo: dict[int, Any] = {}

    def run(self, data: bytes) -> Any:
        stream = BytesIO(data)
        for count, (code, argument, _) in enumerate(pickletools.genops(stream)):
            if count >= MOST_INSTRUCTIONS:
                raise PickleFault(f"has more than {MOST_INSTRUCTIONS} instructions")
            if code.name in CONSTANTS:
                self.stack.append(argument)
            elif code.name == "STOP":
                break
            elif code.name in STEPS:
                STEPS[code.name](self, argument)
            else:
                self.refuse(code.name, argument)
        if stream.read(1) or len(self.stack) != 1 or self.marked:
            raise PickleFault("has more in it than one object")
        return self.stack[0]

    def refuse(self, instruction: str, argument: Any) -> None:
        if instruction == "INST":  # a class and a call in one
            _admitted(*argument.split(" ", 1))
        raise PickleFault(f"uses the instruction {instruction}, which no classifier needs")

    def push(self, value: Any) -> None:
        self.stack.append(value)  # looked up after the value was made, which may end a mark

    def name(self, module: str, name: str) -> None:
        self.stack.append(Named(_admitted(module, name)))

    def call(self) -> None:
        arguments, callee = self.stack.pop(), self.stack.pop()
        if not isinstance(callee, Named) or not isinstance(arguments, tuple):
            raise PickleFault("calls something that is no class")
        self.stack.append(_made(callee.name, arguments))

    def build(self) -> None:
        state, made = self.stack.pop(), self.stack[-1]
        if not isinstance(made, Made):
            raise PickleFault("sets the state of something that is no object")
        made.state = state

    def mark(self) -> None:
        self.marked.append(self.stack)
        self.stack = []

    def since_mark(self) -> list[Any]:
        items, self.stack = self.stack, self.marked.pop()
        return items

    def take(self, count: int) -> tuple[Any, ...]:
        return tuple(reversed([self.stack.pop() for _ in range(count)]))

    def extend(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if type(target) is not list:
            raise PickleFault("appends to something that is no list")
        target.extend(items)

    def update(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if type(target) is not dict or not all(type(key) is str for key in items[::2]):
            raise PickleFault("fills something that is no dictionary of names")
        target.update(zip(items[::2], items[1::2], strict=True))

    def made_dict(self, items: list[Any]) -> None:
        self.stack.append({})
        self.update(items)


def _made(name: str, arguments: tuple[Any, ...]) -> Any:
    """What a call describes; of the old ways to write bytes and objects, these themselves."""
    match name, arguments:
        case "encode", (str(text), str(coding)) if coding in LATIN:
            return text.encode("latin-1")
        case "bytearray", (str(text), str(coding)) if coding in LATIN:
            return Made(BYTES, (text.encode("latin-1"),))
        case "bytes", ():
            return b""
        case "_reconstructor", (Named(name=of), Named(name="object"), None):
            return Made(of, ())
        case (("encode" | "bytes" | "_reconstructor" | "object"), _):
            raise PickleFault(f"calls {name} as no pickle does")
    return Made(name, arguments)


def _admitted(module: Any, name: Any) -> str:
    """Return the short name of a class of the closed list. Raises PickleFault for any other."""
    if type(module) is not str or type(name) is not str:
        raise PickleFault("asks for a class by something that is no name")
    known = ADMITTED.get((FORMERLY.get(module, module), name))
    if known is None:
        other = ALSO_CALLED.get(module)
        also = f" (that is {other}.{name})" if other else ""
        asked = shown(f"{module}.{name}{also}")
        raise PickleFault(f"asks for {asked}, which is not a class of a booster")
    return known


CONSTANTS = {
    *("INT", "LONG", "LONG1", "LONG4", "BININT", "BININT1", "BININT2", "FLOAT", "BINFLOAT"),
    *("STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE"),
    *("BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
}
STEPS: dict[str, Callable[[_Machine, Any], Any]] = {
    "PROTO": lambda m, a: None,
    "FRAME": lambda m, a: None,
    "NONE": lambda m, a: m.push(None),
    "NEWTRUE": lambda m, a: m.push(True),
    "NEWFALSE": lambda m, a: m.push(False),
    "MARK": lambda m, a: m.mark(),
    "POP": lambda m, a: m.stack.pop(),
    "POP_MARK": lambda m, a: m.since_mark(),
    "DUP": lambda m, a: m.push(m.stack[-1]),
    "EMPTY_TUPLE": lambda m, a: m.push(()),
    "TUPLE1": lambda m, a: m.push(m.take(1)),
    "TUPLE2": lambda m, a: m.push(m.take(2)),
    "TUPLE3": lambda m, a: m.push(m.take(3)),
    "TUPLE": lambda m, a: m.push(tuple(m.since_mark())),
    "EMPTY_LIST": lambda m, a: m.push([]),
    "LIST": lambda m, a: m.push(m.since_mark()),
    "APPEND": lambda m, a: m.extend([m.stack.pop()]),
    "APPENDS": lambda m, a: m.extend(m.since_mark()),
    "EMPTY_DICT": lambda m, a: m.push({}),
    "DICT": lambda m, a: m.made_dict(m.since_mark()),
    "SETITEM": lambda m, a: m.update(list(m.take(2))),
    "SETITEMS": lambda m, a: m.update(m.since_mark()),
    "PUT": lambda m, a: m.memo.__setitem__(a, m.stack[-1]),
    "BINPUT": lambda m, a: m.memo.__setitem__(a, m.stack[-1]),
    "LONG_BINPUT": lambda m, a: m.memo.__setitem__(a, m.stack[-1]),
    "MEMOIZE": lambda m, a: m.memo.__setitem__(len(m.memo), m.stack[-1]),
    "GET": lambda m, a: m.push(m.memo[a]),
    "BINGET": lambda m, a: m.push(m.memo[a]),
    "LONG_BINGET": lambda m, a: m.push(m.memo[a]),
    "GLOBAL": lambda m, a: m.name(*a.split(" ", 1)),
    "STACK_GLOBAL": lambda m, a: m.name(*m.take(2)),
    "NEWOBJ": lambda m, a: m.call(),
    "REDUCE": lambda m, a: m.call(),
    "BUILD": lambda m, a: m.build(),
}
