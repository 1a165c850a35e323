from itertools import product

import pytest

from alerts.domain.states import (
    ACKNOWLEDGED,
    DISMISSED,
    NEW,
    NOTIFYING,
    OPEN,
    RESOLVED,
    next_state,
)
from alerts.models import OPEN_STATES, AlertState

STATES = ("", NEW, ACKNOWLEDGED, DISMISSED, RESOLVED)
EVENTS = ("raised", "risen", "acknowledged", "dismissed", "resolved")
ALLOWED = {
    ("", "raised"): NEW,
    (NEW, "risen"): NEW,
    (ACKNOWLEDGED, "risen"): NEW,
    (NEW, "acknowledged"): ACKNOWLEDGED,
    (NEW, "dismissed"): DISMISSED,
    (ACKNOWLEDGED, "dismissed"): DISMISSED,
    (ACKNOWLEDGED, "resolved"): RESOLVED,
}


@pytest.mark.parametrize(("state", "event"), [*product(STATES, EVENTS)])
def test_each_event_in_each_state(state: str, event: str) -> None:
    assert next_state(state, event) == ALLOWED.get((state, event))


def test_a_closed_alert_never_opens_again() -> None:
    assert all(next_state(s, e) is None for s in (DISMISSED, RESOLVED) for e in EVENTS)


def test_the_ehr_is_told_of_what_raises_and_of_nothing_else() -> None:
    assert set(NOTIFYING) == {"raised", "risen"}


def test_the_table_and_the_model_name_the_same_states() -> None:
    assert {*STATES} - {""} == {state.value for state in AlertState}
    assert set(OPEN) == {state.value for state in OPEN_STATES}
