"""Flags of a day in words."""

import inspect
import re

from scoring.domain import daily
from scoring.presenters.flags import FLAG_WORDS, flag_words


def test_every_flag_of_a_day_has_words() -> None:
    raised = set(re.findall(r'yield "(\w+)"', inspect.getsource(daily)))
    assert raised == set(FLAG_WORDS)


def test_travel_and_clock_changes_are_told_in_words() -> None:
    assert flag_words(("travel_day", "night_missing")) == "time zone changed, night not known"
    assert flag_words(("clock_change",)) == "clocks changed"
    assert flag_words(()) == ""


def test_flag_of_a_later_version_is_shown_as_it_is_spelt() -> None:
    assert flag_words(("sensor_changed",)) == "sensor changed"
