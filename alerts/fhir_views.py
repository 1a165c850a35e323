"""Clarity as a FHIR R4 server, read-only: tokens, what it can do, reading and searching.

Whatever goes wrong is answered with an OperationOutcome (by the token endpoint as OAuth says).
"""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import SuspiciousOperation
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from alerts.fhir import answering
from alerts.fhir.scopes import allows
from alerts.fhir.searching import BadSearch, cursor_of, query_of
from alerts.fhir.tokens import ASSERTION_TYPE
from alerts.served import Served, read, search
from alerts.system_tokens import LIFE, NoScope, Reader, reader_of, system_token_issue
from alerts.trust import NotTrusted, client_verified
from clarity_site.logs import log
from patients.services import audit_record

View = Callable[..., HttpResponse]
FORM = "application/x-www-form-urlencoded"


class Refusal(Exception):
    """A status, a code of R4's issue types, and one sentence."""

    def __init__(self, status: int, code: str, sentence: str, **headers: str) -> None:
        super().__init__(sentence)
        self.status, self.code, self.sentence, self.headers = status, code, sentence, headers


def fhir(view: View) -> View:
    """No log-in, no form token; only reading; every failure as an OperationOutcome."""

    @wraps(view)
    def guarded(request: HttpRequest, **keys: Any) -> HttpResponse:
        try:
            _check_form(request, keys)
            return view(request, **keys)
        except Refusal as refusal:
            answer = _answer(
                answering.operation_outcome(refusal.code, refusal.sentence), refusal.status
            )
            for name, value in refusal.headers.items():
                answer[name.replace("_", "-")] = value
            # Django would log the address, and the id of somebody in the EHR may be in it.
            answer._has_been_logged = True  # type: ignore[attr-defined]
            return answer
        except SuspiciousOperation:  # a body or a number of fields beyond what Django takes
            text = "The request is too long, or not as HTTP has it."
            return _answer(answering.operation_outcome("too-long", text), 400)
        except Exception:
            log.exception("FHIR answer failed")
            text = "Clarity could not answer this: its administrators see why."
            return _answer(answering.operation_outcome("exception", text), 500)

    return login_not_required(csrf_exempt(guarded))


def _check_form(request: HttpRequest, keys: dict[str, Any]) -> None:
    is_search = request.method == "POST" and keys.get("resource_id") == "_search"
    if request.method not in ("GET", "HEAD") and not is_search:
        raise Refusal(405, "not-supported", "Here one can only read.", Allow="GET, HEAD")
    asked = request.GET.get("_format", "") or request.headers.get("Accept", "*/*")
    if not any(word in asked for word in ("json", "*/*", "application/*")):
        raise Refusal(406, "not-supported", f"Clarity answers with {answering.MEDIA_TYPE} only.")


def _answer(resource: dict[str, Any], status: int = 200) -> HttpResponse:
    answer = JsonResponse(resource, status=status, content_type=answering.MEDIA_TYPE)
    answer["Cache-Control"] = "no-store"
    return answer


def _base(request: HttpRequest) -> str:
    return request.build_absolute_uri(reverse("fhir-base")).rstrip("/")


def _token_url(request: HttpRequest) -> str:
    return request.build_absolute_uri(reverse("fhir-token"))


@fhir
def metadata(request: HttpRequest) -> HttpResponse:
    """The CapabilityStatement, for everybody."""
    return _answer(
        answering.capability_statement(_base(request), _token_url(request), settings.VERSION)
    )


@fhir
def smart_configuration(request: HttpRequest) -> HttpResponse:
    """How a system gets a token, for everybody."""
    return JsonResponse(answering.smart_configuration(_token_url(request)))


@fhir
def nothing_here(request: HttpRequest, **_keys: str) -> HttpResponse:
    """Every other address."""
    _reader(request)
    raise Refusal(404, "not-found", f"Clarity serves {', '.join(answering.SERVED)}: see metadata.")


@fhir
def resources(request: HttpRequest, resource: str) -> HttpResponse:
    """A search."""
    return _searched(request, resource)


@fhir
def one_resource(request: HttpRequest, resource: str, resource_id: str) -> HttpResponse:
    """One resource; or, posted to _search, a search."""
    if resource_id == "_search":
        if request.method != "POST":
            raise Refusal(405, "not-supported", "Post a search to _search.", Allow="POST")
        return _searched(request, resource)
    reader = _reader(request, resource, "r")
    found = read(resource, resource_id)
    if found is None:
        _written_down(reader, resource, [], "FHIR read")
        raise Refusal(404, "not-found", f"There is no {resource} of this id.")
    _written_down(reader, resource, [found], "FHIR read")
    answer = _answer(found.resource)
    answer["ETag"] = f'W/"{found.resource["meta"]["versionId"]}"'
    return answer


