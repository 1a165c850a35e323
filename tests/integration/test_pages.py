"""Each page as each role sees it."""

import json
import re
from datetime import date, timedelta
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.views.defaults import server_error

from alerts.models import Alert, EhrSetting
from patients.models import MedicationCourse, Patient, Role, User
from scoring.models import Baseline
from tests import factories

pytestmark = pytest.mark.django_db

CLINICIANS = [Role.PSYCHIATRIST, Role.COORDINATOR]


def yesterday() -> date:
    return timezone.localdate() - timedelta(days=1)


def browser(role: str = Role.PSYCHIATRIST) -> tuple[Client, User]:
    client, who = Client(), factories.user(role)
    client.force_login(who)
    return client, who


def text(answer: Any) -> str:
    """The words of a page, without markup and repeated blanks."""
    assert answer.status_code == 200
    body = re.sub(r"<script.*?</script>|<[^>]+>", " ", answer.content.decode(), flags=re.S)
    return re.sub(r"\s+", " ", body)


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
    assert many <= 8


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
    assert "The mania risk indicator is High since 16 Nov 2026 (before: Low), up 50 points" in words
    assert "28 of 30 nights" in words
    assert "Ada Example" in words
    assert "times in Europe/Paris" in words
    assert "CET" in words  # 08:15 UTC on the patient's clock
    assert "sertraline 50 mg/day" in words
    assert "CANMAT/ISBD 2018" in words and "unverified" in words
    assert "Sleep per night 4.1 h 7.3 h raises +12.2" in words
    data = json_of(answer, "trend-data")
    assert data["tracks"][1]["percent"][-5:] == [20.0, 70.0, 70.0, 70.0, 70.0]
    assert (data["tracks"][0]["high"], data["tracks"][1]["high"]) == (80.0, 60.0)
    assert len(json_of(answer, "activity-data")["rows"]) == 7


def json_of(answer: Any, name: str) -> Any:
    """The JSON that a page gives its script."""
    found = re.search(rf'<script id="{name}"[^>]*>(.*?)</script>', answer.content.decode(), re.S)
    assert found
    return json.loads(found[1])


def test_week_of_activity_greys_what_was_not_worn() -> None:
    client, who = browser()
    patient = factories.patient("P-1", [who])
    factories.score(patient, yesterday())
    factories.recording(patient, yesterday(), 8, gap=5)
    rows = json_of(client.get("/patients/P-1/"), "activity-data")["rows"]
    missing = [sum(value is None for value in row) for row in rows]
    assert 60 in missing  # five hours of 5-minute means
    assert 0 in missing


def test_record_without_any_data_has_words_for_everything() -> None:
    client, who = browser()
    factories.patient("P-1", [who])
    words = text(client.get("/patients/P-1/"))
    assert "There is no score of the last 90 days yet." in words
    assert "Nothing was recorded in these seven days." in words
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
    for address in ("/", "/patients/P-1/", "/alerts/"):
        body = client.get(address).content.decode()
        body = re.sub(r'name="csrfmiddlewaretoken" value="\w+"|\?v=\w+', "", body)
        assert not numbers_in(body), address
    for address in ("/api/v1/patients/", "/api/v1/patients/P-1/", "/api/v1/scores/?patient=P-1"):
        assert not numbers_in(client.get(address).content.decode()), address
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
    data = json_of(client.get("/patients/P-1/"), "trend-data")
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
    assert alert.transitions.filter(actor=who.username, note="Will call today.").exists()


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
    assert "dismissed" in text(client.post(address, {"reason": "will-monitor"}, follow=True))
    assert Alert.objects.get().state == "dismissed"


def test_alert_that_somebody_else_dealt_with_is_not_changed() -> None:
    client, who = browser()
    of = factories.score(factories.patient("P-1", [who]), yesterday())
    alert = factories.alert(of, state="dismissed")
    answer = client.post(f"/alerts/{alert.pk}/dismiss/", {"reason": "will-monitor"}, follow=True)
    assert 'class="notice notice-error"' in answer.content.decode()
    refused = client.post(f"/api/v1/alerts/{alert.pk}/dismiss/", {"reason": "will-monitor"})
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
    assert "waiting, attempt 3: the EHR did not answer within 10 s" in words
    assert "held: delivery is off" in words
    assert "delivered to the EHR" in words


def test_administrator_approves_a_baseline() -> None:
    client, who = browser(Role.ADMINISTRATOR)
    baseline = factories.baseline(factories.patient("P-1"), "proposed")
    words = text(client.get("/baselines/"))
    assert "Time asleep 7.31 ± 0.62 h" in words and "28 days used" in words
    assert "Sleep onset 23:20 ± 25 min" in words
    assert "21:35 ± 24 min" in words
    client.post(f"/baselines/{baseline.pk}/approve/")
    assert Baseline.objects.get().state == "approved"
    assert f"Approved by {who.username}" in text(client.get("/baselines/"))


