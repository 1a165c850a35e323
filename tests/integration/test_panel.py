"""The panel: filters, views, what changed, acts on many, the file to take away, and its cost."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from alerts import services
from alerts.absence import absence_watch
from alerts.domain import panel as domain
from alerts.models import Alert
from alerts.panel import Asker, panel_counts, panel_page
from alerts.presenters.panel_page import CHOICE_WORDS
from patients.models import Device, MedicationCourse, Role, User
from tests import factories
from tests.integration.reading import browser, text, yesterday

pytestmark = pytest.mark.django_db

MOST_QUERIES = 8


def codes(client: Client, query: str = "", address: str = "/") -> list[str]:
    """The patients shown, from top to bottom."""
    body = client.get(f"{address}?{query}").content.decode()
    return re.findall(r'data-code="([^"]+)"', body)


def count_of(client: Client, view: str, query: str = "") -> int:
    """The number on a view's link."""
    found = re.search(
        rf">{re.escape(view)} <b>(\d+)</b>", client.get(f"/?{query}").content.decode()
    )
    assert found, view
    return int(found[1])


def mixed_clinic(me: User) -> dict[str, Any]:
    """Somebody for every value of every filter."""
    colleague, helper = factories.user(username="dr.else"), factories.user(Role.COORDINATOR, "co")
    now, day = timezone.now(), yesterday()

    def one(code: str, depression: float | None, mania: float | None, **more: Any) -> Any:
        made = factories.patient(code, more.pop("team", [me]), **more)
        factories.score(made, day, depression, mania)
        return made

    high = one("HIGH", 0.2, 0.9, diagnosis="bipolar_1", medication_list_available=True)
    factories.medication(high)
    waiting = factories.alert(high.scores.get(), raised_at=now - timedelta(hours=5))
    mine = one("MINE", 0.9, 0.1, diagnosis="mdd", team=[me, colleague, helper])
    held = factories.alert(mine.scores.get(), "depression", raised_at=now - timedelta(hours=5))
    services.alert_acknowledge(alert=held, by=me)
    theirs = one("THEIRS", 0.6, 0.1, diagnosis="bipolar_2", team=[me, colleague])
    other = factories.alert(theirs.scores.get(), "depression", "Moderate")
    services.alert_snooze(alert=other, by=colleague, hours=3)
    factories.medication(theirs, "lithium", "lithium")
    unknown = one("UNKNOWN", None, None)
    device = factories.device(unknown)
    device.last_data_at = now - timedelta(days=9)
    device.save()
    rising = one("RISING", 0.4, None, medication_list_available=True)
    factories.score(rising, day - timedelta(days=7), 0.1, None)
    factories.medication(rising, "quetiapine", "antipsychotic")
    late = one("LATE", 0.1, 0.1, medication_list_available=True)
    promised = factories.follow_up(factories.alert(late.scores.get(), state="dismissed"), me)
    factories.recording(late, day - timedelta(days=4), 2)
    absence_watch(now=now)
    factories.patient("NOT-MINE", [colleague])
    return {"waiting": waiting, "held": held, "colleague": colleague, "promised": promised}


EXPECTED = {
    "tier=High": {"HIGH"},
    "tier=Moderate": {"MINE", "THEIRS"},
    "tier=Indeterminate": {"UNKNOWN"},
    "tier=Low": {"LATE", "RISING"},
    "track=depression": {"MINE", "THEIRS"},
    "track=mania": {"HIGH"},
    "track=rising": {"RISING"},
    "track=unassessed": {"UNKNOWN", "RISING"},
    "alert=waiting": {"HIGH", "LATE"},  # LATE's data have stopped
    "alert=mine": {"MINE"},
    "alert=others": {"THEIRS"},
    "alert=snoozed": {"THEIRS"},
    "alert=none": {"UNKNOWN", "RISING"},
    "alert=follow-up": {"LATE"},
    "drug=antidepressant": {"HIGH"},
    "drug=lithium": {"THEIRS"},
    "drug=stabiliser": {"THEIRS"},
    "drug=antipsychotic": {"RISING"},
    "drug=none": {"LATE"},
    "drug=unavailable": {"MINE", "THEIRS", "UNKNOWN"},
    "team=me": {"HIGH", "MINE", "THEIRS", "UNKNOWN", "RISING", "LATE"},
    "team=dr.else": {"MINE", "THEIRS"},
    "team=no:coordinator": {"HIGH", "THEIRS", "UNKNOWN", "RISING", "LATE"},
    "team=no:psychiatrist": set(),
    "team=nobody": set(),
    "data=stopped": {"LATE"},
    "data=2": {"UNKNOWN", "LATE"},
    "data=7": {"UNKNOWN"},
    "data=30": set(),
    "data=never": {"HIGH", "MINE", "THEIRS", "RISING"},
    "diagnosis=mdd": {"MINE"},
    "diagnosis=bipolar_1": {"HIGH"},
    "diagnosis=bipolar_2": {"THEIRS"},
    "diagnosis=unknown": {"UNKNOWN", "RISING", "LATE"},
    "q=ris": {"RISING"},
    "track=depression&alert=mine": {"MINE"},
}


