"""How each rule that raises alerts does: what came of its alerts, month by month."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from operator import or_
from statistics import median

CONFIRMED_WITHIN = timedelta(days=14)  # after the alert
LOOKED_BACK = timedelta(days=14)  # before an episode
# Which questionnaires and episodes confirm an alert of a kind.
CONFIRMING = {
    "depression": ("phq8", "phq9", "depression", "mixed"),
    "mania": ("asrm", "mania", "hypomania", "mixed"),
    "concern": ("phq8", "phq9", "asrm", "depression", "mania", "hypomania", "mixed"),
}


@dataclass(frozen=True)
class Finding:
    """A questionnaire above its cut-off, or an episode: what, and from when to when it holds."""

    patient: int
    what: str
    first_day: date
    last_day: date | None


@dataclass(frozen=True)
class Raised:
    """One alert that a rule raised, and what came of it."""

    patient: int
    rule: str
    kind: str
    at: datetime
    day: date
    acknowledged_at: datetime | None
    dismissed_for: str


@dataclass(frozen=True)
class Line:
    """One rule in one month. ``median_hours`` is of those that were acknowledged."""

    rule: str
    kind: str
    month: str
    raised: int
    acknowledged: int
    dismissed: Mapping[str, int]
    confirmed: int
    confirmable: int
    median_hours: float | None


def performance(alerts: Sequence[Raised], findings: Sequence[Finding], today: date) -> list[Line]:
    """A line for each rule, kind and month in which it raised anything, newest month first.

    An alert is confirmed when a questionnaire of its pole above the cut-off, or an episode,
    lies within 14 days after it, or an episode goes on that day. Kinds that nothing could
    confirm (safety, data) count as not confirmable, and one that nothing has confirmed yet
    counts only once its 14 days are over.
    """
    by: dict[tuple[str, str, str], list[Raised]] = {}
    for alert in alerts:
        by.setdefault((f"{alert.day:%Y-%m}", alert.kind, alert.rule), []).append(alert)
    return [
        _line(rule, kind, month, rows, findings, today)
        for (month, kind, rule), rows in sorted(by.items(), key=lambda item: _newest_first(item[0]))
    ]


def _newest_first(key: tuple[str, str, str]) -> tuple[int, str, str]:
    month, kind, rule = key
    return -int(month.replace("-", "")), kind, rule


def _line(
    rule: str,
    kind: str,
    month: str,
    rows: Sequence[Raised],
    findings: Sequence[Finding],
    today: date,
) -> Line:
    waits = [(r.acknowledged_at - r.at) / timedelta(hours=1) for r in rows if r.acknowledged_at]
    confirmed = [is_confirmed(r, findings) for r in rows if r.kind in CONFIRMING]
    over = [today > r.day + CONFIRMED_WITHIN for r in rows if r.kind in CONFIRMING]
    return Line(
        rule,
        kind,
        month,
        len(rows),
        len(waits),
        Counter(r.dismissed_for for r in rows if r.dismissed_for),
        sum(confirmed),
        sum(map(or_, confirmed, over)),
        median(waits) if waits else None,
    )


def is_confirmed(alert: Raised, findings: Sequence[Finding]) -> bool:
    """Whether something of the alert's pole was found within 14 days, or goes on that day."""
    last = alert.day + CONFIRMED_WITHIN
    return any(
        f.patient == alert.patient
        and f.what in CONFIRMING.get(alert.kind, ())
        and f.first_day <= last
        and (f.last_day is None or f.last_day >= alert.day)
        for f in findings
    )


def missed(episodes: Sequence[Finding], alerts: Sequence[Raised]) -> Iterator[Finding]:
    """Episodes without an alert of their pole in the 14 days before, or on their first day."""
    for episode in episodes:
        first = episode.first_day - LOOKED_BACK
        if not any(
            a.patient == episode.patient
            and episode.what in CONFIRMING.get(a.kind, ())
            and first <= a.day <= episode.first_day
            for a in alerts
        ):
            yield episode
