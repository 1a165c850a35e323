"""Which class a drug is of, by its name or its codes, from a reviewed table."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from patients.domain.errors import InputError
from patients.domain.rule_files import (
    PROVENANCE_TYPES,
    RuleFileError,
    check_fields,
    read_rule_file,
)

ATC = re.compile(r"[A-Z](\d\d([A-Z]([A-Z](\d\d)?)?)?)?")
RXNORM = re.compile(r"\d{1,8}")
ATC_OF_A_DRUG = 7  # characters
LISTS = ("ignored_words", "atc_class", "drug")
DRUG_FIELDS = {"name": str, "class": str, "atc": str, "rxnorm": list, "verified": bool}


@dataclass(frozen=True)
class Drug:
    """One ingredient. ``verified``: a person has held the row against its sources.

    ``brands`` are names that a product of it alone is sold under.
    """

    name: str
    also: tuple[str, ...]
    drug_class: str
    atc: str
    rxnorm: tuple[str, ...]
    verified: bool
    brands: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that it goes by, in lower case."""
        return (self.name, *self.also, *self.brands)


@dataclass(frozen=True)
class AtcClass:
    """Every ATC code that begins so is of the class."""

    prefix: str
    drug_class: str
    verified: bool


@dataclass(frozen=True)
class Found:
    """What the table says of a drug. The codes are empty where only a class of ATC fits."""

    drug_class: str
    verified: bool
    atc: str = ""
    rxnorm: str = ""


@dataclass(frozen=True)
class DrugTable:
    """drugs.toml."""

    drugs: tuple[Drug, ...]
    atc_classes: tuple[AtcClass, ...]
    ignored_words: frozenset[str]

    def plain_name(self, name: str) -> str:
        """The name in lower case, without salts and forms at its end.

        >>> DrugTable((), (), frozenset({"carbonate", "er"})).plain_name(" Lithium  Carbonate ER")
        'lithium'
        """
        words = name.casefold().split()
        while len(words) > 1 and words[-1] in self.ignored_words:
            words.pop()
        return " ".join(words)

    def by_name(self, name: str) -> Drug | None:
        """The ingredient of that name, or another name of it, or a brand."""
        names = {" ".join(name.casefold().split()), self.plain_name(name)}
        return next((d for d in self.drugs if names.intersection(d.names)), None)

    def by_atc(self, code: str) -> Drug | AtcClass | None:
        """The ingredient of that code, else the narrowest class that it belongs to."""
        exact = next((d for d in self.drugs if d.atc and d.atc == code), None)
        fitting = [c for c in self.atc_classes if code.startswith(c.prefix)]
        return exact or max(fitting, key=lambda c: len(c.prefix), default=None)

    def by_rxnorm(self, code: str) -> Drug | None:
        """The ingredient of that code."""
        return next((d for d in self.drugs if code in d.rxnorm), None)

    def find(self, *, name: str = "", atc: str = "", rxnorm: str = "") -> Found | None:
        """What the table says, or None where it does not know.

        A known name with a code that is not the row's is something else (eye drops, say), so
        the table does not know it. Raises InputError where name and codes are of two classes,
        or a code is none.
        """
        atc, rxnorm = code_of_atc(atc), code_of_rxnorm(rxnorm)
        named = self.by_name(name) if name.strip() else None
        rows = [
            row
            for row in (
                named,
                self.by_atc(atc) if atc else None,
                self.by_rxnorm(rxnorm) if rxnorm else None,
            )
            if row
        ]
        classes = sorted({row.drug_class for row in rows})
        if len(classes) > 1:
            raise InputError(
                f"The name and the codes of {name.strip() or 'the drug'} are of different "
                f"classes ({' and '.join(classes)}): check them."
            )
        if not rows or (named and _is_other(named, atc, rxnorm)):
            return None
        return _found(rows)


def _is_other(named: Drug, atc: str, rxnorm: str) -> bool:
    """Whether a full code is given that the row of that name does not have, but has another."""
    other_atc = len(atc) == ATC_OF_A_DRUG and named.atc not in {"", atc}
    return other_atc or bool(rxnorm and named.rxnorm and rxnorm not in named.rxnorm)


