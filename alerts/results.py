"""Sends what a score says beside the alert, to an EHR that takes it as resources of its own."""

from alerts.fhir.answers import Delivered, Refused
from alerts.fhir.capability import FOLDER
from alerts.fhir.client import EhrClient
from alerts.fhir.observations import observation, provenance, risk_assessment
from alerts.models import EhrConnection, OutboxMessage
from alerts.outbox import IN_FLIGHT, Held, NotYet, score_result
from scoring.models import RiskScore

State, Kind = OutboxMessage.State, OutboxMessage.Kind
DONE = (State.DELIVERED, State.SUPERSEDED, State.REFUSED, State.DEAD)


def send_results(
    client: EhrClient | None, ehr: EhrConnection, message: OutboxMessage
) -> Delivered | None:
    """The Observations of both tracks, the RiskAssessment that rests on them, and who made all.

    Only what the EHR takes; each under an identifier of its own, so none comes twice. None where
    the notice it belongs to was not sent. Raises NotYet before that, TemporaryFailure, Refused.
    """
    notice = message.transition.messages.filter(kind=Kind.NOTICE).first()
    rows = RiskScore.objects.filter(pk=message.resource.get("score", message.alert.score_id))
    scored = rows.select_related("patient", "depression_model", "mania_model").first()
    if client is None or notice is None or scored is None:
        return None
    if not ehr.results or ehr.way == FOLDER:  # then nothing goes to the EHR's server
        return None
    if notice.state == State.HELD:
        raise Held(notice.last_error)
    if notice.state not in DONE:
        raise NotYet(IN_FLIGHT)
    if notice.state != State.DELIVERED:
        return None
    score, resend = score_result(scored), message.attempts > 1
    made = []
    if "Observation" in ehr.results:
        for track in score.tracks:
            told = client.create(observation(score, track), resend=resend)
            made.append(_reference(told, "Observation"))
    if "RiskAssessment" in ehr.results:
        told = client.create(risk_assessment(score, made), resend=resend)
        made.append(_reference(told, "RiskAssessment"))
    if notice.ehr_resource_id:
        made.append(f"{notice.sent_as}/{notice.ehr_resource_id}")
    if "Provenance" in ehr.results and made:
        signed = provenance(made, message.created_at, score.models)
        client.create(signed, {"reference": made[-1]}, resend=resend)
    return Delivered(None, None, duplicate=False)


def _reference(told: Delivered, kind: str) -> str:
    """What others refer to it by. Raises Refused where the EHR does not say how it calls it."""
    if told.id is None:
        raise Refused(f"The EHR does not say by which id it keeps the {kind}.")
    return f"{kind}/{told.id}"