def test_every_filter_leaves_whom_it_names_and_counts_as_many() -> None:
    client, me = browser()
    mixed_clinic(me)
    asker = Asker.of(me, timezone.now())
    for query, expected in EXPECTED.items():
        assert set(codes(client, query)) == expected, query
        wanted = domain.Wanted.of(dict(part.split("=") for part in query.split("&")))
        assert panel_counts(asker, wanted, [wanted]).views == (len(expected),), query
        assert panel_page(asker, wanted).count() == len(expected), query


def test_every_choice_offered_is_tried_above_and_has_words() -> None:
    tried = {query for query in EXPECTED if "&" not in query}
    for name, choices in domain.CHOICES.items():
        if name not in ("sort", "changed"):
            assert {f"{name}={value}" for value in choices} <= tried
        if name not in ("tier", "changed"):
            assert set(CHOICE_WORDS[name][1]) == set(choices)


def test_what_is_no_choice_filters_nothing_and_breaks_nothing() -> None:
    client, me = browser()
    factories.patient("A", [me])
    for query in ("tier=x&track=%00&start=99999999999&sort=y", "start=-1", "start=²", "q=%00"):
        assert codes(client, query) == ["A"], query
    assert codes(client, "q='%20OR%201=1--") == []


def test_whom_to_call_first_is_on_top() -> None:
    client, me = browser()
    now = timezone.now()

    def one(code: str, depression: float, mania: float) -> Any:
        made = factories.patient(code, [me])
        factories.score(made, yesterday(), depression, mania)
        return made

    one("A-LOW", 0.1, 0.1)
    one("B-HIGH", 0.2, 0.7)
    waits = one("C-HIGH", 0.2, 0.65)
    factories.alert(waits.scores.get(), raised_at=now - timedelta(hours=1))
    safety = one("D-LOW", 0.1, 0.1)
    services.alert_raise(
        patient=safety, kind="safety", tier="High", by="system", now=now, why="self_harm_item"
    )
    one("E-MODERATE", 0.6, 0.2)
    # A safety notice, then the tier; of two alike the one whose alert nobody has.
    assert codes(client) == ["D-LOW", "C-HIGH", "B-HIGH", "E-MODERATE", "A-LOW"]
    answer = client.get("/")
    assert "Self-harm item of a PHQ-9 answered above 0: nobody has taken it on." in text(answer)
    stands_out = re.findall(r'row-urgent" data-code="([^"]+)"', answer.content.decode())
    assert stands_out == ["D-LOW"]
    services.alert_acknowledge(alert=safety.alerts.get(), by=me)
    assert codes(client)[:2] == ["C-HIGH", "B-HIGH"]


def test_every_order_is_that_order() -> None:
    client, me = browser()
    for at, (code, depression, mania) in enumerate(
        (("A", 0.1, 0.9), ("B", 0.9, 0.1), ("C", None, 0.4), ("D", None, None))
    ):
        made = factories.patient(code, [me])
        factories.score(made, yesterday(), depression, mania)
        Device.objects.create(
            patient=made, source="v", name="W", kind="watch",
            last_data_at=timezone.now() - timedelta(days=[3, 1, 2, 4][at]),
        )  # fmt: skip
    assert codes(client, "sort=code") == ["A", "B", "C", "D"]
    assert codes(client, "sort=depression") == ["B", "A", "C", "D"]
    assert codes(client, "sort=mania") == ["A", "C", "B", "D"]
    assert codes(client, "sort=data") == ["D", "A", "C", "B"]
    assert codes(client, "sort=follow-up") == ["A", "B", "C", "D"]


def test_a_score_of_a_month_ago_is_not_shown_as_of_today() -> None:
    client, me = browser()
    patient = factories.patient("OLD", [me])
    factories.score(patient, yesterday() - timedelta(days=40), 0.9, 0.9)
    factories.score(factories.patient("NEW", [me]), yesterday(), 0.1, 0.1)
    assert codes(client, "tier=Indeterminate") == ["OLD"]
    words = text(client.get("/"))
    assert (
        "no score in 30 days" in words and "Nothing could be scored in the last 30 days." in words
    )


