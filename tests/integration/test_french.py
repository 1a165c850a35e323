"""Every page in French: nothing is left in English, on any address there is or will be."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from alerts.mail import notices_mail
from alerts.models import AlertKind
from alerts.raising import alert_raise
from alerts.rule_files import rule_files
from alerts.services import alerts_consider
from patients.domain.days import zone_names
from patients.domain.plain import format_words
from patients.ingest.sources import SOURCES
from patients.models import Role, User
from patients.services import SYSTEM
from tests import factories
from tests.browser.clinic import build_clinic
from tests.integration.test_access import ALL, NEUTRAL, filled, names
from tests.reading_pages import pieces

pytestmark = pytest.mark.django_db

# Django's own, what programs read, and what is made for a log-in that has none.
NOT_PAGES = ("admin/", "api/", "health/", "metrics", "logout/")
# The same word in both languages, and names. What a rule file says in a text that has no French,
# and the names of its fields, stand on its page as in the file, marked with lang="en" for who
# edits it: ``pieces`` passes over what says of itself that it is in another language.
SAME = {
    *("patients", "patient", "Communication", "CommunicationRequest"),
    *("Clarity", "English", "Français", "Patients", "Patient", "Message", "Messages", "Source"),
    *("Action", "Note", "Minutes", "Version", "Total", "Format", "Codes", "PHQ-8", "PHQ-9", "ASRM"),
    *("AUROC", "AUPRC", "Brier", "ECE", "SHA256", "Stimulant", "Lithium", "Valproate", "Dose"),
    *("Lamotrigine", "Questionnaires", "Licence", "UTC", "HTML", "CSV", "Distributions", "KS"),
    # what the clinic of this test typed or stored
    *(
        *("pts", "Code", "Kim", "Dahl", "band 12", "band", "Flu", "min", "ms", "h", "minutes"),
        "Watch",
        "dr",
        "The model file is missing.",
        "Sleep per night",
        "Flu.",
        "admin",
        "depression.h5",
        # of tests/alert_rows.py and tests/factories.py
        *("test", "points", "dr.grey", "Notes", "Contact", "Vendor"),
        "Consider a contact within two days",
        "Ask about sleep, energy and spending. Consider whether the antidepressant should be "
        "reviewed, and agree on a regular bedtime",
        "Called, will see her on Monday",
        "Both tracks weigh the same: 50 % each",
        "Activity in the morning",
        "Activity late in the evening",
    ),
    *(format_words(source) for source in SOURCES),
    *("Actions", "Population", "version 2", "actlumus", "fitbit", "vendor", "version", "Enter"),
    *("depression-simulated-1", "mania-simulated-1", "depression-simulated-1 · Clarity"),
    *zone_names(),
    *(file.path.name for file in rule_files()),
}
# Codes, versions, units, drugs and doses, log-ins, zones and names of people and devices.
NAME = re.compile(
    r"[A-Z]{1,4}-\d+|[a-z_]+\.\d+|\S+@\S+|[\w.-]+/[\w/.-]+|v?\d[\w.:+-]*|sha256|[a-f0-9]{12,}"
)
# Pages that look otherwise by what is asked for.
STATES = (
    ("alerts/", "tab", ("mine", "team", "nobody", "closed")),
    ("alerts/", "code", ("CL-0121", "nobody")),
    ("today/", "kind", ("alerts", "follow-ups", "data")),
    ("messages/", "state", ("failed", "waiting", "held", "delivered")),
    ("rules/", "only", ("overdue", "unverified")),
)
ENGLISH = re.compile(
    r"\b(the|of|and|is|are|was|were|not|with|from|by|this|that|which|who|nothing|nobody|has|have|"
    r"been|since|under|above|below|between|for|to|its|their|than|until|days?|nights?|hours?|weeks?|"
    r"unknown|none|waiting|delivered|raised|held)\b",
    re.IGNORECASE,
)


def everything() -> dict[str, Any]:
    """A clinic with one of everything, and the values of all parameters."""
    made = build_clinic()
    people, ada = made["people"], made["patients"]["CL-0107"]
    mine = people[Role.PSYCHIATRIST]
    alert = ada.alerts.filter(state="new").first()
    keys = {
        "code": ada.code,
        "alert_id": alert.pk,
        "follow_up_id": factories.follow_up(alert, mine).pk,
        "baseline_id": made["patients"]["CL-0121"].baselines.filter(state="proposed").first().pk,
        "stretch_id": factories.stretch(ada).pk,
        "course_id": ada.medications.first().pk,
        "questionnaire_id": factories.questionnaire(ada).pk,
        "episode_id": factories.episode(ada).pk,
        "message_id": alert.messages.first().pk,
        "object_id": ada.pk,
        "upload_id": factories.upload(ada).pk,
        "token_id": factories.device_token(ada).pk,
        "device_id": factories.device(ada).pk,
        "circumstance_id": factories.circumstance(ada).pk,
        "id": mine.pk,
    }
    return made | {"keys": keys}


def addresses(keys: dict[str, Any]) -> Iterator[str]:
    for route, _ in ALL:
        if route.startswith(NOT_PAGES):
            continue
        if set(names(route)) <= set(keys) | set(NEUTRAL):
            yield filled(route, NEUTRAL | keys)
    yield from (f"/rules/{file.path.stem}/" for file in rule_files())
    for page, name, values in STATES:
        yield from (f"/{page}?{name}={value}" for value in values)


def said_by(client: Client, address: str, language: str) -> list[str] | None:
    """The pieces of the page in that language, or None where the address is no page."""
    answer = client.get(address, headers={"accept-language": language})
    if answer.status_code != 200 or "text/html" not in answer.headers.get("Content-Type", ""):
        return None
    return pieces(answer.content.decode())


def is_name(piece: str, known: set[str]) -> bool:
    """Whether the piece is the same in every language."""
    bare = piece.strip(" ·,;:.…()›“”«»–+-")
    if not re.search(r"[A-Za-z]{2}", bare) or bare in SAME or bare in known or NAME.fullmatch(bare):
        return True
    return all(is_name(word, known) for word in bare.split()) if " " in bare else False


def left_in_english(english: list[str], french: list[str], known: set[str]) -> list[str]:
    """Pieces that both pages have and that are no names, and those with English words."""
    both = set(english)
    same = [p for p in french if p in both and not is_name(p, known)]
    theirs = re.compile("|".join(map(re.escape, sorted(known | SAME, key=len, reverse=True))))
    mixed = [p for p in french if p not in both and ENGLISH.search(theirs.sub("", p))]
    return list(dict.fromkeys([*same, *mixed]))


def names_in(made: dict[str, Any]) -> set[str]:
    """Words of the clinic's own: people, devices, drugs and doses, notes that were typed."""
    found = {str(value) for value in made["keys"].values()}
    for user in User.objects.all():
        found |= {user.username, *str(user).split()}
    for patient in made["patients"].values():
        found |= {patient.code, *patient.name.split()}
        for course in patient.medications.all():
            found |= {course.drug, str(course), course.dose}
        for device in patient.devices.all():
            found |= {device.name, *device.name.split()}
    return found


