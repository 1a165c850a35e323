import json
from collections.abc import Callable
from datetime import datetime
from io import StringIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from django.core.management import call_command

from patients.models import AuditEvent, Patient
from tests.patients.ingest.builders import (
    actlumus_rows,
    apple_export,
    apple_heart,
    write_actlumus,
    write_apple,
)
from tests.people import every_row

pytestmark = pytest.mark.django_db
BERLIN = ("--timezone", "Europe/Berlin")


def ingest(path: Path, *options: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of ingest_file."""
    out, err = StringIO(), StringIO()
    try:
        call_command("ingest_file", str(path), "--patient", "P-1", *options, stdout=out, stderr=err)
    except SystemExit as end:
        return int(str(end.code)), out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return write_actlumus(tmp_path / "log.txt", actlumus_rows(datetime(2026, 3, 1, 9), 360))


def test_json_is_one_object_and_a_new_patient_is_told_on_stderr(log: Path) -> None:
    code, out, err = ingest(log, *BERLIN, "--json")
    assert code == 0 and out.count("\n") == 1
    assert json.loads(out) == {
        "source": "actlumus",
        "days": 1,
        "minutes": 60,
        "status": "stored",
        "rejected": {},
    }
    assert "P-1 enrolled" in err
    assert Patient.objects.get().zones.get().zone == "Europe/Berlin"
    actions = AuditEvent.objects.order_by("id").values_list("action", flat=True)
    assert list(actions) == ["patient enrolled", "recording stored"]


def test_the_same_file_twice_is_unchanged_and_says_so(log: Path) -> None:
    ingest(log, *BERLIN)
    before = every_row()
    code, out, err = ingest(log, *BERLIN, "--json")
    assert (code, json.loads(out)["status"], err) == (0, "unchanged", "")
    assert every_row() == before
    assert "Unchanged" in ingest(log, *BERLIN)[1]


def empty(folder: Path) -> Path:
    (folder / "empty.txt").touch()
    return folder / "empty.txt"


def cut_off(folder: Path) -> Path:
    text = apple_export(*(apple_heart(60 + i, minute=i) for i in range(20)))
    (folder / "export.xml").write_text(text[: len(text) // 2])
    return folder / "export.xml"


def bomb(folder: Path) -> Path:
    with ZipFile(folder / "bomb.zip", "w", ZIP_DEFLATED) as archive:
        archive.writestr("apple_health_export/export.xml", b"<HealthData>" + b" " * 20_000_000)
    return folder / "bomb.zip"


def apple(folder: Path) -> Path:
    return write_apple(folder / "export.xml", apple_heart(60))


def log_of_1899(folder: Path) -> Path:
    return write_actlumus(folder / "old.txt", actlumus_rows(datetime(1899, 12, 31), 12))


def apple_of_1899(folder: Path) -> Path:
    text = apple_export(apple_heart(60)).replace("2024-", "1899-")
    (folder / "export.xml").write_text(text)
    return folder / "export.xml"


def good(folder: Path) -> Path:
    return write_actlumus(folder / "log.txt", actlumus_rows(datetime(2026, 3, 1, 9), 12))


def nothing(folder: Path) -> Path:
    return folder / "absent.txt"


BAD: list[tuple[str, Callable[[Path], Path], tuple[str, ...], tuple[str, ...]]] = [
    ("empty file", empty, BERLIN, ("empty.txt", "is empty")),
    ("truncated XML", cut_off, BERLIN, ("export.xml", "is cut off")),
    ("zip bomb", bomb, BERLIN, ("bomb.zip", "would unpack to")),
    ("other vendor", apple, (*BERLIN, "--source", "actlumus"), ("export.xml", "apple_health")),
    ("unknown source", good, (*BERLIN, "--source", "withings"), ("withings", "actlumus")),
    ("unknown zone", good, ("--timezone", "Mars/Olympus"), ("Mars/Olympus", "Europe/Berlin")),
    ("1899 in a log", log_of_1899, BERLIN, ("old.txt", "line 10", "31/12/1899")),
    ("1899 in an export", apple_of_1899, BERLIN, ("export.xml", "1899")),
    (
        "zones of nobody",
        good,
        ("--timezone", "patient"),
        ("P-1 is not enrolled", "Europe/Berlin"),
    ),
    ("no such file", nothing, BERLIN, ("absent.txt", "check the path")),
    ("no code", good, (*BERLIN, "--patient", "Jane Doe"), ("Jane Doe", "letters")),
    ("long code", good, (*BERLIN, "--patient", "x" * 60), ("40 characters",)),
]


@pytest.mark.parametrize(
    ("make", "options", "named"), [case[1:] for case in BAD], ids=[case[0] for case in BAD]
)
def test_bad_input_is_one_sentence_exit_code_2_and_an_unchanged_database(
    tmp_path: Path, make: Callable[[Path], Path], options: tuple[str, ...], named: tuple[str, ...]
) -> None:
    before = every_row()
    code, out, err = ingest(make(tmp_path), *options, "--json")
    assert (code, out) == (2, "")
    assert err.endswith(".\n") and err.count("\n") == 1, err
    assert all(word in err for word in named), err
    assert str(tmp_path) not in err and "Sam Example" not in err
    assert every_row() == before


def test_the_same_file_under_another_zone_is_bad_input(log: Path) -> None:
    ingest(log, *BERLIN)
    before = every_row()
    code, out, err = ingest(log, "--timezone", "Asia/Tokyo")
    assert (code, out) == (2, "") and "Europe/Berlin" in err
    assert every_row() == before


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("features", "--patient", "nobody"), "nobody"),
        (("features", "--patient", "P-1", "--from", "March"), "March"),
        (("replay", "4711"), "4711"),
    ],
)
def test_other_commands_refuse_what_is_not_there(arguments: tuple[str, ...], named: str) -> None:
    out, err = StringIO(), StringIO()
    with pytest.raises(SystemExit) as end:
        call_command(*arguments, "--json", stdout=out, stderr=err)
    assert (end.value.code, out.getvalue()) == (2, "")
    assert named in err.getvalue() and err.getvalue().count("\n") == 1
