"""Every reason of a decision in French, and the pages that show them."""

import re
from datetime import date, timedelta
from itertools import product

import pytest

from clarity_site.said import said_again
from patients.models import Role
from scoring.domain.circumstances import CIRCUMSTANCES, Circumstance, Span
from scoring.domain.early_warning import THREE_NIGHTS, TWO_NIGHTS, EarlyWarning
from scoring.domain.router import Antidepressant, decide
from scoring.domain.types import Reason, TrackOutput
from scoring.domain.worsening import OWN, worse_reasons
from scoring.engines.artifacts import ArtifactError
from scoring.engines.assess import COMBINATION_LOST, COMBINATION_NOT_FITTED, NoNumber, _why
from scoring.resources import baseline_rules, circumstance_rules, router_rules
from tests import factories
from tests.integration.reading import browser, text, yesterday
from tests.integration.test_french import ENGLISH

DAY = date(2026, 11, 20)
FEW_NIGHTS = "8 of 30 nights are there, 12 are needed."
LITTLE_WORN = "the sensor was worn 29.8 % of the week, 30 % is needed."


def output(probability: float | None, coverage: float, why: str) -> TrackOutput:
    if probability is None:
        return TrackOutput.unavailable(why, coverage)
    return TrackOutput("ok", None, probability, coverage)


def warnings() -> list[EarlyWarning]:
    """None, and each rule in its own words, as early_warning.py makes them."""
    row = "Early-warning rule: under 4 h of sleep on 3 nights in a row. A rule, not a model."
    active = (
        "Early-warning rule: under 4 h of sleep on 2 nights in a row with activity above the "
        "person's own 95th percentile. A rule, not a model."
    )
    return [
        EarlyWarning(),
        EarlyWarning("High", (Reason(THREE_NIGHTS, row),)),
        EarlyWarning("Moderate", (Reason(TWO_NIGHTS, active),)),
    ]


def router_reasons() -> dict[str, str]:
    """By code, from decisions of every kind."""
    rules, effects = router_rules(), circumstance_rules().effects
    life = [()] + [
        (Circumstance(Span(kind, DAY - timedelta(days=3)), effects[kind]),)
        for kind in CIRCUMSTANCES
    ]
    shares = (None, 0.1, 0.49, 0.9)
    found = {r.code: r.text for r in (COMBINATION_LOST, COMBINATION_NOT_FITTED)}
    for d, m, covered, drug, warning, around, calibrate in product(
        shares, shares, ((0.9, 0.9), (0.4, 0.9), (0.9, 0.4), (0.4, 0.4)), Antidepressant,
        warnings(), life, (None, lambda raw: 0.95),
    ):  # fmt: skip
        depression, mania = (
            output(p, c, why)
            for p, c, why in zip((d, m), covered, (LITTLE_WORN, FEW_NIGHTS), strict=True)
        )
        decision = decide(DAY, depression, mania, drug, warning, rules, calibrate, around)
        found |= {reason.code: reason.text for reason in decision.reasons}
    return found


REASONS = router_reasons()


def unavailable() -> list[str]:
    """Why a model gave nothing."""
    failures = [f"{_why(e)}; operations have been told." for e in (ArtifactError(), NoNumber())]
    failures.append(f"{_why(ValueError())}; operations have been told.")
    data = [LITTLE_WORN, "none of the last 3 nights is there.", *failures]
    return [*data, *(f"Mania not assessed: {why}" for why in data)]


def of_baselines() -> list[str]:
    """Each feature of baselines.toml further off than usual, on either side."""
    deviations = [
        {"label": f.label, "unit": f.unit, "value": 0.3, "mean": 21.9, "sd_off": off, "against": of}
        for f in baseline_rules().features.values()
        for off, of in product((-2.5, 2.5, 9.0), (OWN, "population"))
    ]  # fmt: skip
    return [reason.text for reason in worse_reasons(deviations, 2.4, baseline_rules())]


def test_the_kinds_are_all_there() -> None:
    assert len(REASONS) > 22 and {"tracks_differ_antidepressant", "weights", "floor_mania"} <= (
        REASONS.keys()
    )


@pytest.mark.parametrize("english", [*REASONS.values(), *unavailable(), *of_baselines()])
def test_a_reason_has_no_english_left(english: str) -> None:
    french = said_again(english, "fr")
    assert french != english and not ENGLISH.search(french), french


@pytest.mark.django_db
@pytest.mark.parametrize("page", ["/patients/P-1/", "/patients/P-1/summary/"])
def test_the_pages_say_reasons_in_french(page: str) -> None:
    client, who = browser(Role.PSYCHIATRIST)
    patient = factories.patient("P-1", [who])
    reasons = [{"code": code, "text": told} for code, told in REASONS.items()]
    made = factories.score(patient, yesterday(), None, 0.2, reasons=reasons)
    made.depression["reason"] = LITTLE_WORN
    made.save(update_fields=["depression"])
    answer = client.get(page, headers={"accept-language": "fr"})
    words = text(answer)
    assert not re.search("[\u00a0\u202f ][\u00a0\u202f]|[\u00a0\u202f] ", answer.content.decode())
    assert " ".join(said_again(LITTLE_WORN, "fr").split()) in words
    if "summary" not in page:
        assert "Les volets diffèrent et un ISRS ou un IRSN est actif" in words
        assert not re.search(r"Poids : dépression 0,", words)  # in percent, as elsewhere
    left = [told for told in (LITTLE_WORN, *REASONS.values()) if told in words]
    assert not left
