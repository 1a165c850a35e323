"""Baselines: who waits for what, and one patient's versions, days, intake and their changes."""

from collections.abc import Callable, Mapping
from typing import Any

from django.contrib import messages
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from patients.domain.errors import InputError
from patients.models import Patient, User
from patients.pages import paged
from patients.permissions import Permission
from patients.selectors import patients_visible_to
from patients.services import record_opened
from patients.views import actor, page, patient_for
from scoring import baselines as services
from scoring import stretches
from scoring.baseline_forms import EditForm, FreezeForm, IntakeForm, MarkForm, RejectForm
from scoring.domain.daily import FULL_DAY_MINUTES
from scoring.domain.personal_baseline import Stretch
from scoring.models import Baseline, BaselineStretch
from scoring.presenters.baselines import (
    Preview,
    baseline_line,
    compared,
    newest_and_live,
    preview,
    side_by_side,
)
from scoring.resources import baseline_rules
from scoring.selectors import last_full_day
from scoring.usual import (
    Values,
    intake_of,
    run_ins,
    stretches_of,
    tried,
    worked_out,
)

LIVE = (Baseline.State.PROPOSED, *Baseline.IN_FORCE)
UNUSABLE = 422


def baseline_for(user: User, baseline_id: int) -> Baseline:
    """The baseline, if it is of one of the user's patients; else 404."""
    rows = Baseline.objects.filter(patient__in=patients_visible_to(user))
    return get_object_or_404(rows.select_related("patient"), pk=baseline_id)


def stretch_for(user: User, stretch_id: int) -> BaselineStretch:
    """The marked days, if they are of one of the user's patients; else 404."""
    rows = BaselineStretch.objects.filter(patient__in=patients_visible_to(user))
    return get_object_or_404(rows.select_related("patient"), pk=stretch_id)


@page("GET", Permission.MANAGE_BASELINES)
def baselines(request: HttpRequest) -> HttpResponse:
    """Where each patient stands: run-in, a proposal, the baseline in force."""
    live = Prefetch("baselines", Baseline.objects.filter(state__in=LIVE), to_attr="live")
    patients = list(patients_visible_to(actor(request)).prefetch_related(live))
    rules, today = baseline_rules(), timezone.localdate()
    new = run_ins([p for p in patients if not p.live], rules)
    lines = [baseline_line(p, p.live, new.get(p.pk), today, rules) for p in patients]
    lines.sort(key=lambda line: line.urgency)
    waiting = sum(line.proposal is not None for line in lines)
    search, only = request.GET.get("q", "").strip().lower(), request.GET.get("only") == "waiting"
    shown = [
        line
        for line in lines
        if search in line.patient.code.lower() and (line.proposal or not only)
    ]
    context = paged(request, shown) | {
        "total": len(lines),
        "waiting": waiting,
        "only": only,
        "search": search,
        "rules": rules,
    }
    return render(request, "scoring/baselines.html", context)


@page("GET", Permission.MANAGE_BASELINES, find=patient_for)
def baseline_page(request: HttpRequest, patient: Patient) -> HttpResponse:
    """One patient's baselines. The opening is written down."""
    record_opened(patient=patient, by=actor(request), page="baselines")
    return _shown(request, patient)


@page("POST", Permission.MANAGE_BASELINES, find=patient_for)
def propose(request: HttpRequest, patient: Patient) -> HttpResponse:
    """Work out a baseline from the newest days."""
    return _done(
        request,
        patient,
        lambda: services.baseline_propose(patient=patient, by=actor(request)),
        _("A baseline of %(patient)s is proposed: review and approve it.") % {"patient": patient},
    )


@page("POST", Permission.MANAGE_BASELINES, find=baseline_for)
def approve(request: HttpRequest, baseline: Baseline) -> HttpResponse:
    """Put a proposed baseline in force."""
    return _done(
        request,
        baseline.patient,
        lambda: services.baseline_approve(baseline=baseline, by=actor(request)),
        _named(_("Baseline %(version)s of %(patient)s approved."), baseline),
    )


