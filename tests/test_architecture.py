"""The house's dependency rules, read from the source text."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

APPS = ("patients", "scoring", "alerts")  # each may import itself and those before it
WRITES_AND_READS = {
    *("services", "selectors", "permissions", "runs", "outbox", "nightly"),
    *("storage", "resolving", "sleep_records", "tokens", "uploads", "upload_queue"),
    *("provenance", "last_data", "absence", "removal", "notes", "looked"),
    *("medication_services", "medications", "outcomes"),
    *("model_services", "model_imports", "replay", "shadow"),
    *("lifecycle", "raising", "notices", "mail", "performance"),
    *("baselines", "stretches", "usual"),
    *("circumstances", "situations", "rule_files", "queue"),
    *("people", "people_services", "freshness"),
    *("ehr_accounts", "launches", "cds"),
    *("trust", "ehr_tokens", "systems", "system_tokens", "served"),
    *("summaries", "panel", "panel_services", "identity"),
    *("context", "context_export", "context_facts", "context_items", "context_medications"),
    *("context_pages", "context_settle", "context_taking"),
}
ADAPTERS = {
    "models",
    "clinical_models",
    "context_models",
    "summary_models",
    "ehr_models",
    "inside_models",
    "ingest",
    "engines",
    "learning",
    "datasets",
    "fhir",
}
LEVELS = {"domain": 0} | dict.fromkeys(ADAPTERS, 1) | dict.fromkeys(WRITES_AND_READS, 2)
INTERFACE = {
    *("views", "api", "urls", "admin", "presenters", "tasks", "checks", "templatetags"),
    *("management", "device_api", "device_shapes", "upload_views", "data_views", "model_views"),
    *("notice_views", "performance_views", "actions", "acting_views", "queue_views"),
    *("medication_views", "outcome_views", "outcome_api"),
    *("baseline_views", "baseline_forms"),
    "reader_views",
    *("people_views", "people_forms", "account_views", "clinic_views", "pages"),
    *("launch_views", "ehr_account_views", "cds_views"),
    *("launch_checks", "ehr_checks", "ehr_views", "system_views", "system_forms", "fhir_views"),
    *("hub_views", "message_views", "context_views"),
    *("life_views", "rule_views", "panel_views"),
    *("note_views", "chart_views", "summary_views", "panel_api", "api_shapes"),
}
WITHOUT_DJANGO = {"domain", "ingest", "engines", "datasets", "fhir"}
NEVER_IN_DOMAIN = {
    *("celery", "neurokit2", "requests", "rest_framework", "shap", "tensorflow", "xgboost"),
}
HEAVY = ("tensorflow", "xgboost", "shap", "neurokit2")
LONGEST_FILE, LONGEST_FUNCTION = 400, 60


def source_files(*folders: str) -> list[Path]:
    return sorted(
        path
        for folder in folders
        for path in (ROOT / folder).rglob("*.py")
        if not {"migrations", "node_modules"} & set(path.parts)
    )


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imported(tree: ast.AST) -> Iterator[str]:
    """Dotted names of all imports, wherever in the file; a relative one counts as itself."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def offences(path: Path, source: str) -> list[str]:
    """What this file, at that place in the house, may not import."""
    app, room = (*path.with_suffix("").parts, "")[:2]
    return [
        f"{path}: {name}"
        for name in imported(ast.parse(source))
        if not _is_allowed(app, room, name)
    ]


def _is_allowed(app: str, room: str, name: str) -> bool:
    if name.startswith("."):
        return False
    top, other_room = (*name.split("."), "")[:2]
    if top == "django" and room in WITHOUT_DJANGO:
        return False
    if top in NEVER_IN_DOMAIN and room == "domain":
        return False
    if top not in APPS or room in INTERFACE:
        return True
    downwards = APPS.index(top) <= APPS.index(app)
    lower = LEVELS.get(other_room, 0) <= LEVELS.get(room, max(LEVELS.values()))
    return downwards and lower and other_room not in INTERFACE


@pytest.mark.parametrize("path", source_files(*APPS), ids=named)
def test_imports_run_downwards(path: Path) -> None:
    assert offences(path.relative_to(ROOT), path.read_text()) == []


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("patients/services.py", "from scoring.models import RiskScore"),
        ("scoring/domain/router.py", "import django.conf"),
        ("scoring/domain/router.py", "def f():\n    import tensorflow as tf"),
        ("scoring/domain/router.py", "from scoring.models import RiskScore"),
        ("scoring/engines/pat.py", "from django.conf import settings"),
        ("scoring/models.py", "from scoring.services import score_store"),
        ("alerts/services.py", "from alerts.queue_views import queue"),
        ("alerts/outbox.py", "from alerts import tasks"),
        ("alerts/services.py", "from . import models"),
    ],
)
def test_an_import_upwards_is_seen(path: str, line: str) -> None:
    assert offences(Path(path), line)


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("alerts/tasks.py", "from scoring import runs"),
        ("alerts/services.py", "from scoring.models import Track"),
        ("scoring/engines/pat.py", "import tensorflow"),
        ("scoring/services.py", "from scoring.engines.assess import assess_day"),
    ],
)
def test_an_import_downwards_is_not_an_offence(path: str, line: str) -> None:
    assert offences(Path(path), line) == []


EVERYTHING = source_files("clarity_site", *APPS, "tests")


@pytest.mark.parametrize("path", EVERYTHING, ids=named)
def test_files_and_functions_are_short_enough_to_read(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= LONGEST_FILE
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            assert lines <= LONGEST_FUNCTION, f"{node.name} has {lines} lines"


def test_there_is_something_to_check() -> None:
    assert len(EVERYTHING) > 100


def test_a_process_that_serves_pages_loads_no_model_library() -> None:
    code = (
        "import os, sys, django\n"
        "os.environ['DJANGO_SETTINGS_MODULE'] = 'clarity_site.settings'\n"
        "django.setup()\n"
        "import clarity_site.urls, clarity_site.wsgi\n"
        f"print([name for name in {HEAVY} if name in sys.modules])\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert ran.stdout.strip() == "[]", ran.stderr[-500:]
