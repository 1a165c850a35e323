"""What an EHR is told while somebody looks at a patient (CDS Hooks), and what they do with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import OuterRef, QuerySet, Subquery
from django.utils import translation
from django.utils.translation import gettext as _

from alerts import services
from alerts.connection import ehr
from alerts.context_medications import table_rows
from alerts.domain.cds_hooks import (
    ACCEPTED,
    ORDER_SELECT,
    Answered,
    HookCall,
    Order,
    names_to_try,
)
from alerts.domain.history import kept
from alerts.ehr_accounts import CLINICIAN, account_user
from alerts.fhir.context.values import Coding, Concept
from alerts.fhir.transport import is_loopback
from alerts.launches import EHR
from alerts.lifecycle import NotAllowed, alert_locked
from alerts.models import (
    OPEN_STATES,
    Alert,
    AlertKind,
    AlertState,
    AlertTransition,
    CdsCard,
    DismissReason,
    EhrTerm,
    TrustedSystem,
)
from alerts.queue import queue_order
from alerts.raising import ALERT_MAX_AGE_DAYS
from alerts.selectors import latest_score
from alerts.situations import advice_for
from alerts.systems import OTHER_EHR, is_the_ehr, why_no_cards
from clarity_site.said import said_again
from patients.domain.drugs import Drug
from patients.domain.medications import Taken
from patients.medications import recorded_state
from patients.models import MedicationCourse, Patient, User
from patients.notes import note_write
from patients.permissions import Permission, may
from patients.selectors import patient_of_ehr, patients_visible_to, zones_of
from patients.services import audit_record
from scoring.models import RiskScore, Tier, Track

DrugClass = MedicationCourse.DrugClass
ANTIDEPRESSANTS = (DrugClass.SSRI, DrugClass.SNRI, DrugClass.OTHER_ANTIDEPRESSANT)
WORTH_TELLING = (Tier.MODERATE, Tier.HIGH)
NOTED, REPEATED, UNKNOWN = "noted", "repeated", "unknown"
ANSWERED_WITHIN = timedelta(days=30)


@dataclass(frozen=True)
class Looking:
    """Who looks at whom. Without a patient ``why_not`` says why nothing is told."""

    user: User | None = None
    patient: Patient | None = None
    why_not: str = ""


@dataclass(frozen=True)
class Matter:
    """What a card is about: an open alert, or a drug that is selected while mania is a matter.

    ``change`` is the newest transition of the alert as it is shown.
    """

    uuid: UUID
    patient: Patient
    tier: str
    kind: str
    alert: Alert | None
    score: RiskScore | None
    recommendation: dict[str, Any]
    drug: str = ""
    change: int | None = None


def call_begun(*, system: TrustedSystem, service: str, about: str) -> None:
    """Write down that a system calls, before anything else of the call is looked at."""
    audit_record(by=EHR, action="ehr call", system=system.name, service=service, about=about)


def looking(call: HookCall, system: TrustedSystem) -> Looking:
    """Who looks here at whom, if they may be told: as on every page, by ``patients_visible_to``.

    Only the EHR of this installation may say who that is: ids of another mean other people.
    With EHR_CARDS_FOR “chart” the EHR decides alone who sees a card.
    """
    if not _may_leave():
        return Looking(why_not="delivery_off")
    if why := why_no_cards(system):
        return Looking(why_not=why)
    if call.fhir_server and not is_the_ehr(call.fhir_server):
        return Looking(why_not=OTHER_EHR)
    user = account_user(call.user)
    patient = patient_of_ehr(Patient.objects.all(), call.patient)
    if patient is None:
        return Looking(user, why_not="unknown_patient")
    if not CLINICIAN.fullmatch(call.user):
        return Looking(user, why_not="not_clinician")
    if settings.EHR_CARDS_FOR == "team":
        if user is None:
            return Looking(why_not="no_account")
        if not patients_visible_to(user).filter(pk=patient.pk).exists():
            return Looking(user, why_not="not_in_care")
    return Looking(user, patient)


def _may_leave() -> bool:
    """Whether what models say may go to an EHR that is not on this machine."""
    here = is_loopback(settings.EHR_BASE_URL)
    return here or ehr().deliver_beyond_this_machine


def matters(call: HookCall, patient: Patient, now: datetime) -> list[Matter]:
    """What is to be told of the patient, the most urgent first."""
    if call.hook == ORDER_SELECT:
        drug = antidepressant(call.orders)
        return _of_order(patient, drug, now) if drug else []
    alerts = Alert.objects.filter(patient=patient, state__in=OPEN_STATES)
    if settings.EHR_CARDS_FOR == "chart":  # as messages to the EHR: what a clinician wrote stays
        alerts = alerts.filter(kind__in=Track.values)
    shown = _with_change(alerts.exclude(state=AlertState.SNOOZED))
    return [_of_alert(alert) for alert in sorted(shown, key=queue_order)]


def _with_change(alerts: QuerySet[Alert]) -> QuerySet[Alert]:
    """Each with its newest transition, of the same moment: both are read by one statement."""
    newest = AlertTransition.objects.filter(alert=OuterRef("pk")).order_by("-pk").values("pk")[:1]
    return alerts.annotate(change=Subquery(newest)).select_related("patient", "score")


def _of_alert(alert: Alert) -> Matter:
    return Matter(
        uuid4(),
        alert.patient,
        alert.tier,
        alert.kind,
        alert,
        alert.score,
        alert.recommendation,
        change=alert.change,  # type: ignore[attr-defined]
    )


def _of_order(patient: Patient, drug: str, now: datetime) -> list[Matter]:
    """An antidepressant is selected while mania risk is Moderate or above: by alert or by score."""
    rows = Alert.objects.filter(patient=patient, kind=AlertKind.MANIA, state__in=OPEN_STATES)
    alert = _with_change(rows.filter(tier__in=WORTH_TELLING)).first()
    score = alert.score if alert and alert.score else latest_score(patient)
    tier = alert.tier if alert else _mania_now(patient, score, now)
    if tier not in WORTH_TELLING:
        return []
    advice = _advice(patient, tier, score, drug) if score else {}
    change = alert.change if alert else None  # type: ignore[attr-defined]
    return [Matter(uuid4(), patient, tier, AlertKind.MANIA, alert, score, advice, drug, change)]


def _mania_now(patient: Patient, score: RiskScore | None, now: datetime) -> str:
    if score is None or (zones_of(patient).local_day(now) - score.day).days > ALERT_MAX_AGE_DAYS:
        return ""
    return str(score.mania["tier"])


def _advice(patient: Patient, tier: str, score: RiskScore, drug: str) -> dict[str, Any]:
    """What to consider, were the drug taken."""
    drugs = recorded_state(patient, score.day)
    taken = Taken(drug, "", "", score.day)
    stopped = drugs.mood_stabilisers_stopped or ()
    advice = advice_for(patient, Track.MANIA, tier, score, [taken], stopped)
    names = {"antidepressant": drug, "mood_stabiliser": ", ".join(c.drug for c in stopped)}
    return advice.as_dict(names)


def antidepressant(orders: Sequence[Order]) -> str:
    """The first antidepressant among the orders, as the table of drugs or a person names it.

    Each is known by its codes, by its names, and by what somebody said on the page “Context from
    the EHR” that its code means. What none of these knows is not guessed at: nothing.
    """
    return next(filter(None, map(_in_table, orders)), "") or _settled(orders)


def _in_table(order: Order) -> str:
    drug = Concept(tuple(Coding(system, code) for system, code in order.codes))
    rows = [*table_rows(drug, names_to_try(order))]
    found = [row for row in rows if row.drug_class in ANTIDEPRESSANTS]
    if named := [row.name for row in found if isinstance(row, Drug)]:
        return named[0]
    told = [*order.names, *(code for _system, code in order.codes)]
    return told[0] if found else ""


def _settled(orders: Sequence[Order]) -> str:
    texts = [Concept(text=name).key for order in orders for name in order.names]
    keys = [*(code for order in orders for code in order.codes), *texts]
    terms = EhrTerm.objects.filter(
        kind=EhrTerm.Kind.DRUG, meaning__in=ANTIDEPRESSANTS, code__in=[code for _of, code in keys]
    )
    found = {(term.system, term.code): term.words or term.code for term in terms}
    return next((found[key] for key in keys if key in found), "")


@transaction.atomic
def call_answered(
    *,
    call: HookCall,
    system: TrustedSystem,
    service: str,
    seen: Looking,
    told: Sequence[tuple[Matter, str]],
    now: datetime,
) -> None:
    """Write down the call, and each card with its summary: whom it was given about whom.

    A card that nobody answered is kept for ANSWERED_WITHIN; then an answer finds it unknown.
    """
    old = CdsCard.objects.filter(patient__in={matter.patient for matter, _ in told}, outcome="")
    old.filter(given_at__lt=now - ANSWERED_WITHIN).delete()
    CdsCard.objects.bulk_create(
        CdsCard(
            uuid=matter.uuid,
            system=system,
            service=service,
            patient=matter.patient,
            alert=matter.alert,
            alert_change=matter.change,
            summary=summary,
            fhir_user=call.user,
            given_at=now,
        )
        for matter, summary in told
    )
    audit_record(
        by=seen.user or EHR,
        action="ehr cards given" if told else "ehr cards asked for",
        patient=seen.patient,
        service=service,
        system=system.name,
        fhir_user=call.user,
        cards=len(told),
        why=seen.why_not,
    )


def feedback_taken(
    *, answers: Sequence[Answered], system: TrustedSystem, service: str, now: datetime
) -> list[str]:
    """Do here what was done with cards in the EHR; what came of each, in order."""
    return [_answer_taken(answer, system, service, now) for answer in answers]


@transaction.atomic
def _answer_taken(answer: Answered, system: TrustedSystem, service: str, now: datetime) -> str:
    rows = CdsCard.objects.select_for_update(of=("self",)).select_related("patient", "alert")
    card = rows.filter(uuid=answer.card, system=system, service=service).first()
    why = why_no_cards(system)
    if card is None or why:
        audit_record(
            by=EHR, action="ehr card unknown", service=service, system=system.name, why=why
        )
        return UNKNOWN
    if _is_settled(card, answer):
        return REPEATED
    user = account_user(card.fhir_user)
    if user and not patients_visible_to(user).filter(pk=card.patient_id).exists():
        user = None
    with translation.override(settings.CLINIC_LANGUAGE):
        card.result = _done(card, answer, user, now)
    card.outcome, card.reason, card.comment = answer.outcome, answer.reason, answer.comment
    card.answered_at = now
    card.save(update_fields=["outcome", "reason", "comment", "result", "answered_at"])
    audit_record(
        by=user or EHR,
        action="ehr card answered",
        patient=card.patient,
        card=str(card.uuid),
        outcome=answer.outcome,
        result=card.result,
        fhir_user=card.fhir_user,
        system=system.name,
    )
    return card.result


def _is_settled(card: CdsCard, answer: Answered) -> bool:
    """Whether it was answered by an act, or just so before: the EHR may say the same again."""
    before = (card.outcome, card.reason, card.comment)
    is_same = before == (answer.outcome, answer.reason, answer.comment)
    return is_same or card.result not in ("", NOTED)


def _done(card: CdsCard, answer: Answered, user: User | None, now: datetime) -> str:
    """Change the alert as far as the person may; what cannot be done becomes a note."""
    alert = alert_locked(card.alert) if card.alert else None
    if alert is None:
        why = ""
    elif user is None or not may(user, Permission.ACT_ON_ALERTS):
        why = _("Nobody is known here who may act on the alert.")
    elif answer.outcome != ACCEPTED and answer.reason not in DismissReason.values:
        why = _("No reason was given by which an alert is dismissed.")
    elif not (why := _outdated(card, alert, now)):
        try:
            return _acted(alert, answer, user)
        except NotAllowed as refusal:
            why = str(refusal)
    author = user if user and may(user, Permission.CARE) else f"EHR {card.fhir_user}"
    note_write(patient=card.patient, text=_note(card, answer, why), by=author)
    return NOTED


def _outdated(card: CdsCard, alert: Alert, now: datetime) -> str:
    """Why the card shows less than the alert is by now, or nothing."""
    if now - card.given_at > ANSWERED_WITHIN:
        days = {"days": ANSWERED_WITHIN.days}
        return _("The card was shown more than %(days)d days ago.") % days
    since = [it for it in kept(alert.transitions.all()) if it.pk > (card.alert_change or 0)]
    if risen := [it for it in since if it.event in ("risen", "upgraded")]:
        tier = {"tier": said_again(risen[-1].tier)}
        return _("It has risen to %(tier)s since the card was shown.") % tier
    if any(it.event == "repeated" for it in since):
        return _("It was told again since the card was shown.")
    return ""


def _acted(alert: Alert, answer: Answered, user: User) -> str:
    note = answer.comment or _("On a card in the EHR.")
    if answer.outcome == ACCEPTED:
        return services.alert_acknowledge(alert=alert, by=user, note=note).event
    # “Other” needs words of the person's own.
    words = answer.comment if answer.reason == DismissReason.OTHER else note
    made = services.alert_dismiss(alert=alert, by=user, reason=answer.reason, note=words)
    return made.event


def _note(card: CdsCard, answer: Answered, why: str) -> str:
    shown = {"card": card.summary}
    if answer.outcome == ACCEPTED:
        told = _("Accepted in the EHR: “%(card)s”") % shown
    elif answer.reason in DismissReason.values:
        label = {"reason": DismissReason(answer.reason).label}
        told = _("Overridden in the EHR (%(reason)s): “%(card)s”") % {**shown, **label}
    else:
        told = _("Overridden in the EHR: “%(card)s”") % shown
    parts = [told, answer.comment]
    if why:
        parts.append(_("The alert stays as it is. %(why)s") % {"why": why})
    return "\n".join(filter(None, parts))