@page("POST", Permission.MANAGE_BASELINES, find=baseline_for)
def unfreeze(request: HttpRequest, baseline: Baseline) -> HttpResponse:
    """Let other versions be proposed again."""
    return _done(
        request,
        baseline.patient,
        lambda: services.baseline_unfreeze(baseline=baseline, by=actor(request)),
        _named(_("Baseline %(version)s of %(patient)s is no longer frozen."), baseline),
    )


@page("POST", Permission.MANAGE_BASELINES, find=stretch_for)
def unmark(request: HttpRequest, stretch: BaselineStretch) -> HttpResponse:
    """Take back what was said of some days."""
    return _done(
        request,
        stretch.patient,
        lambda: stretches.stretch_unmark(stretch=stretch, by=actor(request)),
        _("The mark of %(patient)s is removed.") % {"patient": stretch.patient},
    )


@page("POST", Permission.MANAGE_BASELINES, find=baseline_for)
def reject(request: HttpRequest, baseline: Baseline) -> HttpResponse:
    """Do not take a proposal."""
    form = _form(RejectForm, "reject", request.POST)
    return _with_reason(request, baseline, form, services.baseline_reject, "reject")


@page("POST", Permission.MANAGE_BASELINES, find=baseline_for)
def freeze(request: HttpRequest, baseline: Baseline) -> HttpResponse:
    """Keep the baseline in force as it is."""
    form = _form(FreezeForm, "freeze", request.POST)
    return _with_reason(request, baseline, form, services.baseline_freeze, "freeze")


@page("POST", Permission.MANAGE_BASELINES, find=baseline_for)
def edit(request: HttpRequest, baseline: Baseline) -> HttpResponse:
    """Show what other means and SDs would change; once confirmed, put them in force."""
    form, patient = EditForm(request.POST, baseline=baseline), baseline.patient
    if not form.is_valid():
        return _shown(request, patient, UNUSABLE, edit=form)
    changed, reason = form.changed(), form.cleaned_data["reason"]
    try:
        if "confirm" in request.POST:
            made = services.baseline_edit(
                baseline=baseline, usual=changed, reason=reason, by=actor(request)
            )
            messages.success(
                request, _named(_("Baseline %(version)s of %(patient)s is in force."), made)
            )
            return redirect("baseline-page", patient.code)
        values = services.edited_values(baseline, changed)
    except InputError as refusal:
        form.add_error(None, str(refusal))
        return _shown(request, patient, UNUSABLE, edit=form)
    return _shown(request, patient, edit=form, edit_changes=_changes(patient, values))


@page("POST", Permission.MANAGE_BASELINES, find=patient_for)
def mark(request: HttpRequest, patient: Patient) -> HttpResponse:
    """Show what leaving out or using some days would change; once confirmed, mark them."""
    form = _form(MarkForm, "mark", request.POST)
    if not form.is_valid():
        return _shown(request, patient, UNUSABLE, mark=form)
    given = form.cleaned_data
    try:
        if "confirm" in request.POST:
            stretches.stretch_mark(patient=patient, by=actor(request), **given)
            well, ill = (
                _("The days of %(patient)s are marked as well."),
                _("The days of %(patient)s are marked as ill."),
            )
            words = well if given["kind"] == BaselineStretch.Kind.WELL else ill
            messages.success(request, words % {"patient": patient})
            return redirect("baseline-page", patient.code)
        stretches.stretch_check(patient, given["first_day"], given["last_day"])
    except InputError as refusal:
        form.add_error(None, str(refusal))
        return _shown(request, patient, UNUSABLE, mark=form)
    return _shown(request, patient, mark=form, **_marked(patient, given))


