"""SMART's system scopes in both forms."""

import doctest
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.context_export import ORDER
from alerts.fhir import scopes as module
from alerts.fhir.scopes import (
    LETTERS,
    WANTED_SCOPES,
    allows,
    granted,
    scopes_of,
    scopes_to_ask,
    unknown_words,
)

LETTER_SETS = st.lists(st.sampled_from(LETTERS), min_size=1, unique=True).map(
    lambda them: "".join(it for it in LETTERS if it in them)
)
TYPES = st.sampled_from(["*", "Observation", "Patient", "RiskAssessment"])
SCOPES = st.builds(
    "system/{}.{}".format, TYPES, LETTER_SETS | st.sampled_from(["read", "write", "*"])
)
LISTS = st.lists(SCOPES, max_size=5).map(" ".join)


def test_the_examples_hold() -> None:
    tried = doctest.testmod(module)
    assert (tried.failed, tried.attempted > 3) == (0, True)


@pytest.mark.parametrize("kind", ["Communication", "Provenance", "CommunicationRequest"])
def test_what_is_told_may_be_looked_for_before_it_is_told_again(kind: str) -> None:
    assert all(allows(scopes_of(WANTED_SCOPES), kind, letter) for letter in "crs")


def test_whatever_is_read_is_asked_for() -> None:
    wanted = scopes_of(WANTED_SCOPES)
    assert all(allows(wanted, kind, it) for kind in (*ORDER, "Group") for it in "rs")


@pytest.mark.parametrize(
    "word",
    *[
        [
            "patient/Observation.rs",
            "system/Observation",
            "system/Observation.",
            "openid",
            "system/*",
        ]
    ],
)
def test_what_is_no_system_scope(word: str) -> None:
    assert scopes_of(word) == []
    assert unknown_words(f"system/Patient.rs {word}") == [word]


@pytest.mark.parametrize("letters", ["sr", "rr", "x", "rsx", "READ"])
def test_letters_stand_in_their_order(letters: str) -> None:
    assert scopes_of(f"system/Observation.{letters}") == []


@given(asked=LISTS, allowed=LISTS, resource=TYPES.filter(lambda it: it != "*"),
       letter=st.sampled_from(LETTERS))  # fmt: skip
def test_what_is_granted_is_what_both_allow(
    asked: str, allowed: str, resource: str, letter: str
) -> None:
    both = allows(scopes_of(asked), resource, letter) and allows(
        scopes_of(allowed), resource, letter
    )
    assert allows(scopes_of(granted(asked, allowed)), resource, letter) == both


@given(LISTS)
def test_all_of_it_is_granted_where_everything_is_allowed(asked: str) -> None:
    assert granted(asked, "system/*.*") == " ".join(dict.fromkeys(asked.split()))


@pytest.mark.parametrize(
    ("configuration", "asked"),
    [
        ({}, "system/Patient.rs system/Communication.cr"),
        ({"capabilities": ["permission-v2"]}, "system/Patient.rs system/Communication.cr"),
        (
            {"capabilities": ["permission-v1", "permission-v2"]},
            "system/Patient.rs system/Communication.cr",
        ),
        (
            {"capabilities": ["permission-v1"]},
            "system/Patient.read system/Communication.read system/Communication.write",
        ),
        ({"scopes_supported": ["openid", "system/Patient.read"]}, "system/Patient.read"),
        ({"scopes_supported": ["system/*.rs"]}, "system/Patient.rs system/Communication.r"),
        ({"scopes_supported": ["openid"]}, "system/Patient.rs system/Communication.cr"),
        (
            {"scopes_supported": ["system/Device.rs"]},
            "system/Patient.rs system/Communication.cr",
        ),
        ({"scopes_supported": 5, "capabilities": "x"}, "system/Patient.rs system/Communication.cr"),
    ],
)
def test_scopes_as_the_server_understands_them(configuration: Any, asked: str) -> None:
    wanted = "system/Patient.rs system/Communication.cr"
    assert scopes_to_ask(wanted, configuration) == asked
