"""CDS Hooks 2.0 in and out: a call and its feedback read with care, a card put together.

Bodies are parsed JSON of another system: whatever they hold, the answer is values or NotAHook.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

PATIENT_VIEW, ORDER_SELECT = "patient-view", "order-select"
SUMMARY_CHARS = 139  # the specification: under 140
ACCEPTED, OVERRIDDEN = "accepted", "overridden"
INDICATOR = {"High": "warning"}  # the rest: info. “critical” is never given by Clarity itself.
REASON_SYSTEM = "urn:clarity:dismiss-reason"
NOT_ORDERED = ("stopped", "cancelled", "entered-in-error")
LONGEST_COMMENT = 2000  # characters, as a note that is typed here
MOST_ANSWERS = 50

_ID = r"[A-Za-z0-9\-.]{1,64}"
_PATIENT_ID = re.compile(rf"(?:Patient/)?({_ID})")
_USER = re.compile(rf"(Practitioner|PractitionerRole|Patient|RelatedPerson)/{_ID}")
_CODE = re.compile(r"[A-Za-z0-9\-]{1,30}")
_IN_BRACKETS = re.compile(r"[(\[]([^()\[\]]*)[)\]]")
_AMOUNT_FIRST = re.compile(r"\s*\d[\d.,]*\s*(?:hr|mg|mcg|g|ml)\b", re.IGNORECASE)
_AFTER_NAME = re.compile(
    r"\s+\d|[,;]|\s+(?:oral|extended[ -]release|delayed[ -]release)\b", re.IGNORECASE
)
_MARKDOWN = re.compile(r"([\\`*_\[\]<>#|])")


class NotAHook(ValueError):
    """The body is none that was asked for. One sentence: which member, and what is wrong."""


@dataclass(frozen=True)
class Order:
    """A drug that is being ordered: each code with its system, each name it is given."""

    codes: tuple[tuple[str, str], ...]
    names: tuple[str, ...]


@dataclass(frozen=True)
class HookCall:
    """Who looks at whom in the EHR, and of an order-select what they have selected."""

    hook: str
    user: str
    patient: str
    fhir_server: str = ""
    orders: tuple[Order, ...] = ()


@dataclass(frozen=True)
class Answered:
    """What somebody did with a card: ``outcome`` is accepted or overridden."""

    card: UUID
    outcome: str
    reason: str = ""
    comment: str = ""


def hook_call(body: object, hook: str) -> HookCall:
    """The call of a service for this hook. Raises NotAHook."""
    call = _object(body, "The body")
    if call.get("hook") != hook:
        raise NotAHook(f"hook must be {hook}.")
    if not _text(call.get("hookInstance")):
        raise NotAHook("hookInstance is missing.")
    context = _object(call.get("context"), "context")
    patient = _PATIENT_ID.fullmatch(_text(context.get("patientId")))
    user = _text(context.get("userId"))
    if patient is None:
        raise NotAHook("context.patientId is missing, or no FHIR id.")
    if not _USER.fullmatch(user):
        raise NotAHook("context.userId must be such as Practitioner/123.")
    orders = tuple(_selected(context)) if hook == ORDER_SELECT else ()
    return HookCall(hook, user, patient.group(1), _text(call.get("fhirServer")), orders)


def feedback(body: object) -> tuple[Answered, ...]:
    """What was done with cards. Raises NotAHook."""
    given = _object(body, "The body").get("feedback")
    if not isinstance(given, list) or not 0 < len(given) <= MOST_ANSWERS:
        raise NotAHook(f"feedback must be a list of 1 to {MOST_ANSWERS}.")
    return tuple(_answered(_object(one, "feedback")) for one in given)


def _answered(given: Mapping[str, Any]) -> Answered:
    try:
        card = UUID(_text(given.get("card")))
    except ValueError:
        raise NotAHook("feedback.card must be the uuid of a card.") from None
    outcome = given.get("outcome")
    if outcome not in (ACCEPTED, OVERRIDDEN):
        raise NotAHook(f"feedback.outcome must be {ACCEPTED} or {OVERRIDDEN}.")
    why = given.get("overrideReason")
    if outcome == ACCEPTED or not isinstance(why, Mapping):
        return Answered(card, outcome)
    code = _reason(why.get("reason"))
    known = code if _CODE.fullmatch(code) else ""
    comment = _storable(why.get("userComment"))[:LONGEST_COMMENT].strip()
    return Answered(card, outcome, known, comment)


def _reason(reason: object) -> str:
    """The code of a reason; of one of another system none, for there it means something else."""
    if not isinstance(reason, Mapping):
        return _text(reason)
    is_ours = reason.get("system") in (None, "", REASON_SYSTEM)
    return _text(reason.get("code")) if is_ours else ""


def _selected(context: Mapping[str, Any]) -> Iterator[Order]:
    """The selected ones among the draft orders for drugs that are to be given."""
    chosen = context.get("selections")
    chosen = set(filter(None, map(_text, chosen))) if isinstance(chosen, list) else set()
    drafts = _resources(context.get("draftOrders"))
    for draft in drafts:
        if draft.get("resourceType") != "MedicationRequest":
            continue
        if draft.get("status") in NOT_ORDERED or draft.get("doNotPerform") is True:
            continue
        if f"MedicationRequest/{draft.get('id')}" in chosen:
            yield _order(draft, drafts)


def _order(draft: Mapping[str, Any], drafts: Sequence[Mapping[str, Any]]) -> Order:
    concept = draft.get("medicationCodeableConcept")
    reference = draft.get("medicationReference")
    names: list[str] = []
    if isinstance(reference, Mapping):
        named, to = _storable(reference.get("display")), _text(reference.get("reference"))
        names.append(named)
        found = [m for m in _objects(draft.get("contained")) if to == f"#{m.get('id')}"]
        found += [m for m in drafts if to == f"Medication/{m.get('id')}"]
        concept = found[0].get("code") if found else concept
    concept = concept if isinstance(concept, Mapping) else {}
    codings = _objects(concept.get("coding"))
    names += [_storable(concept.get("text")), *(_storable(c.get("display")) for c in codings)]
    codes = tuple((_storable(c.get("system")), _storable(c.get("code"))) for c in codings)
    return Order(codes, tuple(dict.fromkeys(filter(None, map(str.strip, names)))))


def _resources(bundle: object) -> list[Mapping[str, Any]]:
    entries = bundle.get("entry") if isinstance(bundle, Mapping) else None
    return _objects([entry.get("resource") for entry in _objects(entries)])


def names_to_try(order: Order) -> Iterator[str]:
    """Its names, and of each what stands in brackets and every part up to its strength or form.

    >>> list(names_to_try(Order((), ("olanzapine 6 MG / fluoxetine 25 MG Oral Capsule",))))
    ['olanzapine 6 MG / fluoxetine 25 MG Oral Capsule', 'olanzapine', 'fluoxetine']
    >>> list(names_to_try(Order((), ("24 HR venlafaxine Oral Tablet [Effexor XR]",))))[1:]
    ['Effexor XR', 'venlafaxine']
    """
    for name in order.names:
        yield name
        yield from _IN_BRACKETS.findall(name)
        for part in re.split(r"[/+]", _IN_BRACKETS.sub(" ", name)):
            yield _AFTER_NAME.split(_AMOUNT_FIRST.sub("", part, count=1).strip(), maxsplit=1)[0]


def summary(*sentences: str) -> str:
    """The sentences of a card's summary, as many of them as fit; the first one always.

    >>> summary("One.", "x" * 140, "Two.")
    'One. Two.'
    """
    told = sentences[0]
    for sentence in sentences[1:]:
        if len(told) + 1 + len(sentence) <= SUMMARY_CHARS:
            told = f"{told} {sentence}"
    return told[:SUMMARY_CHARS]


def detail(lines: Sequence[str]) -> str:
    """A card's detail in Markdown: the first line, then the rest as a list."""
    first, *rest = (_MARKDOWN.sub(r"\\\1", line) for line in lines)
    return "\n".join([first, "", *(f"- {line}" for line in rest)]).strip()


