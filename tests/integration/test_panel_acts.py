"""What one does on the panel: many alerts at once, the file to take away, views of one's own."""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest

from alerts import services
from alerts.models import Alert
from patients.models import AuditEvent, Role
from tests import factories
from tests.integration.reading import browser, text, yesterday
from tests.integration.test_panel import codes

pytestmark = pytest.mark.django_db


def test_many_are_acknowledged_each_by_itself_and_who_may_not_is_told_why() -> None:
    client, me = browser(Role.COORDINATOR)
    other = factories.user(username="dr.else", first_name="Jo", last_name="Marsh")
    made = []
    for n in range(3):
        patient = factories.patient(f"P-{n}", [me, other])
        made.append(factories.alert(factories.score(patient, yesterday(), 0.9, 0.9)))
    foreign = factories.alert(factories.score(factories.patient("X", [other]), yesterday()))
    services.alert_acknowledge(alert=made[1], by=other)
    asked = {"alerts": [str(a.pk) for a in (*made, foreign)], "note": "All called this morning."}
    words = text(client.post("/panel/acknowledge/", asked, follow=True))
    assert "2 alerts acknowledged." in words
    assert (
        "P-1, Mania: not acknowledged. This alert has already been acknowledged by Jo Marsh."
        in words
    )
    states = [Alert.objects.get(pk=a.pk).state for a in (*made, foreign)]
    assert states == ["acknowledged", "acknowledged", "acknowledged", "new"]
    assert made[0].transitions.get(actor=me.username).note == "All called this morning."
    assert AuditEvent.objects.filter(actor=me.username, action="alert acknowledged").count() == 2
    assert not AuditEvent.objects.filter(patient_code="X", actor=me.username).exists()


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"alerts": "1"}, "Say in one line why"),
        ({"note": "Because."}, "Tick the rows"),
        ({"alerts": ["x", "", "9999999999"], "note": "Because."}, "Tick the rows"),
    ],
)
def test_many_are_not_acknowledged_without_rows_or_words(asked: Any, said: str) -> None:
    client, me = browser()
    alert = factories.alert(factories.score(factories.patient("P", [me]), yesterday()))
    if "alerts" in asked and asked["alerts"] == "1":
        asked = asked | {"alerts": str(alert.pk)}
    assert said in text(client.post("/panel/acknowledge/", asked, follow=True))
    assert Alert.objects.get().state == "new"


def test_an_administrator_reads_and_takes_nothing_on() -> None:
    client, _ = browser(Role.ADMINISTRATOR)
    alert = factories.alert(factories.score(factories.patient("P"), yesterday()))
    body = client.get("/").content.decode()
    assert "formaction" not in body and 'id="bulk"' not in body and 'name="alerts"' not in body
    asked = {"alerts": str(alert.pk), "note": "Because."}
    assert client.post("/panel/acknowledge/", asked).status_code == 403


def test_the_file_holds_codes_and_numbers_and_nothing_of_a_day_not_assessed() -> None:
    client, me = browser()
    known = factories.patient("KNOWN", [me], name="Ada Example")
    factories.score(known, yesterday(), 0.618034, 0.25)
    unknown = factories.patient("UNKNOWN", [me])
    factories.score(unknown, yesterday() - timedelta(days=7), 0.618034, 0.618034)
    factories.score(unknown, yesterday(), None, None)
    factories.patient("NOBODYS")
    alert = factories.alert(known.scores.get())
    services.alert_acknowledge(alert=alert, by=me)
    answer = client.get("/panel/export.csv?sort=code")
    assert answer["Content-Type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert [row["code"] for row in rows] == ["KNOWN", "UNKNOWN"]
    assert rows[0]["depression probability (0 to 1)"] == "0.618"
    assert rows[0]["held by"] == me.username
    empty = [name for name in rows[1] if "(0 to 1)" in name or "points" in name]
    assert len(empty) == 9 and not any(rows[1][name] for name in empty)
    assert "0.61" not in answer.content.decode().split("UNKNOWN")[1]
    assert "Ada" not in answer.content.decode()
    event = AuditEvent.objects.get(action="panel exported")
    assert (event.actor, event.detail) == (me.username, {"rows": 2, "asked": "sort=code"})


def test_a_cell_that_a_spreadsheet_would_run_is_text() -> None:
    client, me = browser()
    bad = factories.user(username="=cmd|calc")
    patient = factories.patient("P", [me, bad])
    alert = factories.alert(factories.score(patient, yesterday()))
    services.alert_acknowledge(alert=alert, by=bad)
    assert "'=cmd|calc" in client.get("/panel/export.csv").content.decode()


def test_who_may_not_take_the_file_is_not_shown_it_and_gets_none() -> None:
    client, me = browser(Role.COORDINATOR)
    factories.patient("P", [me])
    assert "export.csv" not in client.get("/").content.decode()
    assert client.get("/panel/export.csv").status_code == 403
    assert not AuditEvent.objects.filter(action="panel exported").exists()


def test_a_view_is_saved_counted_used_and_removed_by_its_owner_alone() -> None:
    client, me = browser()
    other_client, other = browser()
    for code, mania in (("A", 0.9), ("B", 0.1)):
        factories.score(factories.patient(code, [me, other]), yesterday(), 0.1, mania)
    asked = {"name": " Mania  <b> ", "track": "mania", "sort": "mania", "next": "/?track=mania"}
    answer = client.post("/panel/views/save/", asked, follow=True)
    assert answer.redirect_chain == [("/?track=mania", 302)]
    body = client.get("/").content.decode()
    assert '<a href="?track=mania&amp;sort=mania">Mania &lt;b&gt; <b>1</b> <span' in body
    assert codes(client, "track=mania&sort=mania") == ["A"]
    assert "Mania &lt;b&gt;" not in other_client.get("/").content.decode()
    client.post("/panel/views/save/", asked | {"track": "depression"})
    me.refresh_from_db()
    assert me.panel_views == [["Mania <b>", "track=depression&sort=mania"]]
    client.post("/panel/views/remove/", {"name": "Mania <b>"})
    me.refresh_from_db()
    assert me.panel_views == []
    actions = AuditEvent.objects.filter(actor=me.username, action__startswith="panel view")
    assert actions.count() == 3
    assert "Give the view a name." in text(
        client.post("/panel/views/save/", {"name": " "}, follow=True)
    )
