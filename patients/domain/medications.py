"""What a list of courses says about one day: what is taken, what was stopped, what changed."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from patients.domain.rule_files import (
    PROVENANCE_TYPES,
    RuleFileError,
    check_fields,
    read_rule_file,
)

ONE_DAY = timedelta(days=1)
# The parts of the rule file, and what each counts in days.
SPANS: Mapping[str, tuple[str, ...]] = {
    "antidepressant": (),
    "mood_stabiliser_stopped": ("days", "switched_within_days"),
    "sleep_change": ("days",),
}
PARTS = tuple(SPANS)


@dataclass(frozen=True)
class Course:
    """A drug at a dose from a day to a day, both included; None is still going on."""

    drug: str
    drug_class: str
    dose: str
    first_day: date
    last_day: date | None = None

    def active_on(self, day: date) -> bool:
        """Whether it was taken on that day."""
        return self.first_day <= day and (self.last_day is None or day <= self.last_day)


@dataclass(frozen=True)
class Taken:
    """A drug that is taken; ``since`` is its first day without a break, whatever the dose."""

    drug: str
    drug_class: str
    dose: str
    since: date


@dataclass(frozen=True)
class Change:
    """What changed with a drug: ``kind`` is start, stop or dose, ``on`` the first day of it.

    Of a stop, ``on`` is the first day without.
    """

    drug: str
    drug_class: str
    kind: str
    on: date


@dataclass(frozen=True)
class MedicationRules:
    """medication_rules.toml; spans in days, ``version`` the file's hash."""

    antidepressants: frozenset[str]
    mood_stabilisers: frozenset[str]
    stopped_days: int
    switched_within_days: int
    sleep_drugs: frozenset[str]
    sleep_days: int
    version: str
    checked_by: str = ""


def taken_on(courses: Iterable[Course], day: date, classes: Collection[str]) -> tuple[Taken, ...]:
    """The drugs of those classes taken that day, each once, by name.

    >>> lithium = Course("lithium", "lithium", "900 mg", date(2026, 1, 1), date(2026, 1, 9))
    >>> more = Course("lithium", "lithium", "1200 mg", date(2026, 1, 10))
    >>> taken_on([lithium, more], date(2026, 2, 1), {"lithium"})[0].since
    datetime.date(2026, 1, 1)
    """
    found = []
    for same in _by_drug(courses, classes):
        active = [c for c in same if c.active_on(day)]
        if active:
            first, doses = active[0], " + ".join(c.dose for c in active if c.dose)
            found.append(Taken(first.drug, first.drug_class, doses, _since(same, day)))
    return tuple(found)


def _since(courses: Sequence[Course], day: date) -> date:
    """The first day of the stretch without a break that reaches that day."""
    since = day
    while earlier := [
        c.first_day for c in courses if c.first_day < since and _reaches(c, since - ONE_DAY)
    ]:
        since = min(earlier)
    return since


def _reaches(course: Course, day: date) -> bool:
    return course.last_day is None or course.last_day >= day


def changes(
    courses: Iterable[Course], day: date, days: int, classes: Collection[str]
) -> tuple[Change, ...]:
    """Each start, stop and new dose of those classes on that day or the ``days`` - 1 before.

    >>> course = Course("prednisone", "steroid", "40 mg", date(2026, 1, 5), date(2026, 1, 9))
    >>> [(c.kind, c.on.day) for c in changes([course], date(2026, 1, 12), 14, {"steroid"})]
    [('start', 5), ('stop', 10)]
    """
    found = []
    for same in _by_drug(courses, classes):
        for back in range(days - 1, -1, -1):
            on = day - timedelta(days=back)
            if kind := _kind(_doses(same, on - ONE_DAY), _doses(same, on)):
                found.append(Change(same[0].drug, same[0].drug_class, kind, on))
    return tuple(sorted(found, key=lambda change: (change.on, change.drug)))


def stopped(
    courses: Iterable[Course],
    day: date,
    days: int,
    classes: Collection[str],
    switched_within: int = 0,
) -> tuple[Change, ...]:
    """The stops of those classes in the same span after which nothing of the class is taken.

    One that was replaced is no stop: another drug of those classes is taken that was begun at
    most ``switched_within`` days before or after.

    >>> valproate = Course("valproate", "valproate", "", date(2025, 1, 1), date(2026, 1, 9))
    >>> stopped([valproate], date(2026, 1, 12), 28, {"valproate"})[0].on
    datetime.date(2026, 1, 10)
    >>> lithium = Course("lithium", "lithium", "", date(2026, 1, 4))
    >>> stopped([valproate, lithium], date(2026, 1, 12), 28, {"valproate", "lithium"}, 14)
    ()
    """
    held = list(courses)
    taken = taken_on(held, day, classes)
    still, within = {t.drug_class for t in taken}, timedelta(days=switched_within)
    last = {c.drug.casefold(): c for c in changes(held, day, days, classes) if c.kind == "stop"}
    return tuple(
        change
        for change in last.values()
        if change.drug_class not in still
        and not any(abs(t.since - change.on) <= within for t in taken)
    )


def _doses(courses: Iterable[Course], day: date) -> tuple[str, ...]:
    return tuple(sorted(c.dose for c in courses if c.active_on(day)))


def _kind(before: tuple[str, ...], after: tuple[str, ...]) -> str:
    if before == after:
        return ""
    return "dose" if before and after else "start" if after else "stop"


def _by_drug(courses: Iterable[Course], classes: Collection[str]) -> list[list[Course]]:
    named: dict[str, list[Course]] = {}
    for course in sorted(courses, key=lambda c: (c.drug.casefold(), c.first_day, c.dose)):
        if course.drug_class in classes:
            named.setdefault(" ".join(course.drug.casefold().split()), []).append(course)
    return list(named.values())


def load_medication_rules(path: Path, classes: Collection[str]) -> MedicationRules:
    """Read and check medication_rules.toml. Raises RuleFileError."""
    table, version = read_rule_file(path)
    check_fields(table, path.name, {**PROVENANCE_TYPES, **dict.fromkeys(PARTS, dict)})
    named, days = {}, {}
    for part in PARTS:
        where = f"{path.name}, [{part}]"
        span = dict.fromkeys(SPANS[part], int)
        check_fields(table[part], where, {"classes": list, **span})
        named[part], days[part] = frozenset(table[part]["classes"]), table[part].get("days", 1)
        if unknown := sorted(named[part] - set(classes)):
            raise RuleFileError(
                f"{where}: the class “{unknown[0]}” is unknown: use {', '.join(classes)}."
            )
        if not 1 <= days[part] <= 366:
            raise RuleFileError(f"{where}: days must be from 1 to 366.")
    switched = table["mood_stabiliser_stopped"]["switched_within_days"]
    if not 0 <= switched <= 366:
        raise RuleFileError(
            f"{path.name}, [mood_stabiliser_stopped]: switched_within_days must be from 0 to 366."
        )
    antidepressant, stopped_, change = PARTS
    return MedicationRules(
        antidepressants=named[antidepressant],
        mood_stabilisers=named[stopped_],
        stopped_days=days[stopped_],
        switched_within_days=switched,
        sleep_drugs=named[change],
        sleep_days=days[change],
        version=version,
        checked_by=table["checked_by"],
    )