def test_no_string_of_any_page_is_left_in_english() -> None:
    made = everything()
    known, left, seen = names_in(made), [], 0
    for role, user in made["people"].items():
        client = Client()
        client.force_login(user)
        for address in addresses(made["keys"]):
            english = said_by(client, address, "en")
            french = said_by(client, address, "fr")
            if english is None or french is None:
                continue
            seen += 1
            left += [f"{address} ({role}): {p}" for p in left_in_english(english, french, known)]
    assert seen > 20
    assert not left, "\n".join(dict.fromkeys(left))


@pytest.mark.parametrize("address", ["/login/", "/patients/NOBODY/", "/medications/?x"])
def test_the_door_and_the_errors_are_french_too(address: str) -> None:
    client = Client(raise_request_exception=False)
    if "login" not in address:
        client.force_login(factories.user(Role.COORDINATOR))
    english, french = (
        pieces(client.get(address, headers={"accept-language": tongue}).content.decode())
        for tongue in ("en", "fr")
    )
    assert len(french) > 3 and left_in_english(english, french, set()) == []


def test_a_mail_is_in_the_language_of_who_gets_it(settings: Any) -> None:
    doctor = factories.user(Role.PSYCHIATRIST, "doc", email="a@clinic.example", language="fr")
    nurse = factories.user(Role.COORDINATOR, "coord", email="b@clinic.example")
    patient = factories.patient("P-1", [doctor, nurse])
    for kind in (AlertKind.MANIA, AlertKind.SAFETY):
        alert_raise(
            patient=patient, kind=kind, tier="High", by=SYSTEM, now=timezone.now(), why="high"
        )
    notices_mail(now=timezone.now())
    by_address = {message.to[0]: message for message in mail.outbox}
    french, english = by_address["a@clinic.example"], by_address["b@clinic.example"]
    assert (
        "P-1\u202f: Manie (risque Élevé), nouvelle" in french.body
        and "P-1: Mania High, new" in english.body
    )
    told = [french.subject, *filter(None, french.body.splitlines())]
    assert left_in_english([english.subject, *english.body.splitlines()], told, {"P-1"}) == []


def test_somebody_without_a_language_is_written_to_in_the_clinics(settings: Any) -> None:
    settings.CLINIC_LANGUAGE = "fr"
    doctor = factories.user(Role.PSYCHIATRIST, "doc", email="a@clinic.example")
    patient = factories.patient("P-1", [doctor])
    alert_raise(
        patient=patient,
        kind=AlertKind.MANIA,
        tier="High",
        by=SYSTEM,
        now=timezone.now(),
        why="high",
    )
    notices_mail(now=timezone.now())
    assert "Manie (risque Élevé)" in mail.outbox[0].body


def test_the_record_in_the_ehr_is_in_the_clinics_language(settings: Any) -> None:
    settings.CLINIC_LANGUAGE = "fr"
    patient = factories.patient("P-1", [factories.user()], ehr_id="17")
    made = factories.score(patient, timezone.localdate(), 0.4, 0.9)
    [verdict] = [
        a for a in alerts_consider(score=made, now=timezone.now()) if a.kind == AlertKind.MANIA
    ]
    [payload] = verdict.messages.get().resource["payload"]
    lines = payload["contentString"].splitlines()
    assert lines[0] == "Usage de recherche\u202f: modèle entraîné sur des données simulées."
    assert left_in_english([], lines, {"P-1"}) == []


def test_what_programs_read_stays_english() -> None:
    client = Client(headers={"accept-language": "fr"})
    doctor = factories.user(Role.PSYCHIATRIST, language="fr")
    client.force_login(doctor)
    factories.score(factories.patient("P-1", [doctor]), timezone.localdate(), 0.4, 0.9)
    body = client.get("/api/v1/patients/P-1/").content.decode()
    assert client.get("/api/v1/patients/NOBODY/").headers["Content-Language"] == "en"
    assert not re.search("[éèêà]|Manie|0,9", body)
