"""Taking history files from the browser. Their receipts are read at /api/v1/recordings/."""

from urllib.parse import unquote

from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError

from patients import uploads
from patients.device_api import ReceiptShown, content_length
from patients.domain.errors import InputError
from patients.ingest.device_push import TooLarge
from patients.ingest.sources import AUTO
from patients.models import Patient
from patients.permissions import Permission
from patients.tasks import wake_uploads
from patients.views import actor, page, patient_for

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
    return JsonResponse(ReceiptShown(upload).data, status=202)


def _refusal(status: int, sentence: str) -> HttpResponse:
    return JsonResponse({"detail": sentence}, status=status)
