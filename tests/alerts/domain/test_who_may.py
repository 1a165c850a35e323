"""Who may do what, cell by cell, and the page of the docs that shows the table."""

from pathlib import Path

import pytest

from alerts.domain.who_may import CLASSES, NO, REQUEST, TABLE, YES, alert_class, answer
from patients.models import Role

# role -> action -> High, Moderate, data
EXPECTED = {
    "psychiatrist": {
        "acknowledge": (YES, YES, YES),
        "record contact": (YES, YES, YES),
        "set a follow-up": (YES, YES, YES),
        "snooze": (YES, YES, YES),
        "resolve": (YES, YES, YES),
        "dismiss": (YES, YES, YES),
        "downgrade": (YES, NO, NO),
        "upgrade": (NO, YES, NO),
        "decide a request": (YES, YES, NO),
        "raise a concern": (YES, YES, NO),
    },
    "coordinator": {
        "acknowledge": (YES, YES, YES),
        "record contact": (YES, YES, YES),
        "set a follow-up": (YES, YES, YES),
        "snooze": (NO, YES, YES),
        "resolve": (NO, YES, YES),
        "dismiss": (REQUEST, YES, YES),
        "downgrade": (REQUEST, NO, NO),
        "upgrade": (NO, YES, NO),
        "decide a request": (NO, NO, NO),
        "raise a concern": (YES, YES, NO),
    },
    "administrator": dict.fromkeys(TABLE, (NO, NO, NO)),
}


@pytest.mark.parametrize(
    ("role", "action", "of_class"),
    [(role, action, c) for role in Role.values for action in TABLE for c in CLASSES],
)
def test_each_cell(role: str, action: str, of_class: str) -> None:
    assert answer(role, action, of_class) == EXPECTED[role][action][CLASSES.index(of_class)]


def test_a_role_that_is_none_may_nothing() -> None:
    assert {answer("", action, c) for action in TABLE for c in CLASSES} == {NO}


def test_safety_and_concerns_go_by_their_tier() -> None:
    assert alert_class("safety", "High") == "High"
    assert alert_class("concern", "Moderate") == "Moderate"


def test_the_docs_show_the_table() -> None:
    page = (Path(__file__).parents[3] / "docs/alerts.md").read_text("utf-8")
    for action in TABLE:
        for role in ("coordinator", "psychiatrist"):
            cells = " | ".join(answer(role, action, c) for c in CLASSES)
            assert f"| {action} | {role} | {cells} |" in page
