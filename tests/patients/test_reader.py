"""The language and the clock of who reads, and how values are written in it."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from django.utils import timezone, translation
from hypothesis import given
from hypothesis import strategies as st

from clarity_site import env
from patients.models import AuditEvent, Role, User
from patients.templatetags import clarity
from tests import factories

NOON = datetime(2026, 11, 19, 12, 0, tzinfo=UTC)
N = "\u202f"


@pytest.mark.parametrize(
    ("value", "english", "french"),
    [
        (4.1, "4.1", "4,1"),
        (1240, "1,240", f"1{N}240"),
        (-0.25, "−0.25", "−0,25"),
        (None, "–", "–"),
        ("text 1.5", "text 1.5", "text 1.5"),
    ],
)
def test_numbers_are_written_as_the_reader_does(value: Any, english: str, french: str) -> None:
    for language, said in (("en", english), ("fr", french)):
        with translation.override(language):
            assert clarity.number(value) == said


@given(st.integers(-(10**9), 10**9))
def test_thousands_keep_their_digits(value: int) -> None:
    with translation.override("fr"):
        assert int(clarity.thousands(value).replace(N, "")) == value
    with translation.override("en"):
        assert int(clarity.thousands(value).replace(",", "")) == value


@given(st.floats(-1e6, 1e6))
def test_a_number_is_the_same_in_both_languages(value: float) -> None:
    with translation.override("en"):
        english = clarity.number(value)
    with translation.override("fr"):
        french = clarity.number(value)
    assert french.replace(",", ".").replace(N, ",") == english


def test_days_and_shares_and_amounts() -> None:
    with translation.override("fr"):
        assert clarity.day(date(2026, 11, 19)) == "19 nov. 2026"
        assert clarity.week_day(date(2026, 11, 19)) == "jeu. 19 nov."
        assert clarity.percent(0.483) == f"48{N}%"
        assert clarity.quantity({"mean": 7.3, "sd": 0.6}, "h") == "7,3 ± 0,6 h"
        assert clarity.quantity(3321, "a day") == f"3{N}321 par jour"
        assert clarity.pill("High").count("Élevé") == 1
    with translation.override("en"):
        assert clarity.day(date(2026, 11, 19)) == "19 Nov 2026"
        assert clarity.week_day(date(2026, 11, 19)) == "Thu 19 Nov"


def shown_to(user: User, language: str) -> str:
    client = Client(headers={"accept-language": language})
    client.force_login(user)
    patient = factories.patient("P-1", [user], zone="America/Vancouver")
    factories.device(patient).__class__.objects.update(last_data_at=NOON)
    return client.get("/patients/P-1/data/").content.decode()


@pytest.mark.django_db
def test_a_time_is_the_patients_and_the_readers_on_pointing_at_it() -> None:
    page = shown_to(factories.user(time_zone="Europe/Paris"), "en")
    told = (
        '<time datetime="2026-11-19T04:00-08:00" title="19 Nov 2026, 13:00 CET on your clock">'
        "19 Nov 2026, 04:00 PST</time>"
    )
    assert told in page


@pytest.mark.django_db
def test_where_both_clocks_agree_nothing_is_told_twice() -> None:
    page = shown_to(factories.user(time_zone="America/Los_Angeles"), "fr")
    assert '<time datetime="2026-11-19T04:00-08:00">19 nov. 2026, 04:00 HNP</time>' in page


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/", "/alerts/", "/patients/P-1/"])
def test_short_times_are_told_on_the_readers_clock_too(address: str) -> None:
    user = factories.user(time_zone="Europe/Paris")
    patient = factories.patient("P-1", [user], zone="America/Vancouver")
    score = factories.score(patient, timezone.localdate() - timedelta(days=1), 0.1, 0.9)
    factories.alert(score, raised_at=timezone.now() - timedelta(hours=3))
    client = Client(headers={"accept-language": "en"})
    client.force_login(user)
    page = client.get(address).content.decode()
    titles = re.findall(r'<time datetime="[^"]+"(?: title="([^"]*)")?>', page)
    assert titles and all(re.fullmatch(r".* CES?T on your clock", title) for title in titles)


@pytest.mark.django_db
def test_the_language_is_the_browsers_until_one_is_chosen() -> None:
    client = Client(headers={"accept-language": "fr-CA,fr;q=0.9"})
    assert 'lang="fr"' in client.get("/login/").content.decode()
    answer = client.post("/language/", {"language": "en", "next": "/login/"})
    assert (answer.status_code, answer["Location"]) == (302, "/login/")
    assert 'html lang="en"' in client.get("/login/").content.decode()


@pytest.mark.django_db
def test_a_choice_stays_with_the_person_on_another_browser() -> None:
    user, first = factories.user(Role.COORDINATOR), Client()
    first.force_login(user)
    first.post("/language/", {"language": "fr", "next": "/notices/"})
    assert User.objects.get(pk=user.pk).language == "fr"
    assert AuditEvent.objects.filter(action="reader set", actor=user.username).exists()
    other = Client(headers={"accept-language": "en"})
    other.force_login(user)
    assert 'html lang="fr"' in other.get("/notices/").content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "sent", [{"language": "xx"}, {}, {"language": "fr", "next": "//evil.test"}]
)
def test_nonsense_changes_nothing_and_leads_nowhere_else(sent: dict[str, str]) -> None:
    client = Client()
    answer = client.post("/language/", sent)
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert client.get("/language/").status_code == 405


@pytest.mark.django_db
def test_the_preferences_are_kept_or_refused_with_what_to_do() -> None:
    user, client = factories.user(), Client()
    client.force_login(user)
    assert "America/Toronto" in client.get("/preferences/").content.decode()
    refused = client.post("/preferences/save/", {"language": "fr", "time_zone": "Mars/Base"})
    assert refused.status_code == 422 and "Mars/Base" in refused.content.decode()
    kept = client.post("/preferences/save/", {"language": "fr", "time_zone": "Europe/Paris"})
    assert kept.status_code == 302
    again = User.objects.get(pk=user.pk)
    assert (again.language, again.time_zone) == ("fr", "Europe/Paris")
    assert "enregistrés" in client.get("/preferences/").content.decode()
    client.post("/preferences/save/", {"language": "", "time_zone": "Europe/Paris"})
    english = client.get("/preferences/", headers={"accept-language": "en"}).content.decode()
    assert 'html lang="en"' in english


def test_a_clinics_language_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLINIC_LANGUAGE", "klingon")
    with pytest.raises(ImproperlyConfigured, match="CLINIC_LANGUAGE.*en, fr"):
        env.choice("CLINIC_LANGUAGE", "en", ("en", "fr"))
