"""My notices, when they are mailed, and who is on call."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from alerts.mail import notice_setting_set, notice_words, notices_of, notices_seen
from alerts.models import NoticeSetting, OnCallTurn
from alerts.notices import on_call_remove, on_call_set
from clarity_site.languages import zone_of
from clarity_site.said import said_again
from patients.domain.errors import InputError
from patients.models import Role, User
from patients.permissions import Permission, may
from patients.views import actor, back, page

SHOWN = 100


class SettingForm(forms.Form):
    """When the digest comes."""

    digest_hour = forms.IntegerField(
        min_value=0, max_value=23, label=_("Hour of the digest, 0 to 23")
    )


class TurnForm(forms.Form):
    """Who is on call, from when to when."""

    user = forms.ModelChoiceField(
        User.objects.filter(role=Role.PSYCHIATRIST, is_active=True).order_by("username"),
        label=_("Psychiatrist"),
    )
    first_day = forms.DateField(
        label=pgettext_lazy("a day", "From"),
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
    )
    last_day = forms.DateField(
        label=_("To, that day included"),
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
    )


@page("GET")
def notices(request: HttpRequest) -> HttpResponse:
    """My notices, newest first; opening the list marks them as seen."""
    return _notices(request, None)


@page("POST")
def setting(request: HttpRequest) -> HttpResponse:
    """When my digest is mailed."""
    form = SettingForm(request.POST, label_suffix="")
    if form.is_valid():
        try:
            notice_setting_set(user=actor(request), **form.cleaned_data)
            messages.success(request, _("Your digest is set."))
            return back(request, "notices")
        except InputError as error:
            form.add_error("digest_hour", said_again(error))
    return _notices(request, form, status=422)


def _notices(request: HttpRequest, form: SettingForm | None, status: int = 200) -> HttpResponse:
    user, now = actor(request), timezone.now()
    lines = [(n, notice_words(n, now)) for n in notices_of(user)[:SHOWN]]
    mine = NoticeSetting.objects.filter(user=user).first()
    initial = {
        "digest_hour": mine.digest_hour if mine else 8,
    }
    context = {
        "lines": lines,
        "zone": zone_of(user),
        "form": form or SettingForm(initial=initial, label_suffix=""),
    }
    answer = render(request, "alerts/notices.html", context, status=status)
    notices_seen(user=user, now=now)
    return answer


@page("GET")
def on_call(request: HttpRequest) -> HttpResponse:
    """Who is on call: for everybody to read."""
    return _on_call(request, TurnForm(label_suffix=""))


@page("POST", Permission.MANAGE_MESSAGES)
def on_call_add(request: HttpRequest) -> HttpResponse:
    """Put somebody on call."""
    form = TurnForm(request.POST, label_suffix="")
    if form.is_valid():
        try:
            on_call_set(by=actor(request), **form.cleaned_data)
            messages.success(
                request, _("%(who)s is on call then.") % {"who": form.cleaned_data["user"].username}
            )
            return back(request, "on-call")
        except InputError as error:
            form.add_error("last_day", said_again(error))
    return _on_call(request, form, status=422)


@page("POST", Permission.MANAGE_MESSAGES)
def on_call_drop(request: HttpRequest) -> HttpResponse:
    """Take a turn away."""
    asked = request.POST.get("turn", "")
    turn = OnCallTurn.objects.filter(pk=int(asked)).first() if asked.isdecimal() else None
    if turn:
        on_call_remove(turn=turn, by=actor(request))
        messages.success(request, _("The turn is taken away."))
    return back(request, "on-call")


def _on_call(request: HttpRequest, form: TurnForm, status: int = 200) -> HttpResponse:
    turns = OnCallTurn.objects.filter(last_day__gte=timezone.localdate()).select_related("user")
    context = {
        "turns": turns,
        "form": form,
        "may_manage": may(actor(request), Permission.MANAGE_MESSAGES),
    }
    return render(request, "alerts/on_call.html", context, status=status)
