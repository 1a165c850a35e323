"""Panel, record and queue as clinicians see them."""

import re
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from alerts.models import Alert
from patients.models import Role
from tests import factories
from tests.integration.reading import browser, text, yesterday

pytestmark = pytest.mark.django_db

CLINICIANS = [Role.PSYCHIATRIST, Role.COORDINATOR]


@pytest.mark.parametrize("role", CLINICIANS)
def test_clinician_sees_own_patients_highest_risk_first(role: str) -> None:
    client, who = browser(role)
    tiers = {"LOW": (0.1, 0.1), "MOD": (0.6, 0.2), "HIGH": (0.9, 0.9), "UNKNOWN": (None, None)}
    for code, (depression, mania) in tiers.items():
        patient = factories.patient(code, [who])
        factories.score(patient, yesterday(), depression, mania)
    factories.patient("SOMEBODY-ELSES")
    body = client.get("/").content.decode()
    assert re.findall(r'href="/patients/([\w-]+)/"', body) == ["HIGH", "MOD", "UNKNOWN", "LOW"]
    assert body.count("<polyline") == 6
    assert "SOMEBODY-ELSES" not in body


def test_panel_filters_by_tier_and_code() -> None:
    client, who = browser()
    for code, p in (("AA-1", 0.9), ("AA-2", 0.1), ("BB-1", 0.9)):
        factories.score(factories.patient(code, [who]), yesterday(), p, p)

    def shown(query: str) -> list[str]:
        return re.findall(r'href="/patients/([\w-]+)/"', client.get(f"/?{query}").content.decode())

    assert shown("tier=High") == ["AA-1", "BB-1"]
    assert shown("q=aa") == ["AA-1", "AA-2"]
    assert shown("tier=High&q=aa") == ["AA-1"]
    assert shown("tier=nonsense") == ["AA-1", "BB-1", "AA-2"]


def test_panel_compares_with_seven_days_before() -> None:
    client, who = browser()
    patient = factories.patient("P-1", [who])
    factories.score(patient, yesterday() - timedelta(days=7), 0.20, 0.30)
    factories.score(patient, yesterday(), 0.21, 0.52)
    words = text(client.get("/"))
    assert "+22 pts in 7 days" in words
    assert "steady in 7 days" in words


@pytest.mark.parametrize(
    ("age", "chip"), [(1, "fresh"), (5, "aging"), (20, "stale"), (45, "lost"), (None, "lost")]
)
def test_panel_says_how_old_the_data_are(age: int | None, chip: str) -> None:
    client, who = browser()
    patient = factories.patient("P-1", [who])
    if age is not None:
        factories.recording(patient, timezone.localdate() - timedelta(days=age + 1), 2)
    assert f'class="chip chip-{chip}"' in client.get("/").content.decode()


def test_sparkline_leaves_gaps_where_nothing_was_assessed() -> None:
    client, who = browser()
    patient = factories.patient("P-1", [who])
    for back in (0, 1, 2, 5, 6, 9):
        known = back != 5
        day = yesterday() - timedelta(days=back)
        factories.score(patient, day, 0.4 if known else None, 0.3 if known else None)
    # Days 9, 6 and 2 to 0 were assessed: three stretches a track.
    assert client.get("/").content.decode().count("<polyline") == 6


def queries_of_panel(count: int) -> int:
    client, who = browser()
    for at in range(count):
        patient = factories.patient(f"N-{count}-{at}", [who])
        of = factories.score(patient, yesterday(), 0.9, 0.9)
        factories.score(patient, yesterday() - timedelta(days=7), 0.1, 0.1)
        factories.alert(of)
        factories.recording(patient, yesterday(), 1)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert client.get("/").content.decode().count('scope="row"') == count
    return len(queries)


def test_panel_asks_the_database_as_often_for_50_patients_as_for_5() -> None:
    few, many = queries_of_panel(5), queries_of_panel(50)
    assert few == many
    assert many <= 10  # the last ones ask which models are in use, and for unread notices


def test_record_tells_what_moved_since_when_and_how_sure() -> None:
    client, who = browser()
    patient = factories.patient("P-1", [who], name="Ada Example", zone="Europe/Paris")
    factories.history(
        patient, date(2026, 11, 19), 20, lambda b: 0.2, lambda b: 0.7 if b < 4 else 0.2
    )
    factories.recording(patient, date(2026, 11, 19), 8)
    factories.medication(patient)
    factories.alert(patient.scores.first())
    answer = client.get("/patients/P-1/")
    words = text(answer)
    assert "Rules and tier edges: unverified" in words
    assert "The mania risk indicator is High since 16 Nov 2026 (before: Low), up 50 points" in words
    assert "28 of 30 nights" in words
    assert "Ada Example" in words
    assert "times in Europe/Paris" in words
    assert "CET" in words  # 08:15 UTC on the patient's clock
    assert "sertraline 50 mg/day" in words
    assert "CANMAT/ISBD 2018" in words and "unverified" in words
    assert "Sleep per night 4.1 h less than usual 7.3 h +12 points" in words
    data = client.get("/patients/P-1/timeline.json").json()
    today = timezone.localdate(timezone=ZoneInfo("Europe/Paris"))
    days = (today - date(2026, 11, 19)).days  # the line goes up to the patient's today
    shown = data["tracks"][1]["percent"][: len(data["tracks"][1]["percent"]) - days]
    assert shown[-5:] == [20.0, 70.0, 70.0, 70.0, 70.0]
    assert (data["tracks"][0]["high"], data["tracks"][1]["high"]) == (80.0, 60.0)


