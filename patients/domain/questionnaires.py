"""Totals of questionnaires: from their items, within their range, and what they mean."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from patients.domain.errors import InputError
from patients.domain.rule_files import PROVENANCE, RuleFileError, check_fields, read_rule_file

FIELDS = {
    **dict.fromkeys(("name", "asks", "loinc"), str),
    **dict.fromkeys(("lowest", "highest", "cut_off"), int),
    "items": list,
    "verified": bool,
}


@dataclass(frozen=True)
class Instrument:
    """One questionnaire. ``bands`` rise: (lowest total, name); the topics are our own labels."""

    key: str
    name: str
    asks: str
    topics: tuple[str, ...]
    lowest: int
    highest: int
    cut_off: int
    loinc: str
    verified: bool
    self_harm_item: int | None = None
    bands: tuple[tuple[int, str], ...] = ()

    @property
    def range(self) -> tuple[int, int]:
        """The lowest and the highest total."""
        return self.lowest * len(self.topics), self.highest * len(self.topics)

    def band(self, total: float) -> str:
        """The name of the band the total is in; empty where the instrument has none."""
        return next((name for edge, name in reversed(self.bands) if total >= edge), "")

    def positive(self, total: float) -> bool:
        """Whether the total reaches the cut-off."""
        return total >= self.cut_off

    def self_harm(self, items: Sequence[int]) -> int | None:
        """The answer to the item on self-harm; None where there is none, or no items are told."""
        if self.self_harm_item is None or len(items) != len(self.topics):
            return None
        return int(items[self.self_harm_item - 1])

    def total(self, items: Sequence[int] | None, total: int | None = None) -> int:
        """The total: the sum of the items, or as told where there are none.

        Raises InputError for a wrong number of items, an item or a total out of range, and a
        total that is not the sum.

        >>> Instrument("x", "X", "", ("a", "b"), 0, 3, 3, "", False).total([1, 3])
        4
        """
        if items is None:
            return self._told(total)
        if len(items) != len(self.topics):
            raise InputError(
                f"{self.name} has {len(self.topics)} items, but {len(items)} were given: "
                "give every one, or the total alone."
            )
        for number, (topic, item) in enumerate(zip(self.topics, items, strict=True), 1):
            if type(item) is not int or not self.lowest <= item <= self.highest:
                raise InputError(
                    f"Item {number} of {self.name} ({topic}) is {str(item)[:20]}: "
                    f"give a whole number from {self.lowest} to {self.highest}."
                )
        if total is not None and total != sum(items):
            raise InputError(
                f"The total {total} of {self.name} is not the sum of its items, {sum(items)}: "
                "correct one of the two, or leave the total out."
            )
        return sum(items)

    def _told(self, total: int | None) -> int:
        low, high = self.range
        if total is None:
            raise InputError(f"Give the items of {self.name}, or its total.")
        if type(total) is not int or not low <= total <= high:
            raise InputError(
                f"The total {str(total)[:20]} of {self.name} is none: "
                f"give a whole number from {low} to {high}."
            )
        return total


def load_instruments(path: Path) -> Mapping[str, Instrument]:
    """Read and check questionnaires.toml. Raises RuleFileError."""
    table, _ = read_rule_file(path)
    return {key: _instrument(key, row, path) for key, row in table.items() if key not in PROVENANCE}


def _instrument(key: str, row: dict[str, Any], path: Path) -> Instrument:
    where = f"{path.name}, [{key}]"
    check_fields(row, where, FIELDS, {"self_harm_item": int, "bands": list})
    for band in row.get("bands", []):
        check_fields(band, f"{where}, bands", {"from_points": int, "name": str})
    found = Instrument(
        key,
        row["name"],
        row["asks"],
        tuple(row["items"]),
        row["lowest"],
        row["highest"],
        row["cut_off"],
        row["loinc"],
        row["verified"],
        row.get("self_harm_item"),
        tuple((band["from_points"], band["name"]) for band in row.get("bands", [])),
    )
    _check(found, where)
    return found


def _check(found: Instrument, where: str) -> None:
    if not found.topics or found.lowest >= found.highest:
        raise RuleFileError(f"{where}: it needs items, and highest above lowest.")
    low, high = found.range
    edges = [edge for edge, _ in found.bands]
    if not low < found.cut_off <= high:
        raise RuleFileError(f"{where}: cut_off must lie above {low} and be {high} at most.")
    if edges and (edges[0] != low or edges != sorted(set(edges)) or edges[-1] > high):
        raise RuleFileError(f"{where}: bands must begin at {low} and rise to {high} at most.")
    if found.self_harm_item is not None and not 1 <= found.self_harm_item <= len(found.topics):
        raise RuleFileError(f"{where}: self_harm_item must be the number of one of its items.")
