"""Reads for rule performance: alerts with what came of them, and what was found by others."""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from io import StringIO

from django.db.models import Prefetch
from django.utils import timezone

from alerts.domain.history import kept
from alerts.domain.performance import LOOKED_BACK, Finding, Line, Raised, missed, performance
from alerts.models import Alert, AlertTransition
from patients.models import Episode, Patient, Questionnaire, User
from patients.resources import instruments
from patients.selectors import patients_visible_to
from patients.services import audit_record

MONTHS_SHOWN = 12
HEAD = (
    "month", "kind", "rule", "raised", "acknowledged", "median hours to acknowledge", "dismissed",
    "reasons of dismissal", "confirmed within 14 days", "could be confirmed",
)  # fmt: skip


@dataclass(frozen=True)
class Performance:
    """Lines by rule and month, and the episodes that no alert came before."""

    lines: list[Line]
    missed: list[tuple[str, Finding]]
    episodes: int


def rule_performance(user: User, today: date) -> Performance:
    """Of the user's patients, over the last twelve months."""
    first = today - timedelta(days=MONTHS_SHOWN * 30)
    visible = patients_visible_to(user)
    alerts = list(_raised(visible, first))
    episodes = [
        Finding(e.patient_id, e.kind, e.first_day, e.last_day)
        for e in Episode.objects.filter(patient__in=visible, entered_in_error=False)
    ]
    recent = [e for e in episodes if e.first_day >= first + LOOKED_BACK]
    codes = dict(visible.values_list("pk", "code"))
    return Performance(
        performance(alerts, [*episodes, *_positive(visible, first)], today),
        [(codes[e.patient], e) for e in missed(recent, alerts)],
        len(recent),
    )


def _raised(patients: Iterable[Patient], first: date) -> Iterator[Raised]:
    rows = Alert.objects.filter(patient__in=patients, raised_at__date__gte=first)
    ordered = AlertTransition.objects.order_by("at", "id").defer("note")
    for alert in rows.prefetch_related(Prefetch("transitions", ordered)):
        steps = kept(alert.transitions.all())
        taken = next((t.at for t in steps if t.to_state == "acknowledged"), None)
        closed = steps[-1] if steps and steps[-1].event == "dismissed" else None
        yield Raised(
            alert.patient_id,
            steps[0].reason if steps else "",
            alert.kind,
            alert.raised_at,
            timezone.localtime(alert.raised_at).date(),
            taken,
            closed.reason if closed else "",
        )


def _positive(patients: Iterable[Patient], first: date) -> Iterator[Finding]:
    rows = Questionnaire.objects.filter(
        patient__in=patients, entered_in_error=False, taken_at__date__gte=first,
        instrument__in=instruments(),
    )  # fmt: skip
    for row in rows:
        if instruments()[row.instrument].positive(row.total):
            day = timezone.localtime(row.taken_at).date()
            yield Finding(row.patient_id, row.instrument, day, day)


def performance_csv(user: User, today: date) -> str:
    """The lines as a table, audited: it leaves Clarity. It holds counts and no patient."""
    lines = rule_performance(user, today).lines
    text = StringIO()
    table = csv.writer(text)
    table.writerow(HEAD)
    for line in lines:
        reasons = "; ".join(f"{reason}: {n}" for reason, n in sorted(line.dismissed.items()))
        hours = "" if line.median_hours is None else f"{line.median_hours:.1f}"
        table.writerow(
            (
                line.month, line.kind, line.rule, line.raised, line.acknowledged, hours,
                sum(line.dismissed.values()), reasons, line.confirmed, line.confirmable,
            )
        )  # fmt: skip
    audit_record(by=user, action="rule performance exported", lines=len(lines))
    return text.getvalue()