def _marked(patient: Patient, given: Mapping[str, Any]) -> dict[str, Any]:
    """What the baseline would be with these days, or why there would be none."""
    new = Stretch(given["first_day"], given["last_day"], given["kind"])
    last = last_full_day(patient, FULL_DAY_MINUTES)
    try:
        found = worked_out(patient, last, [*stretches_of(patient), new], baseline_rules())
    except InputError as refusal:
        return {"mark_refused": str(refusal)}
    return {"mark_found": found, "mark_changes": _changes(patient, found.values)}


@page("POST", Permission.MANAGE_BASELINES, find=patient_for)
def intake(request: HttpRequest, patient: Patient) -> HttpResponse:
    """Keep a clinician's intake assessment as the starting point."""
    form = _form(IntakeForm, "intake", request.POST)
    if form.is_valid():
        try:
            stretches.intake_set(patient=patient, by=actor(request), **form.cleaned_data)
            messages.success(
                request, _("The intake assessment of %(patient)s is kept.") % {"patient": patient}
            )
            return redirect("baseline-page", patient.code)
        except InputError as refusal:
            form.add_error(None, str(refusal))
    return _shown(request, patient, UNUSABLE, intake=form)


def _with_reason(
    request: HttpRequest, baseline: Baseline, form: Any, service: Callable[..., None], name: str
) -> HttpResponse:
    patient = baseline.patient
    if form.is_valid():
        try:
            service(baseline=baseline, by=actor(request), **form.cleaned_data)
            rejected, frozen = (
                _("Baseline %(version)s of %(patient)s rejected."),
                _("Baseline %(version)s of %(patient)s frozen."),
            )
            messages.success(request, _named(rejected if name == "reject" else frozen, baseline))
            return redirect("baseline-page", patient.code)
        except InputError as refusal:  # what the form stood on may be decided by now
            messages.error(request, str(refusal))
    return _shown(request, patient, UNUSABLE, **{name: form})


def _named(words: str, baseline: Baseline) -> str:
    return words % {"version": baseline.version, "patient": baseline.patient}


def _done(
    request: HttpRequest, patient: Patient, act: Callable[[], object], words: str
) -> HttpResponse:
    try:
        act()
        messages.success(request, words)
    except InputError as refusal:
        messages.error(request, str(refusal))
    return redirect("baseline-page", patient.code)


def _form(kind: Any, name: str, data: Any = None) -> Any:
    return kind(data, auto_id=f"{name}-%s", label_suffix="")


def _changes(patient: Patient, values: Values) -> Preview:
    return preview(tried(patient, values, baseline_rules()))


def _shown(request: HttpRequest, patient: Patient, status: int = 200, **more: Any) -> HttpResponse:
    """The page; ``more`` are forms as they were typed, and previews."""
    rules = baseline_rules()
    every = list(patient.baselines.all())
    live = {row.state: row for row in every if row.state in LIVE}
    versions = newest_and_live(every)
    proposal = live.get(Baseline.State.PROPOSED)
    in_force = live.get(Baseline.State.APPROVED) or live.get(Baseline.State.FROZEN)
    editable = proposal or live.get(Baseline.State.APPROVED)
    context = {
        "patient": patient,
        "rules": rules,
        "run_in": run_ins([patient], rules)[patient.pk],
        "versions": versions,
        "rows": side_by_side(versions, rules),
        "proposal": proposal,
        "in_force": in_force,
        "changes": _changes(patient, proposal.values) if proposal else None,
        "compared": compared(proposal, in_force, rules) if proposal else [],
        "intake_now": intake_of(patient),
        "marks": BaselineStretch.objects.filter(patient=patient),
        "edit": EditForm(baseline=editable) if editable else None,
        "mark": _form(MarkForm, "mark"),
        "intake": _form(IntakeForm, "intake"),
        "reject": _form(RejectForm, "reject"),
        "freeze": _form(FreezeForm, "freeze"),
        "zone": timezone.get_default_timezone_name(),
    }
    return render(request, "scoring/baseline.html", context | more, status=status)
