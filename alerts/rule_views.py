"""The page on which every rule file says on whose word it stands."""

from itertools import groupby

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from alerts.rule_files import provenance, rule_files
from patients.views import page


@page("GET")
def rules(request: HttpRequest) -> HttpResponse:
    """Source, author, checker and review dates of every rule, for everybody."""
    today = timezone.localdate()
    told = [(file.group, provenance(file.path, today)) for file in rule_files()]
    groups = [
        (name, [each for _, each in found]) for name, found in groupby(told, lambda pair: pair[0])
    ]
    context = {
        "groups": groups,
        "total": len(told),
        "overdue": sum(each.overdue for _, each in told),
        "unverified": sum(not each.checked_by for _, each in told),
    }
    return render(request, "alerts/rules.html", context)
