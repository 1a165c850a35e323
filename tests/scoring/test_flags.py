"""Flags of a day in words."""

import inspect
import re

from scoring.domain import clinical_flags, daily
from scoring.presenters.flags import CLINICAL_WORDS, FLAG_WORDS, flag_words


def test_every_flag_of_a_day_has_words() -> None:
    for module, words in ((daily, FLAG_WORDS), (clinical_flags, CLINICAL_WORDS)):
        raised = set(re.findall(r'yield "(\w+)"', inspect.getsource(module)))
        assert raised == set(words)


def test_travel_and_clock_changes_are_told_in_words() -> None:
    assert flag_words(("travel_day", "night_missing")) == "time zone changed, night not known"
    assert flag_words(("clock_change",)) == "clocks changed"
    assert flag_words(()) == ""


def test_flag_of_a_later_version_is_shown_as_it_is_spelt() -> None:
    assert flag_words(("sensor_changed",)) == "sensor changed"


def test_clinical_flag_is_unverified_until_a_clinician_checked_its_rules() -> None:
    both = ("night_missing",), ("phase_advanced",)
    assert flag_words(*both) == "night not known, body clock earlier than usual (unverified)"
    assert flag_words(*both, "A. Clinician") == "night not known, body clock earlier than usual"
