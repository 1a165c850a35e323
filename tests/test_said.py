"""English sentences that are stored or made below the pages, said again in French."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.domain.states import BY_SYSTEM_ONLY, TRANSITIONS
from clarity_site.said import compiled, is_known, known_messages, said_again, tables
from tests.conftest import ROOT
from tests.english import HOLE, sentences, skeleton

N = "\u202f"
APPS = ("patients", "scoring", "alerts")
TOGETHER = re.compile(f"{HOLE}( {HOLE})+")  # a name and an amount are one to a message
SKELETONS = {skeleton(m) for m in (*known_messages(), *tables.texts())}
MADE = sorted({text: where for where, text in sentences()}.items())


def is_covered(text: str) -> bool:
    """Whether a message stands for the sentence: as it is, or with its values spelt out."""
    text = TOGETHER.sub(HOLE, text)
    return text in SKELETONS or any(stands_for(text, k) or stands_for(k, text) for k in SKELETONS)


def patient_actions() -> set[str]:
    """Every action that the audit keeps with a patient, read from the code."""
    text = "".join(p.read_text() for app in APPS for p in (ROOT / app).rglob("*.py"))
    calls = re.findall(r"audit_record\(([^()]*(?:\([^()]*\)[^()]*)*)\)", text)
    return {
        found[1]
        for call in calls
        if "patient=" in call and (found := re.search(r'action="([^"]+)"', call))
    }


def acts_on_alerts() -> set[str]:
    """As ``alerts.services`` writes them."""
    return {f"alert {e.replace('_', ' ')}" for e in TRANSITIONS if e not in BY_SYSTEM_ONLY}


def stands_for(pattern: str, text: str) -> bool:
    """Whether the text is the pattern with something in its holes."""
    parts = [re.escape(part) for part in pattern.split(HOLE)]
    says = len(pattern.replace(HOLE, "").split()) > 1
    return says and bool(re.fullmatch(".+?".join(parts), text, re.DOTALL))


@pytest.mark.parametrize("text", [text for text, _ in MADE], ids=[where for _, where in MADE])
def test_every_sentence_that_the_code_makes_has_a_message(text: str) -> None:
    assert is_covered(text), "add it to clarity_site/said/, run `make messages` and translate it"


def test_the_code_is_really_read() -> None:
    assert len(MADE) > 200
    assert not is_covered("A sentence that nobody wrote.")


@pytest.mark.parametrize("action", sorted({*patient_actions(), *acts_on_alerts()}))
def test_what_was_done_in_a_record_can_be_said(action: str) -> None:
    assert is_known(action), "add it to clarity_site/said/audit.py, and translate it"


@pytest.mark.parametrize(
    ("english", "french"),
    [
        (
            "Both tracks are Low: they weigh the same.",
            f"Les deux volets sont au niveau Faible{N}: ils pèsent autant.",
        ),
        (
            "Limited data for mania (under 60%): it weighs 0.25.",
            f"Données limitées pour la manie (moins de 60{N}%){N}: elle pèse 0,25.",
        ),
        (
            "Time asleep 4.1 h, usually 7.3 h (2.6 SD less).",
            "Temps de sommeil 4,1 h, d’habitude 7,3 h (2,6 ET de moins).",
        ),
        (
            "Steps 1,240 a day, 6,632 a day in a population (more than 5 SD less); there is no "
            "personal baseline yet.",
            f"Nombre de pas 1{N}240 par jour, 6{N}632 par jour dans une population (plus de 5 ET "
            f"de moins){N}; il n’y a pas encore de référence personnelle.",
        ),
        (
            "Works shifts since 3 March 2026: the timing and regularity of sleep say less.",
            f"Travaille par quarts depuis le 3 mars 2026{N}: le moment et la régularité du "
            "sommeil en disent moins.",
        ),
        (
            "Mania not assessed: 8 of 30 nights are there, 12 are needed.",
            f"Manie non évaluée{N}: 8 des 30 nuits sont présentes, il en faut 12.",
        ),
        (
            "No data since Tuesday 17 November (3 days)",
            "Aucune donnée depuis le mardi 17 novembre (3 jours)",
        ),
        (
            "Not shown: “Review; bipolar depression”, because the diagnosis is not recorded.",
            f"Non affiché{N}: «{N}Revoir{N}; dépression bipolaire{N}», car le diagnostic n’est pas "
            "consigné.",
        ),
        (
            "heart rate outside the possible range",
            "fréquence cardiaque (hors des valeurs possibles)",
        ),
        (
            "CANMAT 2023 MDD guidelines (Lam et al. 2024, doi 10.1177/07067437241245384), "
            "Screening and assessment",
            "Lignes directrices CANMAT 2023 sur le trouble dépressif caractérisé (Lam et al. 2024, "
            "doi 10.1177/07067437241245384), Dépistage et évaluation",
        ),
        (
            "track mania; tier High; recorded as mdd or bipolar 1",
            f"volet manie{N}; niveau Élevé{N}; consigné comme TDC ou bipolaire I",
        ),
        ("A note that somebody typed.", "A note that somebody typed."),
        ("", ""),
    ],
)
def test_a_sentence_is_said_again(english: str, french: str) -> None:
    assert said_again(english, "fr") == french
    assert said_again(english, "en") == english


@given(st.sampled_from([m for m in known_messages() if "%(" in m]), st.data())
def test_every_pattern_knows_its_own_sentences(message: str, data: st.DataObject) -> None:
    """Whatever stands in the holes, the sentence is said by words of the French message."""
    value = st.text("xyz", min_size=1, max_size=5)
    holes = {name: data.draw(value) for name in re.findall(r"%\((\w+)\)s", message)}
    sentence = message % holes
    assert compiled(message).fullmatch(sentence)
    french = said_again(sentence, "fr")
    assert french != sentence
    assert all(held in french for held in holes.values())
