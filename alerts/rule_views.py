"""The pages on which every rule file says what it says, and on whose word it stands."""

from itertools import groupby

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from alerts.presenters.rule_tables import rule_tables
from alerts.rule_files import RuleFile, provenance, rule_content, rule_files
from patients.domain.rule_files import rule_notes
from patients.models import User
from patients.views import page


def rule_for(_user: User, rule: str) -> RuleFile:
    """The file of that name, for everybody; else 404."""
    found = next((file for file in rule_files() if file.path.stem == rule), None)
    if found is None:
        raise Http404
    return found


@page("GET")
def rules(request: HttpRequest) -> HttpResponse:
    """Source, author, checker and review dates of every rule, for everybody."""
    today = timezone.localdate()
    told = [(file.group, provenance(file.path, today)) for file in rule_files()]
    only = request.GET.get("only", "")
    shown = [
        (group, each)
        for group, each in told
        if (only != "overdue" or each.overdue) and (only != "unverified" or not each.checked_by)
    ]
    groups = [
        (name, [each for _, each in found]) for name, found in groupby(shown, lambda pair: pair[0])
    ]
    context = {
        "groups": groups,
        "total": len(told),
        "overdue": sum(each.overdue for _, each in told),
        "unverified": sum(not each.checked_by for _, each in told),
        "only": only if only in ("overdue", "unverified") else "",
    }
    return render(request, "alerts/rules.html", context)


@page("GET", find=rule_for)
def rule(request: HttpRequest, file: RuleFile) -> HttpResponse:
    """One rule file as tables, for everybody."""
    context = {
        "group": file.group,
        "rule": provenance(file.path, timezone.localdate()),
        "tables": list(rule_tables(rule_content(file.path), rule_notes(file.path))),
    }
    return render(request, "alerts/rule.html", context)
