"""Every page in French: nothing is left in English, on any address there is or will be."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from patients.domain.days import zone_names
from patients.domain.plain import format_words
from patients.ingest.sources import SOURCES
from patients.models import Role, User
from tests import factories
from tests.browser.clinic import build_clinic
from tests.integration.test_access import ALL, NEUTRAL, filled, names
from tests.reading_pages import pieces

pytestmark = pytest.mark.django_db

# Django's own, what programs read, and what is made for a log-in that has none.
NOT_PAGES = ("admin/", "api/", "health/", "metrics", "logout/")
# Pages that are being written anew at the moment.
NOT_YET = (
    *("baselines/", "rules/", "models/$", "messages/", "alerts/"),
    *("patients/<slug:code>/$", "$"),
)
# The same word in both languages, and names.
SAME = {
    *("Clarity", "English", "Français", "Patients", "Patient", "Message", "Messages", "Source"),
    *("Action", "Note", "Minutes", "Version", "Total", "Format", "Codes", "PHQ-8", "PHQ-9", "ASRM"),
    *("AUROC", "AUPRC", "Brier", "ECE", "SHA256", "Stimulant", "Lithium", "Valproate", "Dose"),
    *("Lamotrigine", "Questionnaires", "Licence", "UTC", "HTML", "CSV", "Distributions", "KS"),
    # what the clinic of this test typed or stored
    *("band 12", "Watch", "dr", "The model file is missing.", "Demo actigraph"),
    *(format_words(source) for source in SOURCES),
    *zone_names(),
}
# Codes, versions, units, drugs and doses, log-ins, zones and names of people and devices.
NAME = re.compile(
    r"[A-Z]{1,4}-\d+|[a-z_]+\.\d+|\S+@\S+|[\w.-]+/[\w/.-]+|v?\d[\w.:+-]*|sha256|[a-f0-9]{12,}"
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
        if route.startswith(NOT_PAGES) or (route + "$").startswith(NOT_YET):
            continue
        if set(names(route)) <= set(keys) | set(NEUTRAL):
            yield filled(route, NEUTRAL | keys)


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
    assert seen > 40
    assert not left, "\n".join(dict.fromkeys(left))
