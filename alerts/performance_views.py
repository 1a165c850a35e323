"""How the rules do, and the same as a file."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from alerts.models import DismissReason
from alerts.performance import MONTHS_SHOWN, performance_csv, rule_performance
from alerts.presenters.cards import WHY
from clarity_site.said import said_again
from patients.views import actor, page


@page("GET")
def rules_performance(request: HttpRequest) -> HttpResponse:
    """Each rule by month, and episodes that no alert came before."""
    found = rule_performance(actor(request), timezone.localdate())
    reasons = dict(DismissReason.choices)
    lines = [
        {
            "line": line,
            "why": said_again(WHY.get(line.rule, line.rule)) or "–",
            "dismissed": [(reasons.get(r, r), n) for r, n in sorted(line.dismissed.items())],
        }
        for line in found.lines
    ]
    context = {"lines": lines, "found": found, "months": MONTHS_SHOWN}
    return render(request, "alerts/performance.html", context)


@page("GET")
def rules_performance_csv(request: HttpRequest) -> HttpResponse:
    """The lines as CSV."""
    text = performance_csv(actor(request), timezone.localdate())
    answer = HttpResponse(text, content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="rule-performance.csv"'
    return answer
