"""The life of an alert: one table, nothing else decides."""

NEW, ACKNOWLEDGED, DISMISSED, RESOLVED = "new", "acknowledged", "dismissed", "resolved"
OPEN = (NEW, ACKNOWLEDGED)

# (state, event) -> state. An event that is not in the table is not allowed in that state.
TRANSITIONS: dict[tuple[str, str], str] = {
    ("", "raised"): NEW,
    (NEW, "risen"): NEW,
    (ACKNOWLEDGED, "risen"): NEW,
    (NEW, "acknowledged"): ACKNOWLEDGED,
    (NEW, "dismissed"): DISMISSED,
    (ACKNOWLEDGED, "dismissed"): DISMISSED,
    (ACKNOWLEDGED, "resolved"): RESOLVED,
}
# Events after which the EHR is told.
NOTIFYING = ("raised", "risen")


def next_state(state: str, event: str) -> str | None:
    """The state after the event, or None where the event is not allowed.

    >>> next_state("new", "acknowledged"), next_state("dismissed", "acknowledged")
    ('acknowledged', None)
    """
    return TRANSITIONS.get((state, event))