def _found(rows: Sequence[Drug | AtcClass]) -> Found:
    drug = next((row for row in rows if isinstance(row, Drug)), None)
    verified = all(row.verified for row in rows)
    if drug is None:
        return Found(rows[0].drug_class, verified)
    rxnorm = drug.rxnorm[0] if drug.rxnorm else ""
    return Found(drug.drug_class, verified, drug.atc, rxnorm)


def code_of_atc(typed: str) -> str:
    """The ATC code in capitals. Raises InputError for what is none.

    >>> code_of_atc(" n06ab03 ")
    'N06AB03'
    """
    code = typed.strip().upper()
    if code and not ATC.fullmatch(code):
        raise InputError(f"“{typed.strip()[:20]}” is no ATC code: write one such as N06AB03.")
    return code


def code_of_rxnorm(typed: str) -> str:
    """The RxNorm code. Raises InputError for what is none."""
    code = typed.strip()
    if code and not RXNORM.fullmatch(code):
        raise InputError(f"“{code[:20]}” is no RxNorm code: write digits alone, such as 4493.")
    return code


def load_drug_table(path: Path, classes: Collection[str]) -> DrugTable:
    """Read and check drugs.toml; its classes must be among those given. Raises RuleFileError."""
    table, _ = read_rule_file(path)
    needed = {**PROVENANCE_TYPES, "brand_source": str, **dict.fromkeys(LISTS, list)}
    check_fields(table, path.name, needed)
    found = DrugTable(
        tuple(_drug(row, classes, path, n) for n, row in enumerate(table["drug"], 1)),
        tuple(_atc_class(row, classes, path, n) for n, row in enumerate(table["atc_class"], 1)),
        frozenset(table["ignored_words"]),
    )
    for what, keys in (
        ("name", [name for d in found.drugs for name in d.names]),
        ("ATC code", [d.atc for d in found.drugs if d.atc]),
        ("ATC prefix", [c.prefix for c in found.atc_classes]),
        ("RxNorm code", [code for d in found.drugs for code in d.rxnorm]),
    ):
        if twice := sorted(key for key in set(keys) if keys.count(key) > 1):
            raise RuleFileError(f"{path.name}: the {what} “{twice[0]}” is there twice: keep one.")
    return found


def _drug(row: dict[str, Any], classes: Collection[str], path: Path, number: int) -> Drug:
    where = f"{path.name}, drug {number} ({row.get('name', 'without a name')})"
    check_fields(row, where, DRUG_FIELDS, {"also": list, "brands": list})
    _check_class(row["class"], classes, where)
    drug = Drug(
        row["name"],
        tuple(row.get("also", ())),
        row["class"],
        row["atc"],
        tuple(row["rxnorm"]),
        row["verified"],
        tuple(row.get("brands", ())),
    )
    if any(name != " ".join(name.casefold().split()) or not name for name in drug.names):
        raise RuleFileError(f"{where}: write its names in lower case.")
    if drug.atc and not (ATC.fullmatch(drug.atc) and len(drug.atc) == ATC_OF_A_DRUG):
        raise RuleFileError(
            f"{where}: “{drug.atc}” is no ATC code of 7 characters: mend or empty it."
        )
    if bad := [code for code in drug.rxnorm if not RXNORM.fullmatch(code)]:
        raise RuleFileError(f"{where}: “{bad[0]}” is no RxNorm code: mend or remove it.")
    return drug


def _atc_class(row: dict[str, Any], classes: Collection[str], path: Path, number: int) -> AtcClass:
    where = f"{path.name}, atc_class {number} ({row.get('prefix', 'without a prefix')})"
    check_fields(row, where, {"prefix": str, "class": str, "verified": bool})
    _check_class(row["class"], classes, where)
    if not ATC.fullmatch(row["prefix"]):
        raise RuleFileError(f"{where}: the prefix is no beginning of an ATC code: mend it.")
    return AtcClass(row["prefix"], row["class"], row["verified"])


def _check_class(name: str, classes: Collection[str], where: str) -> None:
    if name not in classes:
        raise RuleFileError(f"{where}: the class “{name}” is unknown: use {', '.join(classes)}.")