def test_administrator_keeps_the_medication_list() -> None:
    client, _ = browser(Role.ADMINISTRATOR)
    patient = factories.patient("P-1")
    asked = {
        "drug": "venlafaxine",
        "drug_class": "snri",
        "dose": "75 mg",
        "first_day": "2026-11-02",
    }
    words = text(client.post("/medications/P-1/start/", asked, follow=True))
    assert "venlafaxine 75 mg" in words
    course = MedicationCourse.objects.get()
    early = client.post(
        f"/medications/courses/{course.pk}/stop/", {"last_day": "2026-11-01"}, follow=True
    )
    assert "The last day lies before the first." in text(early)
    client.post(f"/medications/courses/{course.pk}/stop/", {"last_day": "2026-11-09"})
    course.refresh_from_db()
    assert course.last_day == date(2026, 11, 9)
    client.post("/medications/P-1/list/", {"available": "false"})
    patient.refresh_from_db()
    assert not patient.medication_list_available
    bad = client.post("/medications/P-1/start/", {**asked, "first_day": "never"})
    assert bad.status_code == 422 and MedicationCourse.objects.count() == 1


def test_administrator_sees_messages_and_turns_delivery_on() -> None:
    client, who = browser(Role.ADMINISTRATOR)
    of = factories.score(factories.patient("P-1"), yesterday())
    message = factories.alert(of, message_state="dead").messages.get()
    assert "given up after 2 attempts: the EHR did not answer" in text(client.get("/messages/"))
    assert "will be sent again" in text(client.post(f"/messages/{message.pk}/resend/", follow=True))
    message.refresh_from_db()
    assert message.state == "pending"
    client.post("/messages/delivery/", {"on": "true"})
    assert EhrSetting.objects.get().deliver_beyond_this_machine
    assert f"Changed by {who.username}" in text(client.get("/messages/"))


def test_administrator_sees_why_a_patient_was_not_scored() -> None:
    client, _ = browser(Role.ADMINISTRATOR)
    factories.run(yesterday(), "failed", [factories.patient("P-1"), factories.patient("P-2")], 1)
    words = text(client.get("/runs/"))
    assert "1 of 2 done" in words and "1 failed" in words
    assert "P-1, attempt 3: The model file is missing." in words


@pytest.mark.parametrize("role", Role.values)
def test_every_page_with_model_output_begins_with_research_use(role: str) -> None:
    client, _ = browser(role)
    factories.model()
    for address in ("/", "/alerts/", "/models/"):
        words = text(client.get(address))
        assert words.index("Research use: model trained on simulated data") < 150


def test_navigation_is_that_of_the_role() -> None:
    assert "/runs/" in browser(Role.ADMINISTRATOR)[0].get("/").content.decode()
    assert "/runs/" not in browser(Role.PSYCHIATRIST)[0].get("/").content.decode()


def test_pages_name_no_other_host_and_have_no_inline_script() -> None:
    client, who = browser()
    patient = factories.patient("P-1", [who])
    factories.alert(factories.score(patient, yesterday()))
    for address in ("/", "/patients/P-1/", "/alerts/", "/models/", "/login/"):
        body = client.get(address, follow=True).content.decode()
        assert not re.findall(r'(?:src|href|action)="(?:https?:)?//', body), address
        assert not re.findall(r"<script(?![^>]*(?:src=|application/json))", body), address
        assert not re.findall(r"\son\w+=|\sstyle=", body), address


def test_plotly_comes_from_the_wheel_and_only_plotly() -> None:
    assert "package_data" in str(finders.find("vendor/plotly.min.js"))
    assert not finders.find("vendor/widgetbundle.js")


def test_openapi_document_names_every_address() -> None:
    client, _ = browser()
    answer = client.get("/api/v1/schema/?format=json")
    assert answer.status_code == 200
    assert {
        "/api/v1/patients/",
        "/api/v1/patients/{code}/",
        "/api/v1/scores/",
        "/api/v1/alerts/",
        "/api/v1/alerts/{alert_id}/acknowledge/",
        "/api/v1/alerts/{alert_id}/dismiss/",
    } <= set(answer.json()["paths"])


def test_scores_without_a_patient_are_refused() -> None:
    assert browser()[0].get("/api/v1/scores/").status_code == 400


def test_error_page_is_friendly_and_tells_nothing(client: Client) -> None:
    answer = client.get("/nowhere/")
    assert answer.status_code == 404
    assert "There is nothing here" in answer.content.decode()
    assert "nowhere" not in answer.content.decode()
    assert Patient.objects.count() == 0


def test_page_says_so_while_no_nightly_run_has_finished() -> None:
    client, _ = browser()
    assert "No nightly run has finished yet" in text(client.get("/"))
    factories.run(timezone.localdate())
    assert "No nightly run has finished yet" not in text(client.get("/"))


def test_log_in_locks_after_repeated_failures_with_a_friendly_page(client: Client) -> None:
    factories.user(username="somebody", password="correct horse battery")
    wrong = {"username": "somebody", "password": "wrong"}
    answers = [client.post("/login/", wrong) for _ in range(8)]
    assert "do not match" in answers[0].content.decode()
    assert answers[-1].status_code == 429
    assert "Too many attempts" in answers[-1].content.decode()


def test_pages_allow_scripts_from_here_only() -> None:
    policy = browser()[0].get("/")["Content-Security-Policy"]
    assert "script-src 'self';" in policy + ";"
    assert "unsafe-eval" not in policy


def test_server_error_page_needs_no_database_and_tells_nothing(rf: Any) -> None:
    answer = server_error(rf.get("/"))
    assert answer.status_code == 500
    assert "Something went wrong here" in answer.content.decode()
