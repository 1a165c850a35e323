"""The alert queue: whose alerts are whose, filters, what is said, how often it asks."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from alerts import services
from alerts.connection import NO_EHR
from alerts.delivering import NO_PATIENT_ID
from alerts.lifecycle import move
from alerts.models import Alert, AlertTransition, Notice, OnCallAccess, QueueVisit
from alerts.notices import message_failed_notices
from patients.models import CareTeamMember, Patient, Role, User
from tests import factories
from tests.integration.reading import text, yesterday

pytestmark = pytest.mark.django_db
PAYLOAD = {"payload": [{"contentString": "Research use.\nClarity risk indicator: High."}]}


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def doctor() -> User:
    return factories.user(Role.PSYCHIATRIST, "dr.a", first_name="Ada", last_name="Hall")


@pytest.fixture
def coordinator() -> User:
    return factories.user(Role.COORDINATOR, "coord.b", first_name="Jo", last_name="Marsh")


def an_alert(code: str, *team: User, tier: str = "High", **more: Any) -> Alert:
    patient = Patient.objects.filter(code=code).first() or factories.patient(code, team)
    of = patient.scores.first() or factories.score(patient, yesterday(), 0.2, 0.9)
    return factories.alert(of, tier=tier, **more)


def shown(client: Client, query: str = "") -> list[int]:
    """The alerts of the page, in its order."""
    body = client.get(f"/alerts/{query}").content.decode()
    return [int(key) for key in re.findall(r'id="card-(\d+)"', body)]


def counts(client: Client, query: str = "") -> dict[str, str]:
    body = client.get(f"/alerts/{query}").content.decode()
    nav = body[body.index('id="tabs"') : body.index("</nav>", body.index('id="tabs"'))]
    return dict(re.findall(r">([\w’ ]+?) <b>(\d+)</b>", nav))


def test_each_open_alert_is_mine_my_teams_or_nobodys(doctor: User, coordinator: User) -> None:
    mine, theirs, nobodys = (an_alert(code, doctor, coordinator) for code in ("A", "B", "C"))
    services.alert_acknowledge(alert=mine, by=doctor)
    services.alert_acknowledge(alert=theirs, by=coordinator)
    client = client_of(doctor)
    assert shown(client, "?tab=mine") == [mine.pk]
    assert shown(client, "?tab=team") == [theirs.pk]
    assert shown(client, "?tab=nobody") == [nobodys.pk]
    assert counts(client) == {"All open": "3", "Mine": "1", "My team’s": "1", "Nobody’s": "1"}
    assert counts(client_of(coordinator))["Mine"] == "1"
    services.alert_undo(alert=mine, by=doctor)
    assert shown(client, "?tab=mine") == []
    assert sorted(shown(client, "?tab=nobody")) == [mine.pk, nobodys.pk]


def test_what_waits_for_a_decision_is_the_psychiatrists(doctor: User, coordinator: User) -> None:
    alert = an_alert("A", doctor, coordinator)
    services.alert_dismiss(alert=alert, by=coordinator, reason="data-artifact")
    assert shown(client_of(doctor), "?tab=mine") == [alert.pk]
    assert shown(client_of(coordinator), "?tab=nobody") == [alert.pk]


def test_what_came_to_me_on_call_is_mine_until_somebody_has_it(
    doctor: User, coordinator: User
) -> None:
    alert = an_alert("A", doctor, coordinator)
    member = CareTeamMember.objects.get(user=doctor)
    OnCallAccess.objects.create(alert=alert, member=member)
    assert shown(client_of(doctor), "?tab=mine") == [alert.pk]
    services.alert_acknowledge(alert=alert, by=coordinator)
    assert shown(client_of(doctor), "?tab=mine") == []
    assert shown(client_of(doctor), "?tab=team") == [alert.pk]


def test_one_patients_alerts_stand_together_where_the_most_urgent_is(doctor: User) -> None:
    old = timezone.now() - timedelta(days=5)
    first_moderate = an_alert("A", doctor, tier="Moderate", raised_at=old)
    b_high = an_alert("B", doctor, tier="High")
    b_moderate = an_alert("B", doctor, track="depression", tier="Moderate")
    safety = an_alert("C", doctor, track="safety", tier="High")
    client = client_of(doctor)
    assert shown(client) == [safety.pk, b_high.pk, b_moderate.pk, first_moderate.pk]
    services.alert_snooze(alert=safety, by=doctor, hours=2)
    assert shown(client)[-1] == safety.pk  # out of the way is out of the way
    assert client.get("/alerts/").content.decode().count('href="/patients/B/"') == 1


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?kind=mania", {"A", "B"}),
        ("?tier=Moderate", {"B", "C"}),
        ("?code=b", {"B"}),
        ("?kind=mania&tier=Moderate&code=%20B%20", {"B"}),
        ("?kind=moon&tier=Blue&tab=yours&page=zero", {"A", "B", "C"}),
        ("?page=99", {"A", "B", "C"}),
    ],
)
def test_filters_narrow_and_nonsense_is_left_out(doctor: User, query: str, found: set[str]) -> None:
    made = {
        an_alert("A", doctor).pk: "A",
        an_alert("B", doctor, tier="Moderate").pk: "B",
        an_alert("C", doctor, track="depression", tier="Moderate").pk: "C",
    }
    client = client_of(doctor)
    assert {made[key] for key in shown(client, query)} == found
    assert counts(client, query)["All open"] == str(len(found))


def test_an_empty_list_says_why_it_is_empty(doctor: User, coordinator: User) -> None:
    client = client_of(doctor)
    assert "No patient is in your care yet" in text(client.get("/alerts/"))
    factories.patient("Z", [doctor])
    assert "No alert of your patient is open" in text(client.get("/alerts/"))
    alert = an_alert("A", doctor, coordinator)
    assert "You hold no alert" in text(client.get("/alerts/?tab=mine"))
    assert "None of your colleagues holds" in text(client.get("/alerts/?tab=team"))
    assert "does not match the filter" in text(client.get("/alerts/?code=none"))
    services.alert_acknowledge(alert=alert, by=coordinator)
    assert "Somebody has taken on every open alert" in text(client.get("/alerts/?tab=nobody"))
    assert "Nothing was closed in these days" in text(client.get("/alerts/?tab=closed"))


def test_a_card_says_why_how_long_who_was_told_and_what_comes_next(
    doctor: User, coordinator: User
) -> None:
    alert = an_alert("A", doctor, coordinator, raised_at=timezone.now() - timedelta(hours=5))
    alert.due_at = timezone.now() + timedelta(hours=3)
    alert.save()
    alert.transitions.update(reason="high")
    for user, seen in ((doctor, timezone.now()), (coordinator, None)):
        Notice.objects.create(
            user=user, alert=alert, event="raised", tier="High", at=alert.raised_at, seen_at=seen
        )
    client = client_of(doctor)
    words = text(client.get("/alerts/"))
    assert "Why: The tier is High. Sleep per night 4.1 h, usually 7.3 h: +12 points." in words
    assert re.search(r"Waiting for 5 hours; if nobody takes it on by .*, the psychiatrist", words)
    assert "Told: Ada Hall (has looked), Jo Marsh (has not looked yet)." in words
    alert.level = 1
    alert.save()
    words = text(client.get("/alerts/"))
    assert re.search(r"Past its time: waiting for 5 hours; by .* whoever is on call", words)
    services.alert_acknowledge(alert=alert, by=coordinator, note="Will ring.")
    words = text(client.get("/alerts/"))
    assert "Jo Marsh has it since" in words and "“Will ring.”" in words
    assert "past its time" not in words


def test_a_day_that_was_not_assessed_gives_no_number_as_the_reason(doctor: User) -> None:
    patient = factories.patient("A", [doctor])
    score = factories.score(patient, yesterday(), None, None)
    score.mania = factories.track("mania", 0.62)
    score.save()
    factories.alert(score).transitions.update(reason="high")
    words = text(client_of(doctor).get("/alerts/"))
    assert "Why: The tier is High." in words and "points" not in words and "4.1 h" not in words


def test_lowered_come_back_and_fallen_alerts_say_so(doctor: User) -> None:
    alert, client = an_alert("A", doctor), client_of(doctor)
    services.alert_retier(alert=alert, by=doctor, tier="Moderate", note="Known to us.")
    assert "Lowered from High by Ada Hall" in text(client.get("/alerts/"))
    services.alert_acknowledge(alert=alert, by=doctor)
    alert.refresh_from_db()
    move(alert, "lapsed", by="system", at=timezone.now())
    assert "It came back: it was taken on, and nothing followed." in text(client.get("/alerts/"))
    Alert.objects.filter(pk=alert.pk).update(evidence_tier="Low")
    assert "The indicator is Low now; the alert stays" in text(client.get("/alerts/"))
    Alert.objects.filter(pk=alert.pk).update(evidence_tier="Indeterminate")
    assert "The indicator is" not in text(client.get("/alerts/"))


@pytest.mark.parametrize(
    ("state", "error", "attempts", "says"),
    [
        ("delivered", "", 1, "In the record since"),
        ("pending", "", 0, "Waiting to be sent to the record"),
        ("pending", "the EHR is away", 2, "Waiting, next try"),
        ("sending", "", 1, "Being sent to the record"),
        ("held", "", 0, "Not sent: delivery is off"),
        ("held", NO_EHR, 0, "Not sent: no EHR is connected"),
        ("held", NO_PATIENT_ID, 0, "Not sent: the patient has no id in the EHR"),
        ("refused", "422", 1, "Failed: ask an administrator"),
        ("dead", "down", 9, "Failed: ask an administrator"),
        ("superseded", "", 0, "Not sent: something newer took its place"),
    ],
)
def test_each_state_of_delivery_has_its_words_and_the_very_text(
    doctor: User, state: str, error: str, attempts: int, says: str
) -> None:
    alert = an_alert("A", doctor, message_state=state)
    alert.messages.update(resource=PAYLOAD, last_error=error, attempts=attempts)
    body = client_of(doctor).get("/alerts/")
    assert says in text(body)
    assert "Research use.\nClarity risk indicator: High.</pre>" in body.content.decode()


def test_that_an_administrator_was_told_is_said_only_when_it_is_so(doctor: User) -> None:
    alert = an_alert("A", doctor, message_state="dead")
    client = client_of(doctor)
    assert "an administrator was told" not in text(client.get("/alerts/"))
    chief = factories.user(Role.ADMINISTRATOR, "chief")
    message_failed_notices(alert=alert, at=timezone.now())
    assert "Failed: an administrator was told" in text(client.get("/alerts/"))
    assert "A: Mania High, its message did not reach the EHR" in text(
        client_of(chief).get("/notices/")
    )
    services.alert_acknowledge(alert=alert, by=doctor)  # cancels no word about the message
    assert Notice.objects.get(user=chief).cancelled_at is None


def test_what_others_did_since_my_last_visit(doctor: User, coordinator: User) -> None:
    alert, client = an_alert("A", doctor, coordinator), client_of(doctor)
    client.get("/alerts/")
    assert "since your last visit" not in text(client.get("/alerts/"))
    QueueVisit.objects.update(seen_at=timezone.now() - timedelta(hours=20))
    services.alert_contact(alert=alert, by=coordinator, note="Secret words.")
    services.alert_acknowledge(alert=an_alert("B", doctor), by=doctor)
    for _reload in range(2):  # the visit goes on, and so does what it shows
        words = text(client.get("/alerts/"))
        assert "1 act of others since your last visit" in words
        assert "Mania: contacted by Jo Marsh" in words
    assert "acts of others" not in words and words.count("Secret words.") == 1  # on its card


def test_what_is_done_elsewhere_is_nobodys_news(doctor: User, coordinator: User) -> None:
    alert, client = an_alert("A", coordinator), client_of(doctor)
    QueueVisit.objects.create(user=doctor, seen_at=timezone.now() - timedelta(hours=20))
    services.alert_acknowledge(alert=alert, by=coordinator)
    assert "since your last visit" not in text(client.get("/alerts/"))


def queries(client: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as seen:
        assert client.get(address).status_code == 200
    return len(seen)


@pytest.mark.parametrize(
    ("address", "most"), [("/alerts/", 24), ("/alerts/?tab=closed", 29), ("/today/", 24)]
)
def test_fifty_alerts_ask_the_database_no_more_than_five(
    doctor: User, coordinator: User, address: str, most: int
) -> None:
    def more(numbers: range) -> None:
        for number in numbers:
            alert = an_alert(f"P-{number:02}", doctor, coordinator)
            factories.follow_up(alert, doctor)
            Notice.objects.create(
                user=doctor, alert=alert, event="raised", tier="High", at=alert.raised_at
            )
            an_alert(f"P-{number:02}", tier="Moderate", track="depression", state="dismissed")
            AlertTransition.objects.filter(alert=alert).update(reason="high")

    client = client_of(doctor)
    more(range(5))
    client.get(address)
    few = queries(client, address)
    more(range(5, 50))
    assert queries(client, address) == few <= most


def test_more_patients_than_a_page_holds_are_on_the_next(doctor: User) -> None:
    made = {an_alert(f"P-{number:02}", doctor).pk for number in range(30)}
    client = client_of(doctor)
    first, second = shown(client), shown(client, "?page=2")
    assert (len(first), len(second)) == (20, 10) and set(first + second) == made


def in_place(client: Client, address: str, target: str, **asked: str) -> Any:
    headers = {"HX-Request": "true", "HX-Target": target}
    return client.post(address, asked, headers=headers)


def test_in_place_the_card_comes_back_with_what_was_said_and_the_undo(
    doctor: User, coordinator: User
) -> None:
    alert, client = an_alert("A", doctor, coordinator), client_of(doctor)
    target = f"card-{alert.pk}"
    answer = in_place(client, f"/alerts/{alert.pk}/acknowledge/", target, next="/alerts/?tab=mine")
    body = answer.content.decode()
    assert f'id="{target}"' in body and "Mania alert of A acknowledged.</p>" in body
    assert f'hx-target="#{target}"' in body and f"/alerts/{alert.pk}/undo/" in body
    assert 'value="/alerts/?tab=mine"' in body and "<html" not in body
    assert answer["HX-Push-Url"] == "false"
    assert "Mine <b>1</b>" in body and "Nobody’s <b>0</b>" in body  # the counts come along
    again = in_place(client_of(coordinator), f"/alerts/{alert.pk}/acknowledge/", target)
    assert "already been acknowledged" in again.content.decode()
    assert f'id="{target}"' in again.content.decode() and "HX-Reswap" not in again
    wrong = in_place(client, f"/alerts/{alert.pk}/dismiss/", target, reason="other")
    assert wrong["HX-Reswap"] == "none" and f'id="{target}"' not in wrong.content.decode()
    assert "Say what the other reason is." in wrong.content.decode()
    assert "acknowledged." not in text(client.get("/"))  # nothing is said a second time


def test_the_last_act_is_offered_back_for_ten_minutes_without_a_script(doctor: User) -> None:
    alert, client = an_alert("A", doctor), client_of(doctor)
    client.post(f"/alerts/{alert.pk}/dismiss/", {"reason": "data-artifact"})
    words = text(client.get("/alerts/"))
    assert "You can take back: dismissed (data artefact" in words
    client.post(f"/alerts/{alert.pk}/undo/")
    assert "You can take back" not in text(client.get("/alerts/"))
    services.alert_acknowledge(alert=alert, by=doctor)
    AlertTransition.objects.update(at=timezone.now() - timedelta(minutes=11))
    assert "You can take back" not in text(client.get("/alerts/"))


def test_an_administrator_reads_and_changes_nothing(doctor: User) -> None:
    alert, client = an_alert("A", doctor), client_of(factories.user(Role.ADMINISTRATOR))
    body = client.get("/alerts/").content.decode()
    assert f'id="card-{alert.pk}"' in body and f"/alerts/{alert.pk}/" not in body
    refused = in_place(client, f"/alerts/{alert.pk}/acknowledge/", f"card-{alert.pk}")
    assert refused.status_code == 403
