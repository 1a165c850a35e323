"""What the panel is asked for: filters, order and place, from an address and back to one."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from urllib.parse import urlencode

PANEL_DAYS = 30
PAGE_SIZE = 60  # what two workers draw in time; more rows come as one scrolls
CHOICES: Mapping[str, tuple[str, ...]] = {
    "tier": ("High", "Moderate", "Indeterminate", "Low"),
    "track": ("depression", "mania", "rising", "unassessed"),
    "alert": ("waiting", "mine", "others", "snoozed", "none", "follow-up"),
    "drug": ("antidepressant", "lithium", "stabiliser", "antipsychotic", "none", "unavailable"),
    "data": ("stopped", "2", "7", "30", "never"),
    "diagnosis": ("mdd", "bipolar_1", "bipolar_2", "unknown"),
    "changed": ("yes",),
    "sort": ("urgency", "code", "depression", "mania", "data", "follow-up"),
}
FREE = {"team": 150, "q": 40}  # so many characters
DEFAULT_SORT = "urgency"


@dataclass(frozen=True)
class Wanted:
    """Which rows; each field is empty where it does not matter. ``start`` counts from 0."""

    tier: str = ""
    track: str = ""
    alert: str = ""
    drug: str = ""
    team: str = ""
    data: str = ""
    diagnosis: str = ""
    changed: str = ""
    q: str = ""
    sort: str = DEFAULT_SORT
    start: int = 0

    @classmethod
    def of(cls, asked: Mapping[str, str]) -> "Wanted":
        """What an address asks for; what is no choice is left out.

        >>> Wanted.of({"tier": "High", "track": "nonsense", "q": " p-1 "}).address()
        'tier=High&q=p-1'
        """
        found: dict[str, str] = {}
        for name, choices in CHOICES.items():
            if asked.get(name) in choices:
                found[name] = asked[name]
        for name, longest in FREE.items():
            if value := asked.get(name, "").replace("\x00", "").strip()[:longest]:
                found[name] = value
        start = asked.get("start", "")
        return cls(**found, start=int(start) if start.isdecimal() and len(start) < 7 else 0)

    def filters(self) -> Iterator[tuple[str, str]]:
        """The filters that matter, by name."""
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name not in ("sort", "start") and value:
                yield field.name, value

    @property
    def is_filtered(self) -> bool:
        """Whether not everybody is wanted."""
        return any(True for _ in self.filters())

    @property
    def is_narrowed(self) -> bool:
        """Whether more was asked for than a tier or the changed ones, or another order."""
        shown = {name for name, _value in self.filters()} - {"tier", "changed"}
        return bool(shown) or self.sort != DEFAULT_SORT

    def with_(self, **changed: str) -> "Wanted":
        """The same with other values, from the first row on."""
        return replace(self, start=0, **changed)

    def address(self, start: int = 0) -> str:
        """As the query of an address."""
        known = dict(self.filters())
        if self.sort != DEFAULT_SORT:
            known["sort"] = self.sort
        if start:
            known["start"] = str(start)
        return urlencode(known)
