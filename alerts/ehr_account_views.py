"""Whose log-in in the EHR is whose account here, for administrators."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from alerts import ehr_accounts, launches
from alerts.models import EhrAccount
from patients.domain.errors import InputError
from patients.models import User
from patients.pages import paged
from patients.permissions import Permission
from patients.views import actor, page

UNUSABLE = 422
EXAMPLE = "Practitioner/123"


class MapForm(forms.Form):
    """A person of the EHR, and their account."""

    fhir_user = forms.CharField(
        label=gettext_lazy("Person in the EHR"),
        max_length=80,
        strip=True,
        widget=forms.TextInput(attrs={"placeholder": EXAMPLE, "autocapitalize": "none"}),
        error_messages={"required": gettext_lazy("Say who it is in the EHR.")},
    )
    user = forms.ModelChoiceField(
        User.objects.filter(is_active=True).order_by("last_name", "first_name", "username"),
        label=gettext_lazy("Account"),
        empty_label=gettext_lazy("choose"),
        error_messages={"required": gettext_lazy("Choose an account.")},
    )


def account_for(_user: User, account_id: int) -> EhrAccount:
    """Somebody of the EHR."""
    return get_object_or_404(EhrAccount, pk=account_id)


@page("GET", Permission.MANAGE_PEOPLE)
def accounts_page(request: HttpRequest) -> HttpResponse:
    """Everybody of the EHR who is known here."""
    return _accounts(request, MapForm(label_suffix=""))


@page("POST", Permission.MANAGE_PEOPLE)
def account_map(request: HttpRequest) -> HttpResponse:
    """Say whose account it is; again to say it otherwise."""
    form = MapForm(request.POST, label_suffix="")
    if form.is_valid():
        try:
            made = ehr_accounts.account_map(by=actor(request), **form.cleaned_data)
            said = _("%(fhir_user)s of the EHR comes in as %(person)s.")
            messages.success(request, said % {"fhir_user": made.fhir_user, "person": made.user})
            return redirect("ehr-accounts")
        except InputError as refusal:
            form.add_error("fhir_user", str(refusal))
    return _accounts(request, form, UNUSABLE)


@page("POST", Permission.MANAGE_PEOPLE, find=account_for)
def account_remove(request: HttpRequest, account: EhrAccount) -> HttpResponse:
    """They come in from the EHR no more."""
    ehr_accounts.account_unmap(account=account, by=actor(request))
    said = _("%(fhir_user)s of the EHR comes in no more.")
    messages.success(request, said % {"fhir_user": account.fhir_user})
    return redirect("ehr-accounts")


def _accounts(request: HttpRequest, form: MapForm, status: int = 200) -> HttpResponse:
    rows = ehr_accounts.ehr_accounts()
    search = request.GET.get("q", "").strip()
    shown = rows.filter(fhir_user__icontains=search) | rows.filter(user__username__icontains=search)
    context = paged(request, shown) | {
        "total": rows.count(),
        "waiting": rows.filter(user=None).count(),
        "search": search,
        "form": form,
        "people": form.fields["user"].choices,  # type: ignore[attr-defined]
        "is_configured": launches.is_configured(),
        "zone": timezone.get_default_timezone_name(),
    }
    return render(request, "alerts/ehr_accounts.html", context, status=status)
