"""Alerts over HTTP, with the permissions of the pages."""

from typing import Any, cast

from django.http import Http404
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from alerts import services
from alerts.actions import ACTIONS, Act, ConcernRequest
from alerts.domain.history import TAKEN_ON, kept
from alerts.models import OPEN_STATES, Alert, AlertKind, AlertState, OutboxMessage
from alerts.selectors import alerts_visible_to
from patients.api import ClinicView, Pages
from patients.api_shapes import ACT_REFUSALS, READ_REFUSALS, paged
from patients.models import Patient, User
from patients.permissions import Permission, may
from patients.selectors import patients_visible_to
from scoring.models import Tier, Track


class AlertShown(serializers.Serializer[Alert]):
    """One alert. ``track`` is null for the kinds that no score stands behind."""

    id = serializers.IntegerField()
    patient = serializers.CharField(source="patient.code")
    kind = serializers.ChoiceField(choices=AlertKind.choices)
    track = serializers.ChoiceField(choices=Track.choices, allow_null=True)
    state = serializers.ChoiceField(choices=AlertState.choices)
    tier = serializers.ChoiceField(choices=Tier.choices)
    score_day = serializers.DateField(source="score.day", default=None, allow_null=True)
    raised_at = serializers.DateTimeField()
    changed_at = serializers.DateTimeField()
    due_at = serializers.DateTimeField(allow_null=True)
    requested = serializers.CharField()
    holder = serializers.SerializerMethodField()
    recommendation = serializers.JSONField(help_text="What to consider, with its source.")
    message = serializers.SerializerMethodField()

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_holder(self, alert: Alert) -> str | None:
        """Who took it on last, while it is held."""
        if alert.state not in (AlertState.ACKNOWLEDGED, AlertState.SNOOZED):
            return None
        acts = kept(alert.transitions.all())
        return next((t.actor for t in reversed(acts) if t.event in TAKEN_ON), None)

    @extend_schema_field(
        serializers.ChoiceField(choices=OutboxMessage.State.choices, allow_null=True)
    )
    def get_message(self, alert: Alert) -> str | None:
        """How its newest message to the EHR stands."""
        return next((m.state for m in reversed(alert.messages.all())), None)


class AlertQuery(serializers.Serializer[Any]):
    """Which alerts."""

    state = serializers.ChoiceField(
        choices=[*AlertState.choices, ("open", "Open: new, acknowledged or snoozed")],
        required=False,
        help_text="“open” is any of new, acknowledged and snoozed.",
    )
    kind = serializers.ChoiceField(choices=AlertKind.choices, required=False)
    tier = serializers.ChoiceField(choices=Tier.choices, required=False)
    patient = serializers.CharField(required=False, help_text="The patient's code.")

    def conditions(self) -> dict[str, Any]:
        """As a filter of alerts."""
        asked = dict(self.validated_data)
        state, code = asked.pop("state", None), asked.pop("patient", None)
        if state:
            asked["state__in"] = OPEN_STATES if state == "open" else (state,)
        if code:
            asked["patient__code"] = code
        return asked


class AlertList(ClinicView):
    """Alerts of my patients, newest first."""

    @extend_schema(
        operation_id="alerts_list",
        parameters=[AlertQuery, *Pages.PARAMETERS],
        responses={200: paged(AlertShown), **READ_REFUSALS},
    )
    def get(self, request: Request) -> Response:
        """Read the alerts, as the queue has them. No record is opened by it."""
        asked, pages = AlertQuery(data=request.query_params), Pages()
        asked.is_valid(raise_exception=True)
        rows = alerts_visible_to(request.user).filter(**asked.conditions())
        shown: Any = pages.paginate_queryset(rows.order_by("-raised_at", "-id"), request, view=self)
        return pages.get_paginated_response(AlertShown(shown, many=True).data)


class _Guarded(ClinicView):
    """A POST by somebody who may act on alerts; 409 when the alert is no longer so."""

    def check(self, request: Request) -> None:
        """PermissionDenied for who may not act on any alert."""
        if not may(request.user, Permission.ACT_ON_ALERTS):
            raise PermissionDenied

    def answer(self, asked: serializers.Serializer[Any], act: Any) -> Response:
        """Check what was asked, do it, and show the alert."""
        asked.is_valid(raise_exception=True)
        try:
            alert = act(**asked.validated_data)
        except services.NotAllowed as refusal:
            return Response({"detail": str(refusal)}, status=status.HTTP_409_CONFLICT)
        return Response(AlertShown(alert).data)


class _Action(_Guarded):
    """One change of one alert."""

    act: Act
    alert: Alert

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Somebody else's alert does not exist, whatever the method."""
        super().initial(request, *args, **kwargs)
        found = alerts_visible_to(request.user).filter(pk=kwargs["alert_id"]).first()
        if found is None:
            raise Http404
        self.alert = found
        self.check(request)

    def do(self, request: Request) -> Response:
        """Ask for the action."""

        def act(**values: Any) -> Alert:
            self.act.service(alert=self.alert, by=request.user, **values)
            self.alert.refresh_from_db()
            return self.alert

        return self.answer(self.act.request(data=request.data), act)


def _action_view(act: Act) -> Any:
    @extend_schema(
        request=act.request, responses={200: AlertShown, **ACT_REFUSALS},
        operation_id=f"alerts_{act.name.replace('-', '_')}",
        description=act.words,
    )  # fmt: skip
    def post(self: _Action, request: Request, alert_id: int) -> Response:
        return self.do(request)

    return type(f"Alert{act.name.title()}", (_Action,), {"act": act, "post": post}).as_view()  # type: ignore[attr-defined]


action_views = {name: _action_view(act) for name, act in ACTIONS.items()}


class Concern(_Guarded):
    """POST: raise a concern about a patient by hand."""

    patient: Patient

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Somebody else's patient does not exist, whatever the method."""
        super().initial(request, *args, **kwargs)
        found = patients_visible_to(request.user).filter(code=kwargs["code"]).first()
        if found is None:
            raise Http404
        self.patient = found
        self.check(request)

    @extend_schema(
        operation_id="patients_concern",
        request=ConcernRequest,
        responses={200: AlertShown, **ACT_REFUSALS},
    )
    def post(self, request: Request, code: str) -> Response:
        """Raise it."""
        asked, by = ConcernRequest(data=request.data), cast(User, request.user)
        return self.answer(
            asked,
            lambda **values: services.concern_raise(patient=self.patient, by=by, **values),
        )
