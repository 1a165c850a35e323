"""Classes and codes of drugs, from the shipped table and from small ones."""

import pytest

from patients.domain.drugs import AtcClass, Drug, DrugTable, Found
from patients.domain.errors import InputError
from patients.resources import drug_table

SERTRALINE = Drug("sertraline", (), "ssri", "N06AB06", ("36437",), True)
DULOXETINE = Drug("duloxetine", (), "snri", "N06AX21", ("72625",), False)
PREDNISOLONE = Drug("prednisolone", (), "steroid", "H02AB06", (), False)
TABLE = DrugTable(
    (SERTRALINE, DULOXETINE, PREDNISOLONE),
    (AtcClass("N06AB", "ssri", True), AtcClass("N05A", "antipsychotic", False)),
    frozenset({"hydrochloride", "xr"}),
)

# Issue and clinical notes: the class each of these must have.
CLASSES = {
    "fluoxetine": "ssri",
    "Escitalopram oxalate": "ssri",
    "venlafaxine XR": "snri",
    "desvenlafaxine": "snri",
    "mirtazapine": "other_antidepressant",
    "amitriptyline": "other_antidepressant",
    "Lithium carbonate": "lithium",
    "sodium valproate": "valproate",
    "divalproex": "valproate",
    "lamotrigine": "lamotrigine",
    "carbamazepine": "carbamazepine",
    "quetiapine fumarate": "antipsychotic",
    "methylphenidate": "stimulant",
    "lisdexamfetamine": "stimulant",
    "amphetamine": "stimulant",
    "prednisone": "steroid",
    "dexamethasone": "steroid",
}


@pytest.mark.parametrize(("name", "drug_class"), CLASSES.items())
def test_the_shipped_table_knows(name: str, drug_class: str) -> None:
    found = drug_table().find(name=name)
    assert found and found.drug_class == drug_class
    assert not found.verified  # nobody has checked a row yet: say so here when somebody has


@pytest.mark.parametrize(
    ("brand", "name"),
    [
        ("Zoloft", "sertraline"),
        ("Effexor XR", "venlafaxine"),
        ("WELLBUTRIN SR tab", "bupropion"),
        ("cymbalta", "duloxetine"),
    ],
)
def test_the_shipped_table_knows_the_brand(brand: str, name: str) -> None:
    found = drug_table().by_name(brand)
    assert found and found.name == name and not found.verified


def test_every_antidepressant_of_the_table_has_a_brand() -> None:
    classes = {"ssri", "snri", "other_antidepressant"}
    rows = [drug for drug in drug_table().drugs if drug.drug_class in classes]
    assert rows and all(drug.brands for drug in rows)


@pytest.mark.parametrize(
    ("code", "drug_class"),
    [
        ("N06AB", "ssri"),
        ("N06AB99", "ssri"),
        ("N06AX16", "snri"),
        ("N06AX12", "other_antidepressant"),
        ("N05AN01", "lithium"),
        ("N05AH04", "antipsychotic"),
        ("N05AX99", "antipsychotic"),
        ("h02ab07", "steroid"),
    ],
)
def test_the_shipped_table_knows_the_atc_code(code: str, drug_class: str) -> None:
    found = drug_table().find(atc=code)
    assert found and found.drug_class == drug_class


@pytest.mark.parametrize("code", ["N06AX", "N06AX99", "N06BA09", "A10BA02", "N"])
def test_a_code_that_may_be_of_several_classes_is_not_guessed(code: str) -> None:
    assert drug_table().find(atc=code) is None


@pytest.mark.parametrize(
    ("code", "drug_class"), [("4493", "ssri"), ("39786", "snri"), ("11118", "valproate")]
)
def test_the_shipped_table_knows_the_rxnorm_code(code: str, drug_class: str) -> None:
    found = drug_table().find(rxnorm=code)
    assert found and found.drug_class == drug_class


def test_codes_of_the_notes_are_with_their_drugs() -> None:
    rows = {drug.name: drug for drug in drug_table().drugs}
    notes = {
        "fluoxetine": "4493",
        "citalopram": "2556",
        "paroxetine": "32937",
        "sertraline": "36437",
        "fluvoxamine": "42355",
        "escitalopram": "321988",
        "venlafaxine": "39786",
        "milnacipran": "588250",
        "duloxetine": "72625",
        "desvenlafaxine": "734064",
        "levomilnacipran": "1433212",
    }
    assert {name: rows[name].rxnorm for name in notes} == {n: (c,) for n, c in notes.items()}


def test_name_and_codes_of_one_row_agree() -> None:
    expected = Found("ssri", True, "N06AB06", "36437")
    for asked in (
        {"name": " Sertraline  Hydrochloride "},
        {"atc": "n06ab06"},
        {"rxnorm": "36437"},
        {"name": "sertraline", "atc": "N06AB06", "rxnorm": "36437"},
        {"name": "sertraline", "atc": "N06AB"},
    ):
        assert TABLE.find(**asked) == expected, asked


def test_one_unverified_row_makes_the_answer_unverified() -> None:
    found = TABLE.find(name="duloxetine")
    assert found and not found.verified
    broad = TABLE.find(atc="N05AX08")
    assert broad == Found("antipsychotic", False)


@pytest.mark.parametrize(
    "asked",
    [
        {"name": "sertraline", "atc": "N06AX21"},
        {"name": "sertraline", "rxnorm": "72625"},
        {"atc": "N06AB06", "rxnorm": "72625"},
    ],
)
def test_a_name_and_a_code_of_two_classes_are_refused(asked: dict[str, str]) -> None:
    with pytest.raises(InputError, match="different classes"):
        TABLE.find(**asked)


def test_a_known_name_with_a_code_of_its_own_is_something_else() -> None:
    assert TABLE.find(name="prednisolone", atc="S01BA04") is None  # eye drops
    assert TABLE.find(name="sertraline", rxnorm="99999999") is None
    assert TABLE.find(name="prednisolone", rxnorm="123") == TABLE.find(name="prednisolone")


@pytest.mark.parametrize("name", ["", "  ", "prednisolone eye drops", "sertral", "hydrochloride"])
def test_a_name_that_is_not_in_the_table_is_not_guessed(name: str) -> None:
    assert TABLE.find(name=name) is None


@pytest.mark.parametrize(
    "asked", [{"atc": "N06AB6"}, {"atc": "SSRI"}, {"rxnorm": "4493a"}, {"rxnorm": "-4"}]
)
def test_what_is_no_code_is_refused(asked: dict[str, str]) -> None:
    with pytest.raises(InputError, match="is no (ATC|RxNorm) code"):
        TABLE.find(name="sertraline", **asked)
