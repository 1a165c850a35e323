"""The French catalogue is whole: nothing is missing, empty, guessed or claims too much."""

import re
import shutil
from pathlib import Path

import polib  # type: ignore[import-untyped]
import pytest
from django.core.management import call_command

from alerts.domain.forbidden import load_forbidden_words
from clarity_site.said import known_messages, tables
from tests.conftest import ROOT

FRENCH = ROOT / "clarity_site/locale/fr/LC_MESSAGES/django.po"
CATALOGUE = polib.pofile(str(FRENCH))
ENTRIES = [entry for entry in CATALOGUE if not entry.obsolete]
HOLE = re.compile(r"%\(\w+\)[sd]|%s|\{\}|</?\w[^>]*>")
# Narrow spaces that do not break stand before these marks; clocks, ratios and addresses have none.
LOOSE = re.compile(r"[^\s\u202f][;!?»]| [;:!?»%](?!\()|«[^\u202f]")
WORDS = load_forbidden_words(ROOT / "alerts/data/forbidden_words.toml")


def both(entry: polib.POEntry) -> list[tuple[str, str]]:
    """English and French, of a plural each form."""
    if entry.msgid_plural:
        one, many = entry.msgstr_plural[0], entry.msgstr_plural[1]
        return [(entry.msgid, one), (entry.msgid_plural, many)]
    return [(entry.msgid, entry.msgstr)]


PAIRS = [pair for entry in ENTRIES for pair in both(entry)]


def test_there_is_something_to_check() -> None:
    assert len(PAIRS) > 1000


def test_nothing_is_empty_or_guessed() -> None:
    assert [e.msgid for e in ENTRIES if not e.translated() or e.fuzzy] == []


def test_the_compiled_catalogue_is_that_of_the_text() -> None:
    compiled = polib.mofile(str(FRENCH.with_suffix(".mo")))
    told = {(e.msgctxt, e.msgid): (e.msgstr, e.msgstr_plural) for e in compiled}
    assert told == {(e.msgctxt, e.msgid): (e.msgstr, e.msgstr_plural) for e in ENTRIES}


def test_placeholders_and_tags_are_those_of_the_english() -> None:
    wrong = []
    for english, french in PAIRS:
        plural_one = "(1 day)" in english or "%(count)d" in english
        ours, theirs = sorted(HOLE.findall(english)), sorted(HOLE.findall(french))
        if ours != theirs and not (plural_one and set(theirs) <= set(ours)):
            wrong.append(english)
    assert wrong == []


def test_french_marks_stand_after_spaces_that_do_not_break() -> None:
    loose = [
        french
        for _, french in PAIRS
        if LOOSE.search(re.sub(r"&\w+;|<[^>]*>|\d{4};11:\d+|`[^`]*`", "", french))
    ]
    assert loose == []


def test_nobody_is_addressed_as_a_friend() -> None:
    friendly = re.compile(r"(?<!\w)(tu|ton|tes|toi|votre/vos)(?!\w)", re.IGNORECASE)
    assert [french for _, french in PAIRS if friendly.search(french)] == []


def test_no_french_sentence_claims_more_than_the_english_may() -> None:
    exempt = {text for each in WORDS.exempt for text in (each.text, each.text.lower())}
    claims = [
        (french, found)
        for english, french in PAIRS
        if (found := WORDS.found_in(french)) and not any(text in english for text in exempt)
    ]
    assert claims == []


def test_every_text_of_the_rule_files_and_of_the_code_below_is_in_the_catalogue() -> None:
    known = {entry.msgid for entry in ENTRIES}
    assert [text for text in (*tables.texts(), *known_messages()) if text not in known] == []


def test_gathering_again_finds_nothing_new(tmp_path: Path) -> None:
    if not shutil.which("xgettext"):
        pytest.skip("xgettext is not installed: install GNU gettext to gather the messages")
    before, compiled = FRENCH.read_bytes(), FRENCH.with_suffix(".mo").read_bytes()
    try:
        call_command("catalogue", stdout=(tmp_path / "said").open("w"))
        new = {(e.msgctxt, e.msgid) for e in polib.pofile(str(FRENCH))}
        assert new == {(e.msgctxt, e.msgid) for e in ENTRIES}, "run `make messages` and translate"
    finally:
        FRENCH.write_bytes(before)
        FRENCH.with_suffix(".mo").write_bytes(compiled)
