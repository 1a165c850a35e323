"""Pages of people and care teams, the link to a new password, the tour and help."""

import re
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from patients.models import AuditEvent, CareTeamMember, Role, User
from tests import factories
from tests.integration.reading import browser, text
from tests.integration.test_logs import written as written

pytestmark = pytest.mark.django_db
NEW = {
    "username": "ada.roe", "first_name": "Ada", "last_name": "Roe", "email": "ada@clinic.example",
    "role": "psychiatrist",
}  # fmt: skip
PASSWORD = "winter birds 47 sing"


@pytest.fixture
def client() -> Client:
    return browser(Role.ADMINISTRATOR)[0]


def words_of(answer: Any, status: int = 200) -> str:
    assert answer.status_code == status
    answer.status_code = 200
    return text(answer)


def link_in(answer: Any) -> str:
    found = re.search(r"http://testserver(/password/[^<]+)", answer.content.decode())
    assert found
    return found[1]


def set_password(link: str, password: str = PASSWORD) -> tuple[Client, Any]:
    visitor = Client()
    asked = visitor.get(link, follow=True)
    if not asked.redirect_chain:
        return visitor, asked
    address = asked.redirect_chain[-1][0]
    return visitor, visitor.post(
        address, {"new_password1": password, "new_password2": password}, follow=True
    )


def test_somebody_new_sets_a_password_once_with_a_link_that_no_log_holds(
    client: Client, written: StringIO
) -> None:
    answer = client.post("/people/add/", NEW)
    link = link_in(answer)
    assert "shown here only" in text(answer) and "no-store" in answer["Cache-Control"]
    person = User.objects.get(username="ada.roe")
    assert "shown here only" not in text(client.get(f"/people/{person.pk}/"))
    visitor, answer = set_password(link)
    assert "Your password is set" in text(answer)
    typed = {"username": "ada.roe", "password": PASSWORD}
    assert visitor.post("/login/", typed)["Location"] == "/"
    _, again = set_password(link)
    assert "used already" in text(again)
    assert link.rstrip("/").split("/")[-1] not in written.getvalue()
    rows = AuditEvent.objects.order_by("pk").values_list("actor", "action")
    assert [action for _, action in rows] == ["person created", "password reset", "password set"]
    assert rows[2][0] == "ada.roe"


def test_a_link_is_void_after_a_day_and_after_a_newer_one(client: Client, settings: Any) -> None:
    link = link_in(client.post("/people/add/", NEW))
    person = User.objects.get(username="ada.roe")
    newer = link_in(client.post(f"/people/{person.pk}/password/"))
    assert "a newer one was made" in text(set_password(link)[1])
    settings.PASSWORD_RESET_TIMEOUT = -1
    assert "older than 24 hours" in text(set_password(newer)[1])
    settings.PASSWORD_RESET_TIMEOUT = 24 * 3600
    assert "too common" in text(set_password(newer, "password")[1])


def test_what_is_typed_wrong_is_said_beside_it(client: Client) -> None:
    factories.user(username="Ada.Roe")
    words = words_of(client.post("/people/add/", NEW), 422)
    assert "This user name is taken" in words
    assert "Choose a role" in words_of(client.post("/people/add/", NEW | {"role": ""}), 422)
    assert User.objects.filter(username__iexact="ada.roe").count() == 1


def test_the_list_filters_by_state_and_name(client: Client) -> None:
    now = timezone.now()
    factories.user(username="idle", last_login=now - timedelta(days=120), last_name="Moss")
    factories.user(username="gone", is_active=False)
    factories.patient(team=[factories.user(username="busy")])

    def shown(query: str) -> set[str]:
        body = client.get(f"/people/?{query}").content.decode()
        return set(re.findall(r'<span class="muted small block">([\w.]+)</span></th>', body))

    assert shown("state=unused") == {"idle"}
    assert shown("state=closed") == {"gone"}
    assert shown("q=moss") == {"idle"}
    assert {"busy", "gone", "idle"} < shown("state=nonsense")
    assert "unused 1" in text(client.get("/people/"))


def test_a_refused_role_leaves_everything_as_it_was(client: Client) -> None:
    me = User.objects.get(role=Role.ADMINISTRATOR)
    typed = {"first_name": "New", "last_name": "Name", "email": "", "role": "psychiatrist"}
    words = words_of(client.post(f"/people/{me.pk}/change/", typed), 422)
    assert "Nobody changes their own role" in words
    me.refresh_from_db()
    assert (me.role, me.first_name) == (Role.ADMINISTRATOR, "")


