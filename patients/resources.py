"""The app's rule files, read once a process."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from patients.domain.drugs import DrugTable, load_drug_table
from patients.domain.medications import MedicationRules, load_medication_rules
from patients.domain.questionnaires import Instrument, load_instruments
from patients.models import MedicationCourse

DATA = Path(__file__).resolve().parent / "data"


@cache
def drug_table() -> DrugTable:
    """drugs.toml: the class and the codes of each drug."""
    return load_drug_table(DATA / "drugs.toml", MedicationCourse.DrugClass.values)


@cache
def medication_rules() -> MedicationRules:
    """medication_rules.toml: which classes count for which rule, and for how many days."""
    return load_medication_rules(DATA / "medication_rules.toml", MedicationCourse.DrugClass.values)


@cache
def instruments() -> Mapping[str, Instrument]:
    """questionnaires.toml."""
    return load_instruments(DATA / "questionnaires.toml")