def test_a_low_that_last_night_did_not_score_anew_is_past_and_stands_above_low() -> None:
    client, me = browser(Role.PSYCHIATRIST)
    factories.run(timezone.localdate())
    ten_days_ago = yesterday() - timedelta(days=10)
    days = {"A-LOW": yesterday(), "PAST": ten_days_ago, "MOD": yesterday(), "HIGH": ten_days_ago}
    for code, day in days.items():
        high = {"HIGH": 0.9, "MOD": 0.55}.get(code, 0.1)
        factories.history(
            factories.patient(code, [me]), day, 20, lambda back, p=high: p, lambda back: 0.1
        )  # fmt: skip
    order = codes(client, "")
    assert order == ["HIGH", "MOD", "PAST", "A-LOW"]
    assert codes(client, "tier=Indeterminate") == ["PAST"]
    assert codes(client, "tier=Low") == ["A-LOW"]
    parts = client.get("/").content.decode().split('<tr id="p-')[1:]
    rows = dict(zip(order, parts, strict=True))
    assert "no day since could be scored." in rows["PAST"] and "steady" not in rows["PAST"]
    assert "no day since could be scored." in rows["HIGH"] and "steady" in rows["A-LOW"]
    [past] = [r for r in client.get("/api/v1/patients/").json()["results"] if r["code"] == "PAST"]
    assert (past["tier"], past["probability"], past["mania"]) == ("Indeterminate", None, None)


def test_a_record_without_a_new_score_speaks_of_the_past_and_gives_no_advice() -> None:
    client, me = browser(Role.PSYCHIATRIST)
    patient = factories.patient("P-1", [me])
    factories.history(patient, yesterday() - timedelta(days=10), 20, lambda b: 0.1, lambda b: 0.1)
    before = text(client.get("/patients/P-1/"))
    assert "Both risk indicators are Low since" in before and "what to consider" in before
    factories.run(timezone.localdate())
    after = text(client.get("/patients/P-1/"))
    assert "The mania risk indicator was Low then." in after
    assert "This does not say how the person is now." in after
    assert "are Low since" not in after and "what to consider" not in after


def test_a_row_says_what_one_asks_of_it() -> None:
    client, me = browser(Role.PSYCHIATRIST)
    patient = factories.patient("P-1", [me], name="Ada Example", medication_list_available=True)
    factories.history(patient, yesterday(), 75, lambda b: 0.2, lambda b: 0.7 if b < 4 else 0.2)
    factories.medication(patient)
    factories.medication(patient, "lithium", "lithium", dose="900 mg/day")
    factories.questionnaire(patient, taken_at=timezone.now() - timedelta(days=3))
    factories.questionnaire(
        patient, [1] * 5, instrument="asrm", taken_at=timezone.now() - timedelta(days=4)
    )
    factories.recording(patient, yesterday(), 2)
    alert = factories.alert(patient.scores.first(), raised_at=timezone.now() - timedelta(hours=3))
    answer = client.get("/")
    body, words = answer.content.decode(), text(answer)
    for said in (
        "Mania High since", "before that Low.", "+50 pts in 7 days", "steady in 7 days",
        "28 of 30 nights", "93 % worn", "nobody has it, 3 hours", "PHQ-9 11 of 27",
        "ASRM 5 of 20", "Lithium", "ActLumus 205: today",
    ):  # fmt: skip
        assert said in words, said
    assert 'class="flag flag-warn">Antidepressant' in body  # beside mania that is not Low
    assert "from 20 to 70 percent, 30 of 30 days assessed. Usual for this person: 20 to 20" in body
    assert body.count("<rect") == 2
    services.alert_acknowledge(alert=alert, by=me)
    assert f"{me.username} has it" in text(client.get("/"))  # nobody gave this account a name
    User.objects.filter(pk=me.pk).update(first_name="Anaïs", last_name="Roy & Fils")
    assert "Anaïs Roy &amp; Fils has it" in text(client.get("/"))
    services.alert_undo(alert=alert, by=me)
    assert "nobody has it" in text(client.get("/"))


def test_every_class_that_is_taken_is_named_and_silence_means_nothing_recorded() -> None:
    client, me = browser()
    for drug_class in MedicationCourse.DrugClass.values:
        patient = factories.patient(drug_class, [me], medication_list_available=True)
        factories.medication(patient, drug_class, drug_class)
    factories.patient("nothing", [me], medication_list_available=True)
    body = client.get("/?sort=code").content.decode()
    cells = re.findall(
        r'data-code="(\w+)".*?c-drugs" data-label="Medication">(.*?)</td>', body, re.S
    )
    shown = {code: re.sub("<[^>]+>", "", cell) for code, cell in cells}
    assert shown == {
        "ssri": "Antidepressant",
        "snri": "Antidepressant",
        "other_antidepressant": "Antidepressant",
        "lithium": "Lithium",
        "valproate": "Valproate",
        "lamotrigine": "Lamotrigine",
        "carbamazepine": "Carbamazepine",
        "antipsychotic": "Antipsychotic",
        "stimulant": "Stimulant",
        "steroid": "Steroid",
        "other": "Other",
        "unknown": "Class not known",
        "nothing": "–",
    }