def test_an_account_is_closed_and_opened_again(client: Client) -> None:
    person = factories.user(username="ada")
    factories.patient("P-1", [person])
    assert "1 patient is in this person’s care" in text(client.get(f"/people/{person.pk}/"))
    words = text(client.post(f"/people/{person.pk}/deactivate/", follow=True))
    assert "The account of ada is closed." in words and "Open it again" in words
    assert "is open again" in text(client.post(f"/people/{person.pk}/activate/", follow=True))
    assert "try to log in again" in text(client.post(f"/people/{person.pk}/unlock/", follow=True))


def test_chosen_patients_are_handed_over(client: Client) -> None:
    giver, taker = factories.user(username="giver"), factories.user(username="taker")
    for code in ("P-1", "P-2", "P-3"):
        factories.patient(code, [giver])
    address = f"/people/{giver.pk}/hand-over/"
    words = words_of(client.post(address, {"patient": ["P-1"]}), 422)
    assert "Choose to whom" in words
    asked = {"patient": ["P-1", "P-3", "P-9"], "taker": taker.pk}
    assert "2 patients are handed over to taker." in text(client.post(address, asked, follow=True))
    assert {m.patient.code for m in CareTeamMember.objects.filter(user=taker)} == {"P-1", "P-3"}
    assert "at least one patient" in words_of(client.post(address, {"taker": taker.pk}), 422)


def test_a_patient_is_put_into_somebodys_care_by_code(client: Client) -> None:
    person, patient = factories.user(username="ada"), factories.patient("P-1")
    address = f"/people/{person.pk}/assign/"
    wrong = client.post(address, {"code": "P-2", "part": "member"})
    assert "no patient with this code" in words_of(wrong, 422)
    done = client.post(address, {"code": "p-1 ", "part": "responsible"}, follow=True)
    assert "P-1 is in the care of ada." in text(done)
    assert patient.care_team.get().part == "responsible"


def test_a_care_team_is_changed_on_the_patients_page(client: Client) -> None:
    person = factories.user(Role.COORDINATOR, "ada")
    factories.patient("P-1")
    refused = client.post("/patients/P-1/team/set/", {"person": person.pk, "part": "responsible"})
    assert "Only a psychiatrist" in words_of(refused, 422)
    done = client.post(
        "/patients/P-1/team/set/", {"person": person.pk, "part": "cover"}, follow=True
    )
    assert "ada" in text(done) and "Covering" in text(done)
    assert "ada" in text(client.get("/teams/?q=p-1"))
    assert "nobody" not in text(client.get("/teams/")).split("P-1")[1].split("Change")[0]
    assert "No patient fits" in text(client.get("/teams/?only=nobody"))
    gone = client.post("/patients/P-1/team/remove/", {"person": person.pk}, follow=True)
    assert "ada sees P-1 no more." in text(gone)
    assert "P-1" in text(client.get("/teams/?only=nobody"))
    assert client.post("/patients/P-1/team/remove/", {"person": "x"}).status_code == 302


def test_everybody_changes_their_own_password() -> None:
    user = factories.user(username="ada", password="as it was 12")
    client = Client()
    client.force_login(user)
    typed = {"old_password": "as it was 12", "new_password1": PASSWORD, "new_password2": PASSWORD}
    wrong = client.post("/account/password/", typed | {"old_password": "no"})
    assert "incorrectly" in text(wrong)
    assert "Your password is changed." in text(
        client.post("/account/password/", typed, follow=True)
    )
    user.refresh_from_db()
    assert user.check_password(PASSWORD)
    assert AuditEvent.objects.get().action == "password changed"


def test_the_tour_is_shown_until_it_is_closed_and_stays_in_help() -> None:
    client, who = browser()
    assert "Three things to know" in text(client.get("/"))
    assert client.get("/tour/close/").status_code == 405
    assert client.post("/tour/close/", {"next": "/?tier=High"})["Location"] == "/?tier=High"
    assert "Three things to know" not in text(client.get("/"))
    who.refresh_from_db()
    first = who.tour_seen_at
    client.post("/tour/close/")
    who.refresh_from_db()
    assert who.tour_seen_at == first
    help_page = client.get("/help/")
    assert "Three things to know" in text(help_page)
    assert 'action="/tour/close/"' not in help_page.content.decode()


def test_help_names_whom_to_ask_and_the_limits_of_the_chips() -> None:
    factories.user(Role.ADMINISTRATOR, first_name="Wei", last_name="Chen", email="wei@c.example")
    factories.user(Role.ADMINISTRATOR, first_name="Old", last_name="One", is_active=False)
    words = text(browser()[0].get("/help/"))
    assert "Wei Chen ( wei@c.example )" in words and "Old One" not in words
    assert "up to 2 days old" in words and "Up to 7 days" in words and "Up to 30 days" in words
