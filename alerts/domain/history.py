"""What of an alert's history still holds."""

from collections.abc import Iterable
from typing import Protocol, TypeVar

# Acts after which somebody has the alert.
TAKEN_ON = (
    "acknowledged", "contacted", "follow_up_set", "snoozed", "dismissed", "resolved",
)  # fmt: skip


class Change(Protocol):
    """A transition, as far as this looks at it."""

    event: str


C = TypeVar("C", bound=Change)


def kept(changes: Iterable[C]) -> list[C]:
    """The changes, oldest first, without those that were taken back: only the last one can be."""
    found: list[C] = []
    for change in changes:
        if change.event != "undone":
            found.append(change)
        elif found:
            found.pop()
    return found