def _searched(request: HttpRequest, resource: str) -> HttpResponse:
    reader = _reader(request, resource, "s")
    pairs, base = _asked(request), _base(request)
    try:
        known = (base, settings.EHR_BASE_URL.rstrip("/"))
        query = query_of(resource, pairs, timezone.get_default_timezone(), known)
    except BadSearch as bad:
        _written_down(reader, resource, [], "FHIR refused")
        raise Refusal(400, "invalid", str(bad)) from None
    found = search(resource, query)
    _written_down(reader, resource, found.page, "FHIR search")
    url = f"{base}/{resource}"
    links = {"self": f"{url}?{urlencode(pairs)}" if pairs else url}
    if found.has_more:
        onward = [(name, value) for name, value in pairs if name != "page"]
        onward.append(("page", cursor_of(found.page[-1].position)))
        links["next"] = f"{url}?{urlencode(onward)}"
    return _answer(
        answering.searchset(base, [it.resource for it in found.page], found.total, links)
    )


def _asked(request: HttpRequest) -> list[tuple[str, str]]:
    """A search's parameters, of the address and of a posted form. Raises Refusal."""
    if request.method == "POST" and request.content_type not in ("", FORM) and request.body:
        raise Refusal(415, "not-supported", f"A search is posted as {FORM}.")
    given = (*request.GET.lists(), *request.POST.lists())
    return [(name, value) for name, values in given for value in values]


def _reader(request: HttpRequest, resource: str = "", letter: str = "") -> Reader:
    """Who asks, by the token. Raises Refusal, also where the token does not allow this."""
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    reader = reader_of(text.strip(), timezone.now()) if scheme.lower() == "bearer" else None
    if reader is None:
        sentence = "A token is needed that is not over: get one at the token endpoint."
        raise Refusal(401, "login", sentence, WWW_Authenticate='Bearer realm="Clarity"')
    if resource and resource not in answering.SERVED:
        served = ", ".join(answering.SERVED)
        raise Refusal(404, "not-supported", f"Clarity serves {served}: see metadata.")
    if resource and not allows(reader.scopes, resource, letter):
        _written_down(reader, resource, [], "FHIR refused")
        challenge = 'Bearer realm="Clarity", error="insufficient_scope"'
        sentence = f"The token does not allow this: it needs system/{resource}.{letter}."
        raise Refusal(403, "forbidden", sentence, WWW_Authenticate=challenge)
    return reader


@transaction.atomic
def _written_down(reader: Reader, resource: str, page: list[Served], action: str) -> None:
    """An audit row for each patient read about; one without a patient where there is none."""
    counts: dict[str, int] = {}
    patients = {it.patient.code: it.patient for it in page}
    for it in page:
        counts[it.patient.code] = counts.get(it.patient.code, 0) + 1
    for code, count in counts.items():
        audit_record(
            by=reader.name,
            action="record opened",
            patient=patients[code],
            page=action,
            resource=resource,
            count=count,
        )
    if not counts:
        audit_record(by=reader.name, action=action, resource=resource, count=0)


@login_not_required
@csrf_exempt
@require_POST
def token(request: HttpRequest) -> HttpResponse:
    """An access token for a registered system that proves with its key who it is."""
    form, now = request.POST, timezone.now()
    if form.get("grant_type") != "client_credentials":
        return _oauth("unsupported_grant_type", "Only client_credentials is known here.")
    if form.get("client_assertion_type") != ASSERTION_TYPE:
        return _oauth("invalid_request", f"client_assertion_type must be {ASSERTION_TYPE}.")
    assertion = form.get("client_assertion", "")
    try:
        system = client_verified(assertion, audience=_token_url(request), now=now)
        text, scopes = system_token_issue(system=system, asked=form.get("scope", ""), now=now)
    except NotTrusted as refusal:
        log.warning("no token was given", extra={"reason": refusal.reason})
        return _oauth("invalid_client", refusal.reason, 401)
    except NoScope:
        return _oauth("invalid_scope", "None of the scopes asked for is allowed to this system.")
    life = int(LIFE.total_seconds())
    return _no_store(
        JsonResponse(
            {"access_token": text, "token_type": "bearer", "expires_in": life, "scope": scopes}
        )
    )


def _oauth(error: str, sentence: str, status: int = 400) -> HttpResponse:
    return _no_store(JsonResponse({"error": error, "error_description": sentence}, status=status))


def _no_store(answer: HttpResponse) -> HttpResponse:
    answer["Cache-Control"] = "no-store"
    answer["Pragma"] = "no-cache"
    return answer
