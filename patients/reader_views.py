"""In which language and on whose clock somebody reads Clarity."""

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from clarity_site.languages import zone_of
from clarity_site.said import said_again
from patients.domain.days import zone_names
from patients.domain.errors import InputError
from patients.models import User
from patients.services import reader_set
from patients.views import actor, back, page


class ReaderForm(forms.Form):
    """The language, or the browser's; the zone in which times are told on pointing at them."""

    language = forms.ChoiceField(
        label=gettext_lazy("Language"),
        required=False,
        choices=[("", gettext_lazy("as the browser asks")), *settings.LANGUAGES],
    )
    time_zone = forms.CharField(
        label=gettext_lazy("Your time zone"),
        max_length=64,
        widget=forms.TextInput(attrs={"list": "zone-names"}),
        error_messages={"required": gettext_lazy("Give the time zone.")},
    )


@require_POST
@login_not_required
def language_choose(request: HttpRequest) -> HttpResponse:
    """Switch the language from any page, the log-in too: kept in a cookie and with the person."""
    language = request.POST.get("language", "")
    answer = back(request, "panel")
    if language in dict(settings.LANGUAGES):
        if isinstance(request.user, User):
            reader_set(user=request.user, language=language)
        _remember(answer, language)
    return answer


@page("GET")
def preferences(request: HttpRequest) -> HttpResponse:
    """The language and the zone of whoever is logged in."""
    user = actor(request)
    initial = {"language": user.language, "time_zone": zone_of(user)}
    return _preferences(request, ReaderForm(initial=initial, label_suffix=""))


@page("POST")
def preferences_save(request: HttpRequest) -> HttpResponse:
    """Keep both."""
    form = ReaderForm(request.POST, label_suffix="")
    if form.is_valid():
        try:
            reader_set(user=actor(request), **form.cleaned_data)
        except InputError as refusal:
            form.add_error("time_zone", said_again(refusal))
    if form.errors:
        return _preferences(request, form, status=422)
    language, answer = form.cleaned_data["language"], back(request, "preferences")
    if language:
        _remember(answer, language)
    else:
        answer.delete_cookie(settings.LANGUAGE_COOKIE_NAME)
    with translation.override(language or translation.get_language()):
        messages.success(request, _("Your language and time zone are saved."))
    return answer


def _preferences(request: HttpRequest, form: ReaderForm, status: int = 200) -> HttpResponse:
    context = {"form": form, "zone_names": sorted(zone_names())}
    return render(request, "preferences.html", context, status=status)


def _remember(answer: HttpResponse, language: str) -> None:
    answer.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        language,
        max_age=365 * 24 * 3600,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