def test_record_without_any_data_has_words_for_everything() -> None:
    client, who = browser()
    factories.patient("P-1", [who])
    words = text(client.get("/patients/P-1/"))
    assert "There is no score of the last 90 days yet." in words
    assert "No note was written." in words and "No contact is recorded." in words
    assert "No source has ever reported." in words
    assert "The medication list is unavailable." in words


SECRET = 0.618034  # a number that must not come out when nothing may be shown


def numbers_in(body: str) -> set[str]:
    return {shown for shown in ("0.61", "0.62", "61.8", "618", "62\u202f", "62 %") if shown in body}


def test_indeterminate_day_shows_no_number_anywhere() -> None:
    client, who = browser()
    patient = factories.patient("P-1", [who])
    # A stored row cannot hold an overall probability; its tracks are made to carry one.
    score = factories.score(patient, yesterday(), None, None)
    score.depression = factories.track("depression", SECRET)
    score.mania = factories.track("mania", SECRET)
    score.save()
    pages = ("", "timeline.json", "timeline/", "actogram/", "sleep/", "summary/")
    for address in ("/", "/alerts/", *(f"/patients/P-1/{page}" for page in pages)):
        body = client.get(address).content.decode()
        body = re.sub(r'name="csrfmiddlewaretoken" value="\w+"|\?v=\w+', "", body)
        assert not numbers_in(body), address
    for address in ("/api/v1/patients/", "/api/v1/patients/P-1/", "/api/v1/scores/?patient=P-1"):
        # A row's number and the digits of a second may be any.
        body = re.sub(r'"id":\d+|:\d\d\.\d+', "", client.get(address).content.decode())
        assert not numbers_in(body), address
    shown = client.get("/api/v1/scores/?patient=P-1").json()["results"][0]
    assert shown["tier"] == "Indeterminate"
    assert shown["probability"] is shown["depression"]["probability"] is None
    assert shown["mania"]["probability"] is shown["mania"]["mania_probability"] is None


def test_assessed_day_shows_its_number() -> None:
    client, who = browser()
    factories.score(factories.patient("P-1", [who]), yesterday(), SECRET, SECRET)
    assert "62 %" in text(client.get("/patients/P-1/"))
    shown = client.get("/api/v1/scores/?patient=P-1").json()["results"][0]
    assert shown["depression"]["probability"] == SECRET


def test_unavailable_track_says_why_and_has_no_number() -> None:
    client, who = browser()
    factories.score(factories.patient("P-1", [who]), yesterday(), 0.6, None)
    words = text(client.get("/patients/P-1/"))
    assert "Not assessed: 9 of 30 nights are too few: 12 are needed." in words
    data = client.get("/patients/P-1/timeline.json").json()
    assert set(data["tracks"][1]["percent"]) == {None}


@pytest.mark.parametrize("role", CLINICIANS)
def test_alert_is_acknowledged_with_a_note(role: str) -> None:
    client, who = browser(role)
    alert = factories.alert(factories.score(factories.patient("P-1", [who]), yesterday()))
    asked = {"note": "Will call today.", "next": "/patients/P-1/"}
    answer = client.post(f"/alerts/{alert.pk}/acknowledge/", asked, follow=True)
    assert answer.redirect_chain == [("/patients/P-1/", 302)]
    assert "Mania alert of P-1 acknowledged." in text(answer)
    alert.refresh_from_db()
    assert alert.state == "acknowledged"
    assert alert.transitions.get(actor=who.username).note == "Will call today."


def test_alert_is_dismissed_only_with_a_reason() -> None:
    client, who = browser()
    alert = factories.alert(factories.score(factories.patient("P-1", [who]), yesterday()))
    address = f"/alerts/{alert.pk}/dismiss/"
    for asked, problem in (
        ({}, "Choose a reason"),
        ({"reason": "because"}, "Choose a reason"),
        ({"reason": "other", "note": " "}, "Say what the other reason is."),
    ):
        assert problem in text(client.post(address, asked, follow=True))
        assert Alert.objects.get().state == "new"
        assert client.post(f"/api/v1{address}", asked).status_code == 400
    assert "dismissed" in text(client.post(address, {"reason": "known-and-managed"}, follow=True))
    assert Alert.objects.get().state == "dismissed"


def test_alert_that_somebody_else_dealt_with_is_not_changed() -> None:
    client, who = browser()
    of = factories.score(factories.patient("P-1", [who]), yesterday())
    alert = factories.alert(of, state="dismissed")
    answer = client.post(f"/alerts/{alert.pk}/dismiss/", {"reason": "data-artifact"}, follow=True)
    assert 'class="notice notice-error"' in answer.content.decode()
    refused = client.post(f"/api/v1/alerts/{alert.pk}/dismiss/", {"reason": "known-and-managed"})
    assert refused.status_code == 409
    assert alert.transitions.count() == 2


def test_queue_is_high_first_then_oldest_and_says_where_messages_are() -> None:
    client, who = browser()
    made = [
        ("A", "Moderate", 5, "held"),
        ("B", "High", 1, "pending"),
        ("C", "High", 3, "delivered"),
    ]
    for code, tier, back, state in made:
        day = yesterday() - timedelta(days=back)
        of = factories.score(factories.patient(code, [who]), day)
        factories.alert(of, tier=tier, message_state=state)
    answer = client.get("/alerts/")
    codes = re.findall(r'href="/patients/(\w)/"', answer.content.decode())
    assert codes == ["C", "B", "A"]
    words = text(answer)
    assert "Waiting, next try" in words
    assert "The EHR’s last answer: The EHR did not answer in time." in words
    assert "Not sent: delivery is off" in words
    assert "In the record since" in words
