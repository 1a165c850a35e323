"""Alerts over HTTP, with the permissions of the pages."""

from typing import Any

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import PermissionDenied
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from alerts import services
from alerts.models import Alert, AlertState, DismissReason
from alerts.selectors import alerts_visible_to
from patients.api import Pages
from patients.permissions import Permission, may
from scoring.models import Tier, Track


class AlertShown(serializers.Serializer[Alert]):
    """One alert."""

    id = serializers.IntegerField()
    patient = serializers.CharField(source="patient.code")
    track = serializers.ChoiceField(choices=Track.choices)
    state = serializers.ChoiceField(choices=AlertState.choices)
    tier = serializers.ChoiceField(choices=Tier.choices)
    score_day = serializers.DateField(source="score.day")
    raised_at = serializers.DateTimeField()
    changed_at = serializers.DateTimeField()
    recommendation = serializers.JSONField()


class AcknowledgeRequest(serializers.Serializer[Alert]):
    """What comes with an acknowledgement."""

    note = serializers.CharField(required=False, allow_blank=True, default="", max_length=2000)


class DismissRequest(serializers.Serializer[Alert]):
    """What comes with a dismissal; “other” needs words."""

    reason = serializers.ChoiceField(
        choices=DismissReason.choices,
        error_messages={
            "required": "Choose a reason for dismissing the alert.",
            "invalid_choice": "Choose a reason for dismissing the alert.",
        },
    )
    note = serializers.CharField(required=False, allow_blank=True, default="", max_length=2000)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse “other” without a note."""
        if attrs["reason"] == DismissReason.OTHER and not attrs["note"].strip():
            raise serializers.ValidationError({"note": "Say what the other reason is."})
        return attrs


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


class _Action(APIView):
    """One change of one alert."""

    alert: Alert

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Somebody else's alert does not exist, whatever the method."""
        super().initial(request, *args, **kwargs)
        found = alerts_visible_to(request.user).filter(pk=kwargs["alert_id"]).first()
        if found is None:
            raise Http404
        self.alert = found
        if not may(request.user, Permission.ACT_ON_ALERTS):
            raise PermissionDenied

    def act(self, request: Request, asked: serializers.Serializer[Alert], act: Any) -> Response:
        """Check what was asked, do it, and show the alert; 409 when somebody was faster."""
        asked.is_valid(raise_exception=True)
        try:
            act(alert=self.alert, by=request.user, **asked.validated_data)
        except services.NotAllowed as refusal:
            return Response({"detail": str(refusal)}, status=status.HTTP_409_CONFLICT)
        self.alert.refresh_from_db()
        return Response(AlertShown(self.alert).data)


class Acknowledge(_Action):
    """POST: take an alert on."""

    @extend_schema(request=AcknowledgeRequest, responses=AlertShown)
    def post(self, request: Request, alert_id: int) -> Response:
        """Acknowledge the alert."""
        asked = AcknowledgeRequest(data=request.data)
        return self.act(request, asked, services.alert_acknowledge)


class Dismiss(_Action):
    """POST: dismiss an alert with a reason."""

    @extend_schema(request=DismissRequest, responses=AlertShown)
    def post(self, request: Request, alert_id: int) -> Response:
        """Dismiss the alert."""
        return self.act(request, DismissRequest(data=request.data), services.alert_dismiss)
