"""Taking history files from the browser, and what became of each, in the reader's words."""

from urllib.parse import unquote
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.shortcuts import get_object_or_404
from django.urls import reverse

from clarity_site.said import said_again
from patients import uploads
from patients.device_api import ReceiptShown, content_length
from patients.domain.errors import InputError
from patients.ingest.device_push import TooLarge
from patients.ingest.sources import AUTO
from patients.models import Patient, Upload, User
from patients.permissions import Permission
from patients.tasks import wake_uploads
from patients.views import actor, page, patient_for
from scoring.presenters.data_page import upload_said

CHUNK_BYTES = 1024**2
RAW = "application/octet-stream"


@page("POST", Permission.MANAGE_RECORDINGS, find=patient_for)
def upload_create(request: HttpRequest, patient: Patient) -> HttpResponse:
    """Receive one history file, the body as it is, with its zone and source in the address.

    The zone is a name or ``patient``, for the patient's own zones.

    Its name is percent-encoded in X-File-Name: it may hold a person's, and proxies log addresses.
    Not as a form: a form's files are written to disk before anybody is asked who sends them.
    """
    if request.content_type != RAW:
        return _refusal(415, f"Send the file itself, as {RAW}.")
    try:
        upload = uploads.file_receive(
            patient=patient,
            chunks=iter(lambda: request.read(CHUNK_BYTES), b""),
            size_bytes=content_length(request.META),
            name=unquote(request.headers.get("X-File-Name", "")),
            zone=request.GET.get("zone", ""),
            source=request.GET.get("source", AUTO),
            by=actor(request),
        )
    except TooLarge as refusal:
        return _refusal(413, str(refusal))
    except uploads.NoRoom as refusal:
        return _refusal(507, str(refusal))
    except InputError as refusal:
        return _refusal(400, str(refusal))
    except UnreadablePostError:
        return _refusal(400, "The file did not arrive whole: upload it again.")
    wake_uploads()
    return JsonResponse(ReceiptShown(upload).data | _followed(upload), status=202)


def upload_for(user: User, code: str, upload_id: UUID) -> Upload:
    """The upload, if it is of a patient whose record the user may open; else 404."""
    found = Upload.objects.filter(patient=patient_for(user, code)).defer("body")
    return get_object_or_404(found.select_related("patient"), pk=upload_id)


@page("GET", Permission.MANAGE_RECORDINGS, find=upload_for)
def upload_state(request: HttpRequest, upload: Upload) -> HttpResponse:
    """Where the upload stands, for the line on the page that follows it."""
    return JsonResponse({"state": upload.state} | _followed(upload))


def _followed(upload: Upload) -> dict[str, str]:
    follow = reverse("upload-state", args=[upload.patient.code, upload.pk])
    return {"words": upload_said(upload), "follow": follow}


def _refusal(status: int, sentence: str) -> HttpResponse:
    return JsonResponse({"detail": said_again(sentence)}, status=status)
