"""One's own account: the password, the tour of the first visit, and help."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.views import PasswordChangeView, PasswordResetConfirmView
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse_lazy
from django.utils.translation import gettext as _

from patients.models import Role, User
from patients.people_services import tour_seen
from patients.presenters import FRESH_DAYS
from patients.services import audit_record
from patients.views import actor, back, page


class _Labels:
    """Labels end without a colon, as everywhere."""

    def get_form_kwargs(self) -> dict[str, Any]:
        return super().get_form_kwargs() | {"label_suffix": ""}  # type: ignore[misc]


class PasswordSet(_Labels, PasswordResetConfirmView):
    """Somebody sets their password with the link an administrator gave them, once."""

    template_name = "password_set.html"
    success_url = reverse_lazy("login")

    @transaction.atomic
    def form_valid(self, form: Any) -> HttpResponse:
        answer = super().form_valid(form)
        audit_record(by=form.user, action="password set")
        messages.success(self.request, _("Your password is set: log in with it."))
        return answer


class PasswordChange(_Labels, PasswordChangeView):
    """Somebody changes their password, knowing the old one."""

    template_name = "password_change.html"
    success_url = reverse_lazy("panel")

    @transaction.atomic
    def form_valid(self, form: Any) -> HttpResponse:
        answer = super().form_valid(form)
        audit_record(by=actor(self.request), action="password changed")
        messages.success(self.request, _("Your password is changed."))
        return answer


@page("POST")
def tour_close(request: HttpRequest) -> HttpResponse:
    """The tour is not shown again by itself."""
    tour_seen(person=actor(request))
    return back(request, "panel")


@page("GET")
def help_page(request: HttpRequest) -> HttpResponse:
    """What the shapes, arrows, chips and keys mean, the tour again, and whom to ask."""
    administrators = User.objects.filter(role=Role.ADMINISTRATOR, is_active=True)
    context = {
        "administrators": administrators.order_by("last_name", "username"),
        "fresh_days": [days for days, _level in FRESH_DAYS],
    }
    return render(request, "help.html", context)