def test_names_are_found_in_no_search_and_the_page_says_so() -> None:
    client, me = browser()
    colleague = factories.user(username="dr.else", first_name="Jo", last_name="Marsh")
    factories.patient("P-1", [me, colleague], name="Amir Haddad")
    words = text(client.get("/?q=amir"))
    assert "No patient matches." in words and "The search knows codes, no names." in words
    assert "no names" not in text(client.get("/?tier=High"))
    assert "Patient’s code" in words
    body = client.get("/").content.decode()
    assert '<option value="dr.else">Jo Marsh</option>' in body


def test_times_are_on_the_patients_clock_and_pointed_at_on_the_readers() -> None:
    client, me = browser()
    User.objects.filter(pk=me.pk).update(time_zone="America/Toronto")
    patient = factories.patient("EAST", [me], zone="America/Halifax")
    alert = factories.alert(factories.score(patient, yesterday(), 0.9, 0.9))
    services.alert_snooze(alert=alert, by=me, hours=4)
    Alert.objects.filter(pk=alert.pk).update(due_at=datetime(2026, 11, 27, 2, 3, tzinfo=UTC))
    late = datetime(2026, 11, 26, 2, 30, tzinfo=UTC)  # 22:30 of the day before, in Halifax
    factories.questionnaire(patient, taken_at=late)
    answer = client.get("/")
    words, body = text(answer), answer.content.decode()
    assert re.search(r"snoozed it until 26 Nov( 2026)?, 22:03 AST", words)
    assert re.search(r'title="26 Nov 2026, 21:03 EST on your clock">26 Nov[^<]*, 22:03 AST<', body)
    assert "PHQ-9 11 of 27, 25 Nov" in words


def test_who_holds_an_alert_is_told_without_what_was_taken_back() -> None:
    client, me = browser()
    other = factories.user(username="dr.else")
    patient = factories.patient("P-1", [me, other])
    alert = factories.alert(factories.score(patient, yesterday(), 0.9, 0.9))
    services.alert_acknowledge(alert=alert, by=me)
    services.alert_contact(alert=alert, by=other, note="Spoke to her.")
    assert codes(client, "alert=others") == ["P-1"]
    services.alert_undo(alert=alert, by=other)
    assert codes(client, "alert=mine") == ["P-1"]
    assert codes(client, "alert=others") == []


def queries_of(client: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(address).status_code in (200, 204)
    return len(queries)


def test_eight_queries_at_most_whatever_the_page_has_to_say() -> None:
    client, me = browser()
    mixed_clinic(me)
    me.panel_before = timezone.now() - timedelta(days=3)
    me.panel_views = [[f"view {n}", "tier=High"] for n in range(12)]
    me.save()
    assert queries_of(client, "/") <= MOST_QUERIES  # no run has finished: the page says so
    factories.run(timezone.localdate() - timedelta(days=3))  # the last nights' are late
    seen = queries_of(client, "/")
    assert "has not finished" in text(client.get("/"))
    for n in range(25):
        patient = factories.patient(f"MORE-{n}", [me])
        factories.alert(factories.score(patient, yesterday(), 0.9, 0.9))
    assert seen == queries_of(client, "/") <= MOST_QUERIES
    assert queries_of(client, "/?tier=High&drug=lithium&sort=data") <= MOST_QUERIES
    assert queries_of(client, "/panel/rows/?start=5") <= MOST_QUERIES


def test_the_next_rows_come_by_a_link_and_one_by_one_of_all(monkeypatch: Any) -> None:
    from alerts.presenters import panel_page as page

    monkeypatch.setattr(page, "PAGE_SIZE", 4)
    client, me = browser()
    everybody = [f"N-{n:02}" for n in range(10)]
    for code in everybody:
        factories.patient(code, [me])
    found, address = codes(client, "sort=code"), "/?sort=code"
    while link := re.search(r'href="(/\?[^"]*start=\d+)"', client.get(address).content.decode()):
        address = link[1].replace("&amp;", "&")
        found += codes(client, address.split("?")[1])
    assert found == everybody
    fragment = client.get("/panel/rows/?sort=code&start=8", headers={"HX-Request": "true"})
    assert "<html" not in fragment.content.decode()
    assert re.findall(r'data-code="([^"]+)"', fragment.content.decode()) == everybody[8:]
    assert 'class="more"' not in fragment.content.decode()
