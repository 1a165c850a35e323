"""What an EHR reads of Clarity without a log-in: its public keys."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from alerts.ehr_tokens import key_folder
from alerts.fhir.keys import KeyTrouble
from clarity_site.logs import log


@login_not_required
@require_safe
def jwks(_request: HttpRequest) -> JsonResponse:
    """The public keys with which an EHR checks that Clarity asks."""
    try:
        answer = JsonResponse(key_folder().published(timezone.now()))
    except KeyTrouble as trouble:
        log.error("keys cannot be published", extra={"reason": str(trouble)})
        return JsonResponse({"error": "The keys cannot be read now."}, status=503)
    answer["Cache-Control"] = "public, max-age=60"
    return answer
