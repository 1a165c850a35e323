"""The device API: recordings are pushed with a device's token and answered with a receipt."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache
from django.http import Http404, UnreadablePostError
from django.urls import reverse
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import APIException, AuthenticationFailed, Throttled
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from patients import uploads
from patients.device_shapes import PushShape, RefusalShape
from patients.domain.errors import InputError
from patients.ingest import device_push
from patients.models import DeviceToken, Upload, User
from patients.selectors import patients_visible_to
from patients.tasks import wake_uploads
from patients.tokens import token_used

MAX_BODY_BYTES = device_push.MAX_JSON_BYTES + 65_536  # gzip may make what is random longer
FAILURES, FAILURES_WITHIN_S = 30, 60


class Refused(APIException):
    """A status and one sentence."""

    def __init__(self, status_code: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status_code = status_code


class DeviceTokenAuthentication(BaseAuthentication):
    """``Authorization: Bearer <token>``; the token is then ``request.auth``."""

    def authenticate(self, request: Request) -> tuple[AnonymousUser, DeviceToken] | None:
        """The token, or None where there is no such header."""
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        token = token_used(text=text.strip())
        if token is None:
            _note_failure(request.META.get("REMOTE_ADDR", ""))
            raise AuthenticationFailed("This token is unknown or revoked: issue a new one.")
        return AnonymousUser(), token

    def authenticate_header(self, request: Request) -> str:
        """What a 401 asks for."""
        return "Bearer"


def _note_failure(address: str) -> None:
    """Throttled after too many; whoever has a good token never comes here."""
    key = f"device-token-failures-{address}"
    cache.add(key, 0, FAILURES_WITHIN_S)
    try:
        count = cache.incr(key)
    except ValueError:  # it ran out in between
        count = 1
    if count > FAILURES:
        raise Throttled(FAILURES_WITHIN_S)


class DeviceTokenScheme(OpenApiAuthenticationExtension):
    """The token in the OpenAPI document."""

    target_class = DeviceTokenAuthentication
    name = "deviceToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """As OpenAPI names it."""
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "A device token, issued on a patient's Data page or by `device_token`.",
        }


class HasDeviceToken(BasePermission):
    """Only devices."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether a token came along."""
        return isinstance(request.auth, DeviceToken)


class HasDeviceTokenOrSession(BasePermission):
    """Devices, and people who are logged in."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether either is there."""
        return isinstance(request.auth, DeviceToken) or isinstance(request.user, User)


class ReceiptShown(serializers.ModelSerializer[Upload]):
    """An upload's receipt. ``reason`` says why it was rejected, ``result`` what was stored."""

    url = serializers.SerializerMethodField()
    result = serializers.JSONField(
        help_text="Once stored: source, days, minutes, status (stored or unchanged), and rejected "
        "(samples left out, by reason)."
    )

    class Meta:
        model = Upload
        fields = ("id", "state", "url", "reason", "result", "received_at", "processed_at")

    def get_url(self, upload: Upload) -> str:
        """Where to ask for the state."""
        return reverse("api:receipt", args=[upload.pk])


KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    required=True,
    description="1 to 200 printable characters, new for each push. Sent again with the same body "
    "it gives the same receipt, so that a push may be repeated until it is answered.",
)
ENCODING = OpenApiParameter(
    "Content-Encoding", str, OpenApiParameter.HEADER, enum=["gzip", "identity"]
)
REFUSALS = dict.fromkeys((400, 401, 409, 413, 415, 429), RefusalShape)


class RecordingsPush(APIView):
    """Recordings of one or more days, sent by a device."""

    authentication_classes = [DeviceTokenAuthentication]
    permission_classes = [HasDeviceToken]

    @extend_schema(
        operation_id="recordings_push",
        parameters=[KEY, ENCODING],
        request={"application/json": PushShape},
        responses={202: ReceiptShown, 200: ReceiptShown, **REFUSALS},
    )
    def post(self, request: Request) -> Response:
        """Receive recordings: 202 with a receipt, or 200 with that of the same push before.

        Up to 31 days, 4 MiB of JSON, gzipped or not. What was stored is in the receipt once
        its state is ``stored``.
        """
        token = request.auth
        assert isinstance(token, DeviceToken)
        key = request.headers.get("Idempotency-Key")
        if key is None:
            raise Refused(400, "The header Idempotency-Key is missing: give each push its own.")
        try:
            upload, is_new = uploads.push_receive(token=token, key=key, raw=_json_of(request))
        except uploads.KeyTaken as refusal:
            raise Refused(409, str(refusal)) from None
        except device_push.TooLarge as refusal:
            raise Refused(413, str(refusal)) from None
        except InputError as refusal:
            raise Refused(400, str(refusal)) from None
        if is_new:
            wake_uploads()
        receipt = ReceiptShown(upload).data
        status = 202 if is_new else 200
        return Response(receipt, status, headers={"Location": receipt["url"]})


def _json_of(request: Request) -> bytes:
    """The body's bytes, unzipped; never more in memory than one push may have."""
    length = content_length(request.META)
    if not length:
        raise Refused(400, "The request has no body or no Content-Length: send the recordings.")
    media = request.content_type.partition(";")[0].strip().lower()
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if media != "application/json" or encoding not in ("gzip", "identity"):
        raise Refused(415, "Send application/json, with Content-Encoding gzip or none.")
    if length > MAX_BODY_BYTES:
        raise device_push.TooLarge("The body is over 4 MiB: send fewer days.")
    try:
        body = request._request.read(MAX_BODY_BYTES)
    except UnreadablePostError:
        raise Refused(400, "The body did not arrive whole: send it again.") from None
    if encoding == "gzip":
        return device_push.unpacked(body)
    device_push.require_size(len(body))
    return body


def content_length(meta: Mapping[str, Any]) -> int:
    """The bytes that a request says it has; 0 where it says none, or no number.

    >>> content_length({"CONTENT_LENGTH": "12"}), content_length({"CONTENT_LENGTH": "²"})
    (12, 0)
    """
    text = meta.get("CONTENT_LENGTH") or ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0


class Receipt(APIView):
    """The receipt of an upload. Somebody else's does not exist."""

    authentication_classes = [DeviceTokenAuthentication, SessionAuthentication]
    permission_classes = [HasDeviceTokenOrSession]
    upload: Upload

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Find the upload before anything else is answered."""
        super().initial(request, *args, **kwargs)
        if isinstance(request.auth, DeviceToken):
            rows = request.auth.uploads.all()
        else:
            rows = Upload.objects.filter(patient__in=patients_visible_to(request.user))
        found = rows.filter(pk=kwargs["upload_id"]).defer("body").first()
        if found is None:
            raise Http404
        self.upload = found

    @extend_schema(
        operation_id="recordings_receipt",
        responses={200: ReceiptShown, 401: RefusalShape, 404: RefusalShape},
    )
    def get(self, request: Request, upload_id: UUID) -> Response:
        """Ask for the state: received, processing, stored, or rejected and why."""
        answer = Response(ReceiptShown(self.upload).data)
        answer["Cache-Control"] = "no-store"
        return answer