def card(
    *,
    uuid: UUID,
    summary: str,
    detail: str,
    tier: str,
    source: str,
    links: Sequence[tuple[str, str, str]],
    reasons: Collection[tuple[str, str]],
    acknowledge: str = "",
) -> dict[str, Any]:
    """A card. ``source`` is Clarity's address; ``links`` are (label, address, absolute or smart).

    ``reasons`` are (code, words) of an override; ``acknowledge`` labels the suggestion that
    takes the alert on, if it is offered.
    """
    told: dict[str, Any] = {
        "uuid": str(uuid),
        "summary": summary,
        "detail": detail,
        "indicator": INDICATOR.get(tier, "info"),
        "source": {"label": "Clarity", "url": source},
        "links": [
            {"label": label, "url": url, "type": kind} | _context(uuid, kind)
            for label, url, kind in links
        ],
        "overrideReasons": [
            {"code": code, "system": REASON_SYSTEM, "display": words} for code, words in reasons
        ],
    }
    if acknowledge:
        told["suggestions"] = [{"label": acknowledge, "uuid": str(uuid5(uuid, "acknowledge"))}]
        told["selectionBehavior"] = "at-most-one"
    return told


def _context(uuid: UUID, kind: str) -> dict[str, str]:
    return {"appContext": str(uuid)} if kind == "smart" else {}


def _object(value: object, name: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise NotAHook(f"{name} must be a JSON object.")
    return value


def _objects(value: object) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _storable(value: object) -> str:
    """The text as a database takes it: no NUL, and no half of a surrogate pair."""
    return _text(value).replace("\x00", "").encode(errors="replace").decode()
