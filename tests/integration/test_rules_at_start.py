"""A bad rule file stops start-up with the mend; an overdue one warns in all three places."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.utils import timezone

from alerts import resources
from alerts.rule_files import RuleFile, rule_files
from alerts.services import alerts_consider
from patients import resources as patient_resources
from patients.models import Role
from scoring import resources as scoring_resources
from tests import factories
from tests.conftest import ROOT
from tests.integration.reading import browser, text, yesterday

FILES = rule_files()


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Copies of all data folders, read in place of the shipped ones."""
    read_by = {"alerts": resources, "scoring": scoring_resources, "patients": patient_resources}
    for app, module in read_by.items():
        shutil.copytree(ROOT / app / "data", tmp_path / app / "data")
        monkeypatch.setattr(module, "DATA", tmp_path / app / "data")
    resources.guidelines.cache_clear()
    yield tmp_path
    resources.guidelines.cache_clear()


def changed(path: Path, old: str, new: str) -> None:
    body = path.read_text()
    assert re.search(old, body, re.MULTILINE), old
    path.write_text(re.sub(old, new, body, count=1, flags=re.MULTILINE))


def copy_of(file: RuleFile, data: Path) -> Path:
    return data / file.path.relative_to(ROOT)


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.path.name)
def test_an_unknown_field_in_any_file_or_any_of_its_tables_is_refused(
    file: RuleFile, data: Path
) -> None:
    path, shipped = copy_of(file, data), file.path.read_text()
    assert file.problem() == ""
    spots = [
        0,
        *(found.end() for found in re.finditer(r"^\[[^\[\]\n]+\].*$", shipped, re.MULTILINE)),
    ]
    for spot in spots:
        path.write_text(f"{shipped[:spot]}\nunheard_of = 1\n{shipped[spot:]}")
        sentence = RuleFile(path, file.group, file.load).problem()
        assert path.name in sentence and "unheard_of" in sentence, shipped[spot - 30 : spot]
        assert re.search("remove it|add it|correct it|nothing is called", sentence)


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.path.name)
def test_a_typo_in_any_file_names_the_line_and_the_mend(file: RuleFile, data: Path) -> None:
    path, lines = copy_of(file, data), file.path.read_text().splitlines()
    at = next(n for n, line in enumerate(lines) if line.startswith("next_review"))
    lines[at] = "next_review = 2027-05-"
    path.write_text("\n".join(lines))
    sentence = RuleFile(path, file.group, file.load).problem()
    assert sentence.startswith(f"{path.name} is not valid TOML")
    assert f"at line {at + 1}" in sentence and "Correct it there, or restore" in sentence


def test_start_up_stops_and_names_every_bad_file(data: Path) -> None:
    changed(data / "scoring/data/router.toml", r"^limited = ", "limitted = ")
    changed(data / "alerts/data/guidelines/mania_high.toml", r"^level = 2", "level = two")
    (data / "alerts/data/orphan.toml").write_text("")
    with pytest.raises(SystemCheckError) as stopped:
        call_command("check")
    words = str(stopped.value)
    assert "router.toml: coverage.limitted is an unknown field: did you mean limited?" in words
    assert re.search(r"mania_high\.toml is not valid TOML: .*at line 10", words)
    assert "orphan.toml is read by nothing" in words
    assert words.count("HINT: Mend the file and start again.") == 3


def test_a_recommendation_that_claims_too_much_stops_start_up(data: Path) -> None:
    changed(
        data / "alerts/data/guidelines/mania_high.toml",
        r'^text = "',
        'text = "The model predicts mania: ',
    )
    with pytest.raises(SystemCheckError, match="mania_high.toml says “predict"):
        call_command("check")


def test_the_serving_processes_do_not_start_with_a_bad_file(data: Path) -> None:
    changed(data / "scoring/data/router.toml", r"^\[coverage\]", "[coverage")
    code = (
        "import sys; from pathlib import Path; from scoring import resources\n"
        f"resources.DATA = Path({str(data / 'scoring/data')!r})\n"
        "from clarity_site import processes\n"
        "processes.ProcessGroup.start = lambda self: print('STARTED')\n"
        "sys.argv = ['processes', '0']; sys.exit(processes.main())\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert ran.returncode != 0 and "STARTED" not in ran.stdout
    assert re.search(r"router\.toml is not valid TOML: .*at line \d+", ran.stderr)
    assert "Correct it there, or restore the file." in ran.stderr


@pytest.mark.django_db
def test_an_overdue_guideline_warns_at_start_up_on_the_page_and_beside_its_recommendation(
    data: Path,
) -> None:
    path = data / "alerts/data/guidelines/mania_high.toml"
    client, who = browser()
    patient = factories.patient("P-1", [who], medication_list_available=True)
    score = factories.score(patient, yesterday(), 0.1, 0.9)

    def seen() -> list[bool]:
        """At start-up, on the rules page, on the record, and on the alert in both its places."""
        resources.guidelines.cache_clear()
        patient.alerts.all().delete()
        warned = any("mania_high.toml should have been reviewed" in m.msg for m in run_checks())
        pages = [text(client.get(address)) for address in ("/rules/", "/patients/P-1/")]
        assert alerts_consider(score=score, now=timezone.now())
        pages += [text(client.get(address)) for address in ("/alerts/", "/patients/P-1/")]
        return [warned, *("review overdue" in words for words in pages)]

    assert seen() == [False] * 5
    changed(path, r"^next_review = .*$", f"next_review = {yesterday()}")
    assert seen() == [True] * 5


@pytest.mark.django_db
@pytest.mark.parametrize("role", Role.values)
def test_every_role_reads_on_whose_word_each_rule_stands(role: str) -> None:
    client, _ = browser(role)
    words = text(client.get("/rules/"))
    assert 'href="/rules/"' in client.get("/").content.decode()
    for file in FILES:
        assert file.path.name in words
    assert "Same-day assessment; review the antidepressant" in words
    assert "When: track mania; tier High; recorded as mdd or bipolar 1 or bipolar 2" in words
    assert "CANMAT/ISBD 2018" in words and "Acute mania, step 1" in words
    assert words.count("unverified") >= len(FILES) and "review overdue" not in words
    assert client.post("/rules/").status_code == 405
