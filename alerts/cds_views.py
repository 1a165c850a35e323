"""CDS Hooks 2.0 at /cds-services: what an EHR asks while somebody looks at a patient."""

import json
from collections.abc import Callable
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from alerts import cds
from alerts.domain import cds_hooks
from alerts.domain.cds_hooks import NotAHook
from alerts.launches import STRANGER, note_capped
from alerts.models import TrustedSystem
from alerts.presenters.cds import card_of
from alerts.trust import NotTrusted, jwt_verified
from scoring.selectors import research_use

SERVICES: dict[str, dict[str, str]] = {
    "clarity-patient-view": {
        "hook": cds_hooks.PATIENT_VIEW,
        "title": "Clarity: open alerts",
        "description": "Risk indicators of mood that moved, for whoever looks at the patient and "
        "is in their care team; to consider and to review, no more.",
    },
    "clarity-order-select": {
        "hook": cds_hooks.ORDER_SELECT,
        "title": "Clarity: antidepressant while mania risk is raised",
        "description": "Says so when an antidepressant is selected while the mania risk "
        "indicator is Moderate or above.",
    },
}
# Browser-based EHRs call from pages of their own; a token opens, never a cookie.
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
    "Access-Control-Allow-Headers": "Authorization, Content-Type",
    "Access-Control-Max-Age": "86400",
}
View = Callable[..., HttpResponse]


class Refused(Exception):
    """A status and one sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


def _hooks(method: str) -> Callable[[View], View]:
    """A view of CDS Hooks: its one method, CORS, and refusals as JSON."""

    def decorate(view: View) -> View:
        def guarded(request: HttpRequest, **keys: str) -> HttpResponse:
            if request.method == "OPTIONS":
                answer: HttpResponse = HttpResponse(status=204)
            elif request.method not in (method, "HEAD" if method == "GET" else method):
                answer = JsonResponse({"error": f"Use {method}."}, status=405)
                answer["Allow"] = f"{method}, OPTIONS"
            else:
                try:
                    answer = view(request, **keys)
                except Refused as refusal:
                    answer = JsonResponse({"error": refusal.sentence}, status=refusal.status)
                    if refusal.status == 401:
                        answer["WWW-Authenticate"] = "Bearer"
            for name, value in (CORS | {"Cache-Control": "no-store"}).items():
                answer[name] = value
            return answer

        return csrf_exempt(login_not_required(guarded))

    return decorate


@_hooks("GET")
def discovery(request: HttpRequest) -> HttpResponse:
    """What there is to call. It says nothing about anybody, so nobody has to say who they are."""
    found = [{"id": name, **service} for name, service in SERVICES.items()]
    return JsonResponse({"services": found})


@_hooks("POST")
def called(request: HttpRequest, service: str) -> HttpResponse:
    """Somebody looks at a patient, or selects an order: the cards for them, often none."""
    system, now = _trusted(request, service, "cards"), timezone.now()
    try:
        call = cds_hooks.hook_call(_body(request), SERVICES[service]["hook"])
    except NotAHook as trouble:
        raise Refused(400, str(trouble)) from None
    seen = cds.looking(call, system)
    found = cds.matters(call, seen.patient, now) if seen.patient else []
    is_research = bool(found) and research_use()
    site = request.build_absolute_uri("/").rstrip("/")
    cards = [card_of(matter, site, is_research) for matter in found]
    told = [(matter, card["summary"]) for matter, card in zip(found, cards, strict=True)]
    cds.call_answered(call=call, system=system, service=service, seen=seen, told=told, now=now)
    return JsonResponse({"cards": cards})


@_hooks("POST")
def feedback(request: HttpRequest, service: str) -> HttpResponse:
    """What was done with cards: alerts are acknowledged or dismissed, or a note is written."""
    system, now = _trusted(request, service, "feedback"), timezone.now()
    try:
        answers = cds_hooks.feedback(_body(request))
    except NotAHook as trouble:
        raise Refused(400, str(trouble)) from None
    cds.feedback_taken(answers=answers, system=system, service=service, now=now)
    return JsonResponse({})


def _trusted(request: HttpRequest, service: str, about: str) -> TrustedSystem:
    """The EHR that calls: this is written down at once, whatever then comes of the call.

    Its token must be made for this very address.
    """
    if service not in SERVICES:
        raise Refused(404, "There is no such service: see /cds-services.")
    scheme, _space, token = request.headers.get("Authorization", "").partition(" ")
    try:
        if scheme.lower() != "bearer" or not token.strip():
            raise NotTrusted("Give the token as “Authorization: Bearer …”.")
        audience = request.build_absolute_uri(request.path)
        system = jwt_verified(token.strip(), audience=audience, now=timezone.now())
    except NotTrusted as refusal:
        is_noted = note_capped(
            action="ehr call refused",
            counted_as=f"system-{refusal.system.pk}" if refusal.system else STRANGER,
            system=refusal.system.name if refusal.system else "",
            why=refusal.reason,
        )
        if not is_noted:
            raise Refused(429, "Too many calls were refused: wait a minute.") from None
        raise Refused(401, refusal.reason) from None
    cds.call_begun(system=system, service=service, about=about)
    return system


def _body(request: HttpRequest) -> Any:
    try:
        return json.loads(request.body)
    except RequestDataTooBig:
        raise Refused(413, "The body is too large: no prefetch is needed.") from None
    except UnreadablePostError:
        raise Refused(400, "The body did not arrive whole: send it again.") from None
    except (ValueError, RecursionError):
        raise Refused(400, "The body must be JSON.") from None
