"""Flags of a day in words."""

import inspect
import re
from datetime import date

from scoring.domain import clinical_flags, daily
from scoring.domain.circumstances import Span, circumstances_on
from scoring.presenters.flags import CLINICAL_WORDS, FLAG_WORDS, flag_words
from scoring.resources import circumstance_rules


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


def test_a_pattern_says_what_makes_it_say_less() -> None:
    rules = circumstance_rules()
    shifts = circumstances_on([Span("shift_work", date(2026, 3, 3))], date(2026, 3, 9), rules)
    words = flag_words([], ["phase_delayed", "hypersomnia"], "", shifts)
    assert words == (
        "body clock later than usual (unverified; says less: works shifts since 3 March 2026), "
        "long sleep on several nights (unverified)"
    )
    assert flag_words([], ["phase_delayed"], "Dr A") == "body clock later than usual"
