"""People and care teams, for administrators."""

from collections import Counter
from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from patients import people_services as services
from patients.domain.errors import InputError
from patients.models import Patient, User
from patients.pages import paged
from patients.people import caseload, people, teams, without_team
from patients.people_forms import (
    PARTS,
    AssignForm,
    HandOverForm,
    MemberForm,
    NewPersonForm,
    PersonForm,
)
from patients.permissions import Permission
from patients.selectors import patients_visible_to
from patients.services import record_opened
from patients.views import actor, page, patient_for

STATES = ("open", "locked", "unused", "closed")
UNUSABLE = 422


def person_for(_user: User, person_id: int) -> User:
    """Somebody who logs in."""
    return get_object_or_404(User, pk=person_id)


@page("GET", Permission.MANAGE_PEOPLE)
def people_page(request: HttpRequest) -> HttpResponse:
    """Everybody, with role, last log-in and patients."""
    return _people(request, NewPersonForm())


@page("POST", Permission.MANAGE_PEOPLE)
def person_create(request: HttpRequest) -> HttpResponse:
    """Somebody new. The answer has the link with which they set their password."""
    form = NewPersonForm(request.POST)
    if form.is_valid():
        try:
            person = services.person_create(by=actor(request), **form.cleaned_data)
            token = services.password_void(person=person, by=actor(request))
            return _person(request, person, link=_link(request, person, token))
        except InputError as refusal:
            form.add_error("username", str(refusal))
    return _people(request, form, status=UNUSABLE)


def _people(request: HttpRequest, form: NewPersonForm, status: int = 200) -> HttpResponse:
    everybody = people(timezone.now())
    counts = Counter(person.state for person in everybody)
    state, search = request.GET.get("state", ""), request.GET.get("q", "").strip().lower()
    shown = [
        person
        for person in everybody
        if (state not in STATES or person.state == state)
        and search in f"{person.user} {person.user.username}".lower()
    ]
    context = paged(request, shown) | {
        "total": len(everybody),
        "counts": [(name, counts[name]) for name in STATES],
        "state": state if state in STATES else "",
        "search": search,
        "form": form,
        "zone": timezone.get_default_timezone_name(),
    }
    return render(request, "patients/people.html", context, status=status)


@page("GET", Permission.MANAGE_PEOPLE, find=person_for)
def person_page(request: HttpRequest, person: User) -> HttpResponse:
    """One person: names, role, account, patients."""
    return _person(request, person)


@page("POST", Permission.MANAGE_PEOPLE, find=person_for)
def person_change(request: HttpRequest, person: User) -> HttpResponse:
    """Other names, another address or role."""
    before = User.objects.get(pk=person.pk)  # a form fills its instance in, even if it is refused
    form = PersonForm(request.POST, instance=person)
    if form.is_valid():
        try:
            services.person_change(person=before, by=actor(request), **form.cleaned_data)
            messages.success(request, _("%(person)s is saved.") % {"person": person})
            return redirect("person", person.pk)
        except InputError as refusal:
            form.add_error("role", str(refusal))
    return _person(request, before, UNUSABLE, form=form)


@page("POST", Permission.MANAGE_PEOPLE, find=person_for)
def password_reset(request: HttpRequest, person: User) -> HttpResponse:
    """The old password is void; this answer is the only place with the link to a new one."""
    try:
        token = services.password_void(person=person, by=actor(request))
    except InputError as refusal:
        messages.error(request, str(refusal))
        return redirect("person", person.pk)
    return _person(request, person, link=_link(request, person, token))


def _link(request: HttpRequest, person: User, token: str) -> str:
    key = urlsafe_base64_encode(force_bytes(person.pk))
    return request.build_absolute_uri(reverse("password-set", args=[key, token]))


def _account(
    service: Callable[..., None], done: Callable[[User], str]
) -> Callable[..., HttpResponse]:
    """A view that does one thing to an account and returns to its page."""

    @page("POST", Permission.MANAGE_PEOPLE, find=person_for)
    def view(request: HttpRequest, person: User) -> HttpResponse:
        try:
            service(person=person, by=actor(request))
            messages.success(request, done(person))
        except InputError as refusal:
            messages.error(request, str(refusal))
        return redirect("person", person.pk)

    return view


deactivate = _account(
    services.person_deactivate,
    lambda who: _("The account of %(person)s is closed.") % {"person": who},
)
activate = _account(
    services.person_activate,
    lambda who: _("The account of %(person)s is open again.") % {"person": who},
)
unlock = _account(
    services.person_unlock,
    lambda who: _("%(person)s can try to log in again.") % {"person": who},
)


