"""Who may do what about an alert: one table. Docs and tests are made from it."""

from collections.abc import Mapping

YES, REQUEST, NO = "yes", "as a request", "no"
CLASSES = ("High", "Moderate", "data")
COORDINATOR, PSYCHIATRIST, ADMINISTRATOR = "coordinator", "psychiatrist", "administrator"

_ALL = dict.fromkeys(CLASSES, YES)
_NONE = dict.fromkeys(CLASSES, NO)
_NOT_HIGH = {"High": NO, "Moderate": YES, "data": YES}
_ASKS = {"High": REQUEST, "Moderate": YES, "data": YES}
# Data alerts have no tier that anybody could change.
_TIERED = {"High": YES, "Moderate": YES, "data": NO}

# action -> role -> class of alert -> answer. A role that is not named may not.
TABLE: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "acknowledge": {COORDINATOR: _ALL, PSYCHIATRIST: _ALL},
    "record contact": {COORDINATOR: _ALL, PSYCHIATRIST: _ALL},
    "set a follow-up": {COORDINATOR: _ALL, PSYCHIATRIST: _ALL},
    "snooze": {COORDINATOR: _NOT_HIGH, PSYCHIATRIST: _ALL},
    "resolve": {COORDINATOR: _NOT_HIGH, PSYCHIATRIST: _ALL},
    "dismiss": {COORDINATOR: _ASKS, PSYCHIATRIST: _ALL},
    "downgrade": {COORDINATOR: {**_NONE, "High": REQUEST}, PSYCHIATRIST: {**_NONE, "High": YES}},
    "upgrade": {
        COORDINATOR: {**_NONE, "Moderate": YES},
        PSYCHIATRIST: {**_NONE, "Moderate": YES},
    },
    "decide a request": {PSYCHIATRIST: _TIERED},
    "raise a concern": {COORDINATOR: _TIERED, PSYCHIATRIST: _TIERED},
}


def alert_class(kind: str, tier: str) -> str:
    """High, Moderate or data.

    >>> alert_class("mania", "High"), alert_class("data", "Indeterminate")
    ('High', 'data')
    """
    return "data" if kind == "data" else tier


def answer(role: str, action: str, of_class: str) -> str:
    """Yes, no, or as a request that a psychiatrist confirms.

    >>> answer("coordinator", "dismiss", "High"), answer("administrator", "dismiss", "data")
    ('as a request', 'no')
    """
    return TABLE[action].get(role, _NONE).get(of_class, NO)
