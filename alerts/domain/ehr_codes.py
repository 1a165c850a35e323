"""By which codes an EHR's record is understood: ehr_codes.toml, read and checked."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from patients.domain.rule_files import (
    PROVENANCE_TYPES,
    RuleFileError,
    check_fields,
    read_rule_file,
)

SNOMED = "http://snomed.info/sct"  # its codes have no hierarchy in them: only a whole one counts
_ANSWER = re.compile(r"LA\d+-\d")
DIAGNOSIS = {"system": str, "codes": list, "diagnosis": str, "verified": bool}
MOOD = {"system": str, "codes": list, "verified": bool}
QUESTIONNAIRE = {"instrument": str, "panel": str, "total": str, "items": list, "verified": bool}


@dataclass(frozen=True)
class Asked:
    """A questionnaire by its codes; ``items`` in the order of questionnaires.toml."""

    instrument: str
    panel: str
    total: str
    items: tuple[str, ...]

    @property
    def codes(self) -> frozenset[str]:
        """All of them."""
        return frozenset({self.panel, self.total, *self.items})


@dataclass(frozen=True)
class EhrCodes:
    """ehr_codes.toml; ``diagnoses`` is (system, beginning of a code, diagnosis), ``mood`` (system,
    beginning of the codes of mood disorders).
    """

    forms: frozenset[str]
    diagnoses: tuple[tuple[str, str, str], ...]
    questionnaires: tuple[Asked, ...]
    answers: Mapping[str, int]
    mood: tuple[tuple[str, str], ...] = ()

    def diagnosis(self, system: str, code: str) -> str | None:
        """What the code says: the narrowest row that fits, None where none does.

        >>> icd = "http://hl7.org/fhir/sid/icd-10-cm"
        >>> rows = ((icd, "F31", "unknown"), (icd, "F31.81", "bipolar_2"))
        >>> codes = EhrCodes(frozenset(), rows, (), {})
        >>> [codes.diagnosis(icd, code) for code in ("F31.81", "F31.9", "K26")]
        ['bipolar_2', 'unknown', None]
        """
        fitting = [
            (len(begins), found)
            for of, begins, found in self.diagnoses
            if of == system and (code == begins or (of != SNOMED and code.startswith(begins)))
        ]
        return max(fitting)[1] if fitting else None

    def is_mood(self, system: str, code: str) -> bool:
        """Whether it is a code of a mood disorder, known here or not."""
        return any(of == system and code.startswith(begins) for of, begins in self.mood)


def load_ehr_codes(path: Path, diagnoses: Collection[str], items: Mapping[str, int]) -> EhrCodes:
    """Read and check ehr_codes.toml. Raises RuleFileError.

    ``diagnoses`` are those a patient may have, ``items`` how many each instrument has.
    """
    table, _ = read_rule_file(path)
    lists = dict.fromkeys(("forms", "condition", "mood", "questionnaire"), list)
    check_fields(table, path.name, {**PROVENANCE_TYPES, **lists, "answers": dict})
    rows = []
    for number, row in enumerate(table["condition"], 1):
        where = f"{path.name}, condition {number}"
        check_fields(row, where, DIAGNOSIS)
        if row["diagnosis"] not in diagnoses:
            raise RuleFileError(f"{where}: use one of {', '.join(diagnoses)}.")
        rows += [(row["system"], code, row["diagnosis"]) for code in row["codes"]]
    if len({row[:2] for row in rows}) < len(rows):
        raise RuleFileError(f"{path.name}: a code of a condition is there twice: keep one.")
    mood = []
    for number, row in enumerate(table["mood"], 1):
        check_fields(row, f"{path.name}, mood {number}", MOOD)
        mood += [(row["system"], code) for code in row["codes"]]
    asked = []
    for row in table["questionnaire"]:
        where = f"{path.name}, questionnaire {row.get('instrument', 'without an instrument')}"
        check_fields(row, where, QUESTIONNAIRE)
        if items.get(row["instrument"]) != len(row["items"]):
            raise RuleFileError(
                f"{where}: questionnaires.toml has {items.get(row['instrument'], 0)} items of it: "
                "give one code for each, in its order."
            )
        asked.append(Asked(row["instrument"], row["panel"], row["total"], tuple(row["items"])))
    if bad := [code for code in table["answers"] if not _ANSWER.fullmatch(code)]:
        raise RuleFileError(f"{path.name}, [answers]: {bad[0]} is no LOINC answer: correct it.")
    if bad := [code for code, points in table["answers"].items() if type(points) is not int]:
        raise RuleFileError(f"{path.name}, [answers]: {bad[0]} needs a whole number.")
    forms, answers = frozenset(table["forms"]), table["answers"]
    return EhrCodes(forms, tuple(rows), tuple(asked), answers, tuple(mood))
