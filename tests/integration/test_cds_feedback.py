"""What is done with a card in the EHR is done here too, as far as the person may."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts import services
from alerts.models import (
    Alert,
    AlertTransition,
    CdsCard,
    DismissReason,
    EhrAccount,
    TrustedSystem,
)
from alerts.outcomes import outcome_record
from alerts.raising import alerts_consider
from patients.models import AuditEvent, Note, Patient, Role
from tests import factories, trusted
from tests.hooks import ORDER, USER, VIEW, call, give_back, mapped, ordering, post
from tests.hooks import calling_ehr as calling_ehr

pytestmark = pytest.mark.django_db
DIRECT = [r for r in DismissReason.values if r not in ("will-monitor", "other")]


def followed(role: str = Role.PSYCHIATRIST, tier: str = "High") -> Alert:
    """An open mania alert of a patient of somebody of the EHR."""
    user = mapped(role, username="dr.grey")
    patient = factories.patient("P-1", [user], ehr_id="ehr-1", name="Zebulon Quist")
    newest = factories.score(patient, timezone.localdate() - timedelta(days=1), 0.2, 0.7)
    return factories.alert(newest, "mania", tier)


def last(alert: Alert) -> AlertTransition:
    found = alert.transitions.last()
    assert found is not None
    return found


def notes() -> list[tuple[str, str]]:
    return [(note.author, note.text) for note in Note.objects.order_by("pk")]


def test_an_accepted_card_acknowledges_the_alert() -> None:
    alert = followed()
    [card] = call()
    assert card["suggestions"][0]["label"] == "Acknowledge the alert in Clarity"
    answer = give_back(card, "accepted")
    assert (answer.status_code, answer.json()) == (200, {})
    alert.refresh_from_db()
    made = last(alert)
    assert (alert.state, made.actor, made.note) == (
        "acknowledged",
        "dr.grey",
        "On a card in the EHR.",
    )
    stored = CdsCard.objects.get()
    assert (stored.outcome, stored.result) == ("accepted", "acknowledged")
    acts = AuditEvent.objects.exclude(action="ehr call").order_by("pk")
    acts = acts.values_list("action", "actor")
    assert list(acts)[1:] == [("alert acknowledged", "dr.grey"), ("ehr card answered", "dr.grey")]
    assert notes() == []


@pytest.mark.parametrize("reason", DIRECT)
def test_an_override_with_a_reason_dismisses_the_alert(reason: str) -> None:
    alert = followed()
    [card] = call()
    give_back(card, "overridden", reason=reason, comment="Seen this morning.")
    alert.refresh_from_db()
    made = last(alert)
    assert (alert.state, made.reason, made.note) == ("dismissed", reason, "Seen this morning.")
    assert CdsCard.objects.get().result == "dismissed"
    assert call() == []  # it is not shown again


def test_other_needs_words_of_ones_own() -> None:
    alert = followed()
    [first], [second] = call(), call()
    give_back(first, "overridden", reason="other")
    alert.refresh_from_db()
    assert alert.state == "new" and "Say in the note what the other reason is." in notes()[0][1]
    give_back(second, "overridden", reason="other", comment="On leave abroad.")
    alert.refresh_from_db()
    assert (alert.state, last(alert).note) == ("dismissed", "On leave abroad.")


def test_will_monitor_without_a_day_becomes_a_note() -> None:
    alert = followed()
    [card] = call()
    give_back(card, "overridden", reason="will-monitor", comment="Seeing her on Monday.")
    alert.refresh_from_db()
    assert alert.state == "new"
    [(author, text)] = notes()
    assert author == "dr.grey"
    assert text.splitlines() == [
        f"Overridden in the EHR (Will monitor (until a date)): “{card['summary']}”",
        "Seeing her on Monday.",
        "The alert stays as it is. Say until when you will monitor: give the day of the follow-up.",
    ]
    assert CdsCard.objects.get().result == "noted"


@pytest.mark.parametrize("more", [{}, {"comment": "No."}, {"reason": "their-own-reason"}])
def test_an_override_without_a_reason_of_ours_becomes_a_note(more: dict[str, str]) -> None:
    alert = followed()
    [card] = call()
    give_back(card, "overridden", **more)
    alert.refresh_from_db()
    assert alert.state == "new"
    [(_author, text)] = notes()
    assert text.startswith("Overridden in the EHR: “") and "No reason was given" in text


@pytest.mark.parametrize(
    ("system", "state"),
    [("urn:clarity:dismiss-reason", "dismissed"), ("https://ehr.example/reasons", "new")],
)
def test_a_reason_counts_in_our_own_system_alone(system: str, state: str) -> None:
    alert = followed()
    [card] = call()
    give_back(card, "overridden", reason="data-artifact", system=system)
    alert.refresh_from_db()
    assert alert.state == state


def test_an_answer_that_only_made_a_note_may_be_followed_by_one_that_acts() -> None:
    alert = followed()
    [card] = call()
    give_back(card, "overridden", reason="their-own-reason")
    give_back(card, "overridden", reason="other")
    give_back(card, "overridden", reason="other", comment="On leave abroad.")
    alert.refresh_from_db()
    assert (alert.state, last(alert).note) == ("dismissed", "On leave abroad.")
    assert len(notes()) == 2
    give_back(card, "overridden", reason="other", comment="And once more.")
    give_back(card, "accepted")
    assert len(notes()) == 2 and alert.transitions.count() == 2


def test_a_coordinator_asks_to_dismiss_a_high_alert() -> None:
    alert = followed(Role.COORDINATOR)
    [card] = call()
    give_back(card, "overridden", reason="data-artifact")
    alert.refresh_from_db()
    assert (alert.state, alert.requested) == ("new", "dismissal_requested")
    assert CdsCard.objects.get().result == "dismissal_requested"


def test_an_administrator_changes_no_alert_and_writes_no_note_as_themselves() -> None:
    alert = followed(Role.ADMINISTRATOR)
    [card] = call()
    give_back(card, "accepted")
    alert.refresh_from_db()
    assert alert.state == "new"
    [(author, text)] = notes()
    assert author == f"EHR {USER}" and "who may act on the alert" in text


@pytest.mark.parametrize("what", ["unmapped", "left the team", "closed"])
def test_somebody_who_may_no_more_leaves_a_note_alone(what: str) -> None:
    alert = followed()
    [card] = call()
    if what == "unmapped":
        EhrAccount.objects.all().delete()
    elif what == "closed":
        EhrAccount.objects.get().user.delete()  # type: ignore[union-attr]
    else:
        alert.patient.care_team.all().delete()
    give_back(card, "overridden", reason="known-and-managed")
    alert.refresh_from_db()
    assert alert.state == "new"
    assert [author for author, _text in notes()] == [f"EHR {USER}"]


def test_somebody_else_was_first_and_the_note_says_so() -> None:
    alert = followed()
    [card] = call()
    other = factories.user(username="dr.first")
    services.alert_acknowledge(alert=alert, by=other)
    give_back(card, "accepted")
    assert last(alert).actor == "dr.first"
    assert "already been acknowledged by dr.first" in notes()[0][1]


def test_a_closed_alert_stays_closed() -> None:
    alert = followed()
    [card] = call()
    services.alert_acknowledge(alert=alert, by=factories.user(username="dr.first"))
    services.alert_resolve(alert=alert, by=factories.user(username="dr.second"))
    give_back(card, "overridden", reason="known-and-managed")
    alert.refresh_from_db()
    assert alert.state == "resolved" and "resolved by dr.second" in notes()[0][1]


REASON = {"reason": "known-and-managed"}
ANSWERS: list[tuple[str, dict[str, str]]] = [("accepted", {}), ("overridden", REASON)]


@pytest.mark.parametrize(("outcome", "more"), ANSWERS)
@pytest.mark.parametrize("by_hand", [True, False])
@pytest.mark.parametrize("service", [VIEW, ORDER])
def test_an_alert_that_rose_since_is_not_answered_by_a_card_of_before(
    outcome: str, more: dict[str, str], by_hand: bool, service: str
) -> None:
    alert = followed(tier="Moderate")
    [card] = call(service, **(ordering(text="sertraline") if service == ORDER else {}))
    if by_hand:
        other = factories.user(username="dr.other")
        services.alert_retier(alert=alert, by=other, tier="High", note="Worse.")
    else:
        newest = factories.score(alert.patient, timezone.localdate(), 0.2, 0.9)
        alerts_consider(score=newest, now=timezone.now())
    give_back(card, outcome, service, **more)
    alert.refresh_from_db()
    assert (alert.state, alert.tier) == ("new", "High")
    [(author, text)] = notes()
    assert author == "dr.grey"
    said = "The alert stays as it is. It has risen to High since the card was shown."
    assert text.endswith(said)
    [again] = call()
    give_back(again, outcome, **more)
    alert.refresh_from_db()
    assert alert.state == ("acknowledged" if outcome == "accepted" else "dismissed")


def test_a_rise_that_was_taken_back_is_none() -> None:
    alert, other = followed(tier="Moderate"), factories.user(username="dr.other")
    [card] = call()
    services.alert_retier(alert=alert, by=other, tier="High", note="Worse.")
    services.alert_undo(alert=alert, by=other)
    give_back(card, "accepted")
    alert.refresh_from_db()
    assert (alert.state, alert.tier) == ("acknowledged", "Moderate")


def test_a_safety_alert_that_was_told_again_is_not_answered_by_a_card_of_before() -> None:
    alert, items = followed(), [0] * 8 + [1]
    services.alert_dismiss(alert=alert, by=factories.user(), reason="known-and-managed", note="x")

    def told() -> None:
        outcome_record(
            patient=alert.patient,
            instrument="phq9",
            items=items,
            taken_at=timezone.now(),
            by=factories.user(),
        )

    told()
    [card] = call()
    told()
    give_back(card, "overridden", **REASON)
    assert Alert.objects.get(kind="safety").state == "new"
    assert notes()[-1][1].endswith("It was told again since the card was shown.")


@pytest.mark.parametrize(("outcome", "more"), ANSWERS)
@pytest.mark.parametrize(("days", "state"), [(29, "changed"), (31, "new")])
def test_a_card_of_long_ago_does_nothing(
    outcome: str, more: dict[str, str], days: int, state: str
) -> None:
    alert = followed()
    [card] = call()
    CdsCard.objects.update(given_at=timezone.now() - timedelta(days=days))
    give_back(card, outcome, **more)
    alert.refresh_from_db()
    assert (alert.state == "new") == (state == "new")
    told = [text for _author, text in notes() if "shown more than 30 days ago" in text]
    assert len(told) == (state == "new")


def test_the_same_feedback_twice_changes_nothing_more() -> None:
    alert = followed()
    [card] = call()
    words = {"reason": "will-monitor", "comment": "Seeing her on Monday."}
    for _ in range(3):
        assert give_back(card, "overridden", **words).status_code == 200
    assert len(notes()) == 1
    for _ in range(3):
        assert give_back(card, "accepted").status_code == 200
    assert len(notes()) == 1
    alert.refresh_from_db()
    assert (alert.state, alert.transitions.count()) == ("acknowledged", 2)


def test_a_card_of_another_ehr_or_service_is_not_answered() -> None:
    alert = followed()
    [card] = call()
    give_back(card, "accepted", ORDER)
    CdsCard.objects.update(system=trusted.system(name="Other", issuer="https://other.example"))
    give_back(card, "accepted")
    assert give_back({"uuid": str(uuid4())}, "accepted").status_code == 200
    alert.refresh_from_db()
    assert alert.state == "new" and notes() == []
    assert AuditEvent.objects.filter(action="ehr card unknown").count() == 3


@pytest.mark.parametrize(
    ("fhir_url", "why"), [("https://b.example/fhir", "other_ehr"), ("", "no_fhir_url")]
)
def test_a_system_that_is_not_the_clinics_ehr_answers_nothing(fhir_url: str, why: str) -> None:
    alert = followed()
    [card] = call()
    TrustedSystem.objects.update(fhir_url=fhir_url)
    assert give_back(card, "accepted").status_code == 200
    alert.refresh_from_db()
    assert alert.state == "new" and notes() == []
    assert AuditEvent.objects.get(action="ehr card unknown").detail["why"] == why


def test_feedback_about_an_order_acts_on_the_mania_alert() -> None:
    alert = followed(tier="Moderate")
    [card] = call(ORDER, **ordering(text="sertraline"))
    give_back(card, "accepted", ORDER)
    alert.refresh_from_db()
    assert alert.state == "acknowledged"


def test_feedback_about_an_order_without_an_alert_is_a_note() -> None:
    alert = followed()
    services.alert_acknowledge(alert=alert, by=factories.user())
    services.alert_resolve(alert=alert, by=factories.user())
    [card] = call(ORDER, **ordering(text="sertraline"))
    give_back(card, "overridden", ORDER, reason="known-and-managed", comment="Low dose.")
    [(author, text)] = notes()
    assert author == "dr.grey" and "Low dose." in text and "as it is" not in text


def test_several_answers_in_one_call() -> None:
    followed()
    [first], [second] = call(), call()
    said = [
        {"card": first["uuid"], "outcome": "accepted"},
        {"card": str(uuid4()), "outcome": "accepted"},
        {"card": second["uuid"], "outcome": "overridden"},
    ]
    assert post(f"/cds-services/{VIEW}/feedback", {"feedback": said}).status_code == 200
    results = CdsCard.objects.order_by("pk").values_list("result", flat=True)
    assert list(results) == ["acknowledged", "noted"]
    assert post(f"/cds-services/{VIEW}/feedback", {"feedback": "x"}).status_code == 400


def test_notes_and_words_in_the_ehr_are_of_the_clinics_language(settings: Any) -> None:
    settings.CLINIC_LANGUAGE = "fr"
    followed()
    [card] = call()
    give_back(card, "overridden", reason="will-monitor")
    label = next(r for r in card["overrideReasons"] if r["code"] == "will-monitor")["display"]
    assert label != "Will monitor (until a date)" and label in notes()[0][1]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["accepted", "overridden"]),
            st.sampled_from([*DismissReason.values, "", "unknown"]),
            st.text(max_size=60),
        ),
        max_size=4,
    )
)
def test_whatever_is_answered_each_answer_changes_the_alert_or_leaves_a_note(
    answers: list[tuple[str, str, str]],
) -> None:
    Patient.objects.all().delete()
    EhrAccount.objects.all().delete()
    user = mapped(username=f"dr{uuid4().hex[:8]}")
    patient = factories.patient(team=[user], ehr_id="ehr-1")
    alert = factories.alert(
        factories.score(patient, timezone.localdate() - timedelta(days=1), 0.2, 0.7)
    )
    [first] = call()
    cards = [first] + [call()[0] for _ in answers[1:]]
    for card, (outcome, reason, comment) in zip(cards, answers, strict=False):
        changes = alert.transitions.count()
        kept = Note.objects.count()
        more = {} if outcome == "accepted" else {"reason": reason, "comment": comment}
        assert give_back(card, outcome, **more).status_code == 200
        changed = alert.transitions.count() - changes
        assert changed + Note.objects.count() - kept == 1
        assert changed == 0 or last(alert).actor == user.username
