import json
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from patients.models import AuditEvent, DeviceToken, Patient, RecordingFile
from patients.tokens import token_used
from scoring.models import ScoringJob
from tests import factories
from tests.patients.ingest.builders import actlumus_rows, write_actlumus

pytestmark = pytest.mark.django_db
BERLIN = ("--patient", "P-1", "--timezone", "Europe/Berlin")
START = datetime(2026, 3, 1, 9)


def run(*words: Any) -> tuple[int, str, str]:
    """Exit code, standard output and standard error."""
    out, err = StringIO(), StringIO()
    try:
        call_command(*map(str, words), stdout=out, stderr=err)
    except SystemExit as end:
        return int(str(end.code)), out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(2):
        rows = actlumus_rows(START + timedelta(days=number), 360)
        write_actlumus(tmp_path / f"{number}.txt", rows)
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / ".hidden").write_text("hello")
    return tmp_path


def test_a_folder_is_taken_in_file_by_file_and_answered_with_one_object(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run("ingest_folder", folder, *BERLIN, "--json")
    answer = json.loads(out)
    assert code == 2 and out.count("\n") == 1
    assert [line for line in err.splitlines() if "notes.txt: " in line and line.endswith(".")]
    assert not [name for name in ("0.txt", "1.txt") if name in err]
    assert [answer[k] for k in ("stored", "unchanged", "refused")] == [2, 0, 1]
    assert (answer["days"], answer["minutes"]) == (2, 120)
    assert [f["status"] for f in answer["files"]] == ["stored", "stored", "refused"]
    assert "known format" in answer["files"][2]["reason"]
    assert "P-1 enrolled" in err and "100%" in capsys.readouterr().err
    assert RecordingFile.objects.count() == 2 and ScoringJob.objects.get().run is None


def test_the_same_folder_again_is_unchanged_and_one_file_is_as_good_as_a_folder(
    folder: Path,
) -> None:
    run("ingest_folder", folder / "0.txt", folder / "1.txt", *BERLIN)
    ScoringJob.objects.all().delete()
    code, out, err = run("ingest_folder", folder, *BERLIN)
    assert code == 2 and "0 recordings, 2 unchanged, 1 refused" in out and "notes.txt: " in err
    (folder / "notes.txt").unlink()
    code, out, err = run("ingest_folder", folder, *BERLIN)
    assert (code, err) == (0, "") and "2 unchanged, 0 refused" in out
    assert not ScoringJob.objects.exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("missing",), "no file or folder missing"),
        (("empty",), "empty"),
        (("bad",), "No recording was stored"),
        (("bad", "--timezone", "Mars/Base"), "Mars/Base"),
        (("bad", "--timezone", "patient"), "P-1 is not enrolled"),
        (("bad", "--patient", "a b"), "no patient code"),
    ],
)
def test_what_cannot_be_taken_in_is_one_sentence_and_exit_code_2(
    tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "a.txt").write_text("hello")
    code, out, err = run("ingest_folder", tmp_path / words[0], *BERLIN, *words[1:], "--json")
    assert (code, out) == (2, "") and said in err and err.strip().endswith(".")
    assert not Patient.objects.exists()


def test_a_token_is_printed_once_and_opens_the_patient() -> None:
    patient = factories.patient("P-1")
    code, out, _ = run("device_token", "--patient", "P-1", "--label", "band 12", "--json")
    answer = json.loads(out)
    token = token_used(text=answer["token"])
    assert code == 0 and token and (token.patient, token.label) == (patient, "band 12")
    assert AuditEvent.objects.get().action == "device token issued"
    assert answer["token"] not in str(list(DeviceToken.objects.values()))


@pytest.mark.parametrize("words", [("P-9", "band"), ("P-1", " "), ("P-1", "x" * 81)])
def test_a_token_for_nobody_or_nothing_is_refused(words: tuple[str, str]) -> None:
    factories.patient("P-1")
    code, out, err = run("device_token", "--patient", words[0], "--label", words[1], "--json")
    assert (code, out) == (2, "") and err.strip().endswith(".")
    assert not DeviceToken.objects.exists()
