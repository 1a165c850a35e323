"""Alerts over HTTP, with the permissions of the pages."""

from typing import Any, cast

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import PermissionDenied
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from alerts import services
from alerts.actions import ACTIONS, Act, ConcernRequest
from alerts.models import Alert, AlertKind, AlertState
from alerts.selectors import alerts_visible_to
from patients.api import Pages
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
    recommendation = serializers.JSONField()


class AlertList(ListAPIView[Alert]):
    """Alerts of my patients, newest first; ?state=new narrows it."""

    serializer_class = AlertShown
    pagination_class = Pages

    def get_queryset(self) -> Any:
        """Visible alerts, of the state asked for."""
        rows = alerts_visible_to(self.request.user).order_by("-raised_at", "-id")
        state = self.request.query_params.get("state")
        if state and state not in AlertState.values:
            raise serializers.ValidationError({"state": f"One of {', '.join(AlertState.values)}."})
        return rows.filter(state=state) if state else rows


class _Guarded(APIView):
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
        request=act.request, responses=AlertShown, operation_id=f"alerts_{act.name}",
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

    @extend_schema(request=ConcernRequest, responses=AlertShown)
    def post(self, request: Request, code: str) -> Response:
        """Raise it."""
        asked, by = ConcernRequest(data=request.data), cast(User, request.user)
        return self.answer(
            asked,
            lambda **values: services.concern_raise(patient=self.patient, by=by, **values),
        )