@page("POST", Permission.MANAGE_PEOPLE, find=person_for)
def assign(request: HttpRequest, person: User) -> HttpResponse:
    """A patient comes into the person's care."""
    form = AssignForm(request.POST, label_suffix="")
    if form.is_valid():
        code, part = form.cleaned_data["code"].strip(), form.cleaned_data["part"]
        patient = patients_visible_to(actor(request)).filter(code__iexact=code).first()
        try:
            if patient is None:
                raise InputError(_("There is no patient with this code: check it."))
            services.member_set(patient=patient, person=person, part=part, by=actor(request))
            messages.success(
                request,
                _("%(patient)s is in the care of %(person)s.")
                % {"patient": patient, "person": person},
            )
            return redirect("person", person.pk)
        except InputError as refusal:
            form.add_error("code", str(refusal))
    return _person(request, person, UNUSABLE, assign=form)


@page("POST", Permission.MANAGE_PEOPLE, find=person_for)
def hand_over(request: HttpRequest, person: User) -> HttpResponse:
    """The chosen patients go to somebody else."""
    form = HandOverForm(request.POST, giver=person)
    chosen = request.POST.getlist("patient")
    if form.is_valid():
        given = patients_visible_to(actor(request)).filter(code__in=chosen)
        try:
            n = services.caseload_hand_over(
                giver=person, patients=given, by=actor(request), **form.cleaned_data
            )
            words = ngettext(
                "%(n)d patient is handed over to %(taker)s.",
                "%(n)d patients are handed over to %(taker)s.",
                n,
            )
            messages.success(request, words % {"n": n, "taker": form.cleaned_data["taker"]})
            return redirect("person", person.pk)
        except InputError as refusal:
            form.add_error(None, str(refusal))
    return _person(request, person, UNUSABLE, hand_over=form, chosen=chosen)


def _person(request: HttpRequest, person: User, status: int = 200, **more: object) -> HttpResponse:
    now = timezone.now()
    context: dict[str, object] = {
        "person": next(p for p in people(now) if p.user.pk == person.pk),
        "is_me": person.pk == actor(request).pk,
        "members": list(caseload(person)),
        "chosen": None,
        "form": PersonForm(instance=User.objects.get(pk=person.pk)),
        "hand_over": HandOverForm(giver=person),
        "assign": AssignForm(label_suffix=""),
        "zone": timezone.get_default_timezone_name(),
    }
    return render(request, "patients/person.html", context | more, status=status)


@page("GET", Permission.MANAGE_PEOPLE)
def teams_page(request: HttpRequest) -> HttpResponse:
    """Who cares for whom, and for whom nobody does."""
    every = patients_visible_to(actor(request))
    alone = without_team(every)
    search, only_alone = request.GET.get("q", "").strip(), request.GET.get("only") == "nobody"
    shown = (alone if only_alone else every).filter(code__icontains=search).order_by("code")
    context = paged(request, teams(shown)) | {
        "total": every.count(),
        "alone": alone.count(),
        "only_alone": only_alone,
        "search": search,
    }
    return render(request, "patients/teams.html", context)


@page("GET", Permission.MANAGE_PEOPLE, find=patient_for)
def team_page(request: HttpRequest, patient: Patient) -> HttpResponse:
    """One patient's care team."""
    return _team(request, patient, MemberForm(label_suffix=""))


@page("POST", Permission.MANAGE_PEOPLE, find=patient_for)
def team_set(request: HttpRequest, patient: Patient) -> HttpResponse:
    """Somebody comes into the team, or has another part in it."""
    form = MemberForm(request.POST, label_suffix="")
    if form.is_valid():
        try:
            services.member_set(patient=patient, by=actor(request), **form.cleaned_data)
            messages.success(
                request, _("The care team of %(patient)s is saved.") % {"patient": patient}
            )
            return redirect("team", patient.code)
        except InputError as refusal:
            form.add_error("person", str(refusal))
    return _team(request, patient, form, UNUSABLE)


@page("POST", Permission.MANAGE_PEOPLE, find=patient_for)
def team_remove(request: HttpRequest, patient: Patient) -> HttpResponse:
    """Somebody leaves the team."""
    key = request.POST.get("person", "")
    team = patient.care_team.select_related("user")
    member = next((m for m in team if str(m.user_id) == key), None)
    if member:
        services.member_remove(patient=patient, person=member.user, by=actor(request))
        messages.success(
            request,
            _("%(person)s sees %(patient)s no more.") % {"person": member.user, "patient": patient},
        )
    return redirect("team", patient.code)


def _team(
    request: HttpRequest, patient: Patient, form: MemberForm, status: int = 200
) -> HttpResponse:
    record_opened(patient=patient, by=actor(request), page="team")
    context = {
        "patient": teams(Patient.objects.filter(pk=patient.pk)).get(),
        "form": form,
        "parts": PARTS,
    }
    return render(request, "patients/team.html", context, status=status)
