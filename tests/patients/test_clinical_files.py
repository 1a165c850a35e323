"""The files of drugs, their rules and questionnaires: a bad one says where and how to mend it."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management import call_command

from alerts import checks
from patients import resources
from patients.domain.drugs import load_drug_table
from patients.domain.medications import load_medication_rules
from patients.domain.questionnaires import load_instruments
from patients.domain.rule_files import PROVENANCE, RuleFileError
from patients.models import MedicationCourse

CLASSES = MedicationCourse.DrugClass.values
Load = Callable[[Path], object]
LOADERS: dict[str, Load] = {
    "drugs.toml": lambda path: load_drug_table(path, CLASSES),
    "medication_rules.toml": lambda path: load_medication_rules(path, CLASSES),
    "questionnaires.toml": load_instruments,
}

BAD = [
    *((name, rf"^{key} = .*$", "", f"{name} does not say {key}") for name in LOADERS
      for key in PROVENANCE),
    *((name, r"^source = ", "source = = ", "line") for name in LOADERS),
    ("drugs.toml", r'^class = "snri"$', 'class = "snro"', "drug 7 (venlafaxine): the class “snro”"),
    ("drugs.toml", r'^name = "sertraline"$', 'name = "Sertraline"', "(Sertraline): write its"),
    ("drugs.toml", r'^name = "sertraline"$', 'name = "paroxetine"', "“paroxetine” is there twice"),
    ("drugs.toml", r'"zoloft"', '"Zoloft"', "(sertraline): write its"),
    ("drugs.toml", r'"zoloft"', '"paxil"', "“paxil” is there twice"),
    ("drugs.toml", r'^atc = "N06AB06"$', 'atc = "N06AB"', "(sertraline): “N06AB” is no ATC"),
    ("drugs.toml", r'^atc = "N06AB06"$', 'atc = "N06AB03"', "“N06AB03” is there twice"),
    ("drugs.toml", r'^atc = "N06AB06"$', 'act = "N06AB06"', "(sertraline): the field “act”"),
    ("drugs.toml", r'"36437"', '"364-37"', "(sertraline): “364-37” is no RxNorm"),
    ("drugs.toml", r'\["36437"\]', '"36437"', "the field “rxnorm” is '36437': write a list"),
    ("drugs.toml", r"^verified = false$", "verified = 0", "write true or false"),
    ("drugs.toml", r'^prefix = "N06AB"$', 'prefix = "N6AB"', "atc_class 1 (N6AB): the prefix"),
    ("medication_rules.toml", r"^days = 28$", "days = 0", "[mood_stabiliser_stopped]: days must"),
    ("medication_rules.toml", r"^days = 28$", 'days = "28"', "write a whole number"),
    ("medication_rules.toml", r"^days = 14$", "", "[sleep_change]: the field “days” is missing"),
    ("medication_rules.toml", "= 14  # a", "= -1  # a", "switched_within_days must be from 0"),
    ("medication_rules.toml", r'"lithium"', '"litium"', "the class “litium” is unknown"),
    ("medication_rules.toml", r"^\[antidepressant\]$", "[antidepresant]", "“antidepresant”"),
    ("questionnaires.toml", r"^cut_off = 10\b", "cut_of = 10", "[phq8]: the field “cut_of”"),
    ("questionnaires.toml", r"^cut_off = 6\b", "cut_off = 21", "[asrm]: cut_off must lie above 0"),
    ("questionnaires.toml", r"^self_harm_item = 9\b", "self_harm_item = 10", "[phq9]: self_harm"),
    ("questionnaires.toml", r"points = 5,", "points = 12,", "bands must begin at 0 and rise"),
    ("questionnaires.toml", r"^highest = 4\b", "highest = 0", "highest above lowest"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "old", "new", "words"), BAD, ids=[f"{b[0]}-{b[3]}" for b in BAD])
def test_a_bad_file_names_itself_the_entry_and_the_mend(
    tmp_path: Path, name: str, old: str, new: str, words: str
) -> None:
    text = (resources.DATA / name).read_text()
    assert re.search(old, text, re.MULTILINE), old
    copy = tmp_path / name
    copy.write_text(re.sub(old, new, text, count=1, flags=re.MULTILINE))
    with pytest.raises(RuleFileError) as refusal:
        LOADERS[name](copy)
    assert name in str(refusal.value) and words in str(refusal.value)


@pytest.mark.parametrize("name", LOADERS)
def test_an_unchanged_file_loads_and_is_checked_at_start_up(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert LOADERS[name](resources.DATA / name)
    for file in resources.DATA.glob("*.toml"):
        (tmp_path / file.name).write_text(file.read_text() if file.name != name else "x = 1")
    monkeypatch.setattr(resources, "DATA", tmp_path)
    loaders = (resources.drug_table, resources.medication_rules, resources.instruments)
    for load in loaders:
        load.cache_clear()
    try:
        [error] = checks.rule_files()
    finally:
        monkeypatch.undo()
        for load in loaders:
            load.cache_clear()
    assert error.id == "clarity.E001" and name in error.msg
    call_command("check")


def test_every_file_of_the_folder_is_read() -> None:
    assert {path.name for path in resources.DATA.iterdir()} == set(LOADERS)
