"""No sentence about a model's output claims more than a risk indicator may."""

import json
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from alerts.domain.forbidden import ForbiddenWords, load_forbidden_words
from alerts.domain.guidelines import advise, load_guidelines
from alerts.fhir.resources import AlertMessage, communication_request
from alerts.mail import notices_mail
from alerts.models import AlertKind
from alerts.raising import alert_raise
from alerts.services import alerts_consider
from patients.models import Role
from scoring.domain.circumstances import circumstances_on
from scoring.domain.early_warning import TWO_NIGHTS, EarlyWarning
from scoring.domain.router import Antidepressant, decide
from scoring.domain.types import Reason, TrackOutput
from scoring.resources import router_rules
from tests import factories
from tests.alerts.domain.test_guidelines import DRUGS, EVERY
from tests.conftest import ROOT
from tests.integration.reading import browser, text, yesterday
from tests.scoring.domain.test_circumstances import EVERY_KIND, NOTING
from tests.sentences import every_sentence, of_python, of_script, of_template, of_toml

FILE = ROOT / "alerts/data/forbidden_words.toml"
WORDS = load_forbidden_words(FILE)
CLAIM = "The model predicts an episode"
EVERY_SENTENCE = list(every_sentence())


def claims(sentences: Iterator[tuple[str, str]] | list[tuple[str, str]]) -> list[str]:
    """What must not be said, with where it stands."""
    return [
        f"{key}: {found[0]} in “{sentence}”"
        for key, sentence in sentences
        if (found := WORDS.found_in(sentence, key))
    ]


def without_exempt(body: str) -> str:
    """A page without what its parts are exempt to say."""
    for exempt in WORDS.exempt:
        body = body.replace(exempt.text, "")
    return body


def test_no_sentence_of_code_templates_scripts_or_rule_files_claims_too_much() -> None:
    assert claims(EVERY_SENTENCE) == []


@pytest.mark.parametrize(
    "needed",
    [
        "scoring/domain/router.py",
        "scoring/domain/early_warning.py",
        "scoring/engines/assess.py",
        "scoring/presenters/explanation.py",
        "scoring/presenters/tracks.py",
        "scoring/data/circumstances.toml",
        "scoring/data/model_facts.toml",
        "alerts/presenters/sentence.py",
        "alerts/presenters/cards.py",
        "alerts/domain/wording.py",
        "alerts/domain/guidelines.py",
        "alerts/data/guidelines/mania_high.toml",
        "alerts/fhir/resources.py",
        "alerts/absence.py",
        "alerts/tasks.py",
        "clarity_site/env.py",
        "templates/patients/record.html",
        "templates/parts/recommendation.html",
        "static/js/timeline.js",
    ],
)
def test_every_kind_of_sentence_is_read(needed: str) -> None:
    assert any(key == needed for key, _ in EVERY_SENTENCE)


PLANTS: list[tuple[Callable[[str], Iterator[str]], str]] = [
    (of_python, f'def f(x):\n    """Doc."""\n    return f"{CLAIM} of {{x}}"\n'),
    (of_python, f'TEXT = ("{CLAIM}"\n        " soon")\n'),
    (of_python, f'class A:\n    REASON = Reason("code", "{CLAIM}.")\n'),
    (of_toml, f'source = "x"\ntext = "Consider it. {CLAIM}."\n'),
    (of_toml, f'[a.b]\nlist = ["{CLAIM}"]\n'),
    (of_template, f"<p>{{% if x %}}{CLAIM} of {{{{ x }}}}{{% endif %}}</p>"),
    (of_template, f'<svg aria-label="{CLAIM}"></svg>'),
    (of_template, f'<p>{{% translate "{CLAIM}." %}}</p>'),
    (of_template, f'<td data-label="{{% translate "{CLAIM}" %}}"></td>'),
    (of_template, f"{{% blocktranslate %}}{CLAIM} of {{{{ x }}}}{{% endblocktranslate %}}"),
    (of_script, f'const words = "{CLAIM}";'),
]


@pytest.mark.parametrize(("read", "source"), PLANTS)
def test_a_claim_that_is_planted_is_found(
    read: Callable[[str], Iterator[str]], source: str
) -> None:
    assert len(claims([("planted", sentence) for sentence in read(source)])) == 1
    quiet = source.replace(CLAIM, "The risk indicator is shown")
    assert claims([("planted", sentence) for sentence in read(quiet)]) == []


@pytest.mark.parametrize("word", ["Alarm", "Predicted:", "Prédit", "emergency!", "Diagnosis"])
def test_a_claim_of_one_word_is_found_and_a_name_of_the_code_is_none(word: str) -> None:
    for source in (f'LABEL = "{word}"\n', f'TITLES = {{"x": f"{word}{{n}}"}}\n'):
        assert claims([("planted", sentence) for sentence in of_python(source)]) != []
    name = 'FIELDS = ("diagnosis", "patient.diagnosis", "predicted_p")\n'
    assert list(of_python(name)) == []


@pytest.mark.parametrize(
    "path",
    [
        "scoring/domain/router.py",
        "alerts/domain/wording.py",
        "templates/parts/recommendation.html",
        "alerts/data/guidelines/mania_high.toml",
    ],
)
def test_a_claim_in_a_real_file_is_found(path: str) -> None:
    """Planted into what is shipped, in place of a sentence that is there."""
    read = {".py": of_python, ".html": of_template, ".toml": of_toml}[Path(path).suffix]
    source = (ROOT / path).read_text()
    old = {
        ".py": {"router.py": "they weigh the same", "wording.py": "Overall tier"},
        ".html": {"recommendation.html": "Written by"},
        ".toml": {"mania_high.toml": "Consider a same-day"},
    }[Path(path).suffix][Path(path).name]
    assert old in source
    assert claims([(path, s) for s in read(source)]) == []
    planted = source.replace(old, "Mania was diagnosed with it", 1)
    assert any("diagnos*" in line for line in claims([(path, s) for s in read(planted)]))


@pytest.mark.parametrize(
    ("sentence", "word"),
    [
        ("He was diagnosed with mania.", "diagnos*"),
        ("It PREDICTS an episode", "predict*"),
        ("a prediction  of relapse", "predict*"),
        ("This guarantees nothing", "guarantee*"),
        ("Clarity detects bipolar disorder", "detects"),
        ("The patient is   manic.", "is manic"),
        ("Un épisode est prédit.", "prédi*"),
        ("Clarity détecte la bipolarité", "détecte*"),
        ("Diagnostiqué bipolaire", "diagnosti*"),
    ],
)
def test_the_words_are_known_in_both_languages(sentence: str, word: str) -> None:
    assert word in WORDS.found_in(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "Consider a contact within days.",
        "The mania risk indicator is High since 3 March.",
        "Dr Predi and Mrs Garant",
        "He is manicured; this proverb improves.",
    ],
)
def test_words_that_only_look_alike_are_no_claims(sentence: str) -> None:
    assert WORDS.found_in(sentence) == []


@pytest.mark.parametrize("exempt", WORDS.exempt, ids=lambda e: f"{e.key}-{e.text}")
def test_what_is_exempt_is_there_says_why_and_is_exempt_nowhere_else(exempt: Any) -> None:
    assert any(key == exempt.key and exempt.text in text for key, text in EVERY_SENTENCE)
    assert exempt.why
    assert ForbiddenWords(WORDS.words, ()).found_in(exempt.text, exempt.key)
    assert WORDS.found_in(exempt.text, "elsewhere")


def test_no_reason_of_any_decision_claims_too_much() -> None:
    day, levels = date(2026, 3, 1), (None, 0.1, 0.4, 0.65, 0.9)
    life = circumstances_on(EVERY_KIND, day, NOTING)
    warning = EarlyWarning("Moderate", (Reason(TWO_NIGHTS, "Rule."),))
    told = set()
    for d in levels:
        for m in levels:
            for state in Antidepressant:
                for coverage in (1.0, 0.5):
                    tracks = [
                        TrackOutput("ok" if p is not None else "unavailable", "why", p, coverage)
                        for p in (d, m)
                    ]
                    made = decide(day, *tracks, state, warning, router_rules(), None, life)
                    told |= {(reason.code, reason.text) for reason in made.reasons}
    assert len({code for code, _ in told}) > 15
    assert claims(list(told)) == []


def test_no_recommendation_or_message_of_any_situation_claims_too_much() -> None:
    guidelines = load_guidelines(ROOT / "alerts/data/guidelines")
    told = {json.dumps(advise(guidelines, s).as_dict(DRUGS), ensure_ascii=False) for s in EVERY}
    assert claims([("alerts/domain/guidelines.py", text) for text in told]) == []


@pytest.mark.django_db
def test_no_message_to_the_ehr_and_no_e_mail_claims_too_much() -> None:
    patient = factories.patient("P-1", ehr_id="ehr-1")
    score = factories.score(patient, yesterday(), 0.9, 0.9)
    alerts = alerts_consider(score=score, now=timezone.now())
    resources = [alert.messages.get().resource for alert in alerts]
    assert len(resources) == 2 and all(resources)
    said = [("alerts/domain/guidelines.py", json.dumps(r, ensure_ascii=False)) for r in resources]
    coordinator = factories.user(Role.COORDINATOR, email="jo@clinic.example")
    now = timezone.now()
    for kind in AlertKind.values:
        alert_raise(
            patient=factories.patient(team=[coordinator]), kind=AlertKind(kind), tier="High",
            by="system", now=now, why="high",
        )  # fmt: skip
    assert notices_mail(now=now) == 1
    said += [("mail", f"{letter.subject} {letter.body}") for letter in mail.outbox]
    assert len(said) == 3 and claims(said) == []
    planted = message_of(f"{CLAIM}.")
    assert claims([("message", json.dumps(planted))])


def message_of(line: str) -> dict[str, Any]:
    """A resource whose payload says that."""
    at = timezone.now()
    return communication_request(
        AlertMessage(
            identifier="0" * 8 + "-0000-0000-0000-" + "0" * 12,
            patient_reference="Patient/1",
            tier="High",
            track="mania",
            authored_on=at,
            follow_up_start=at,
            follow_up_end=at,
            lines=(line,),
            note="",
        )
    )


@pytest.fixture
def client() -> Client:
    client, who = browser()
    patient = factories.patient("P-1", [who], diagnosis="unknown")
    factories.circumstance(patient)
    factories.history(patient, yesterday(), 9, lambda b: 0.9, lambda b: 0.2 if b else 0.9)
    alerts_consider(score=patient.scores.get(day=yesterday()), now=timezone.now())
    return client


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/", "/patients/P-1/", "/alerts/", "/models/", "/rules/"])
def test_no_page_as_it_is_read_claims_too_much(client: Client, address: str) -> None:
    words = without_exempt(text(client.get(address)))
    assert len(words) > 300 and claims([("page", words)]) == []


@pytest.mark.django_db
def test_a_claim_on_a_page_is_found(client: Client) -> None:
    alert = client.get("/patients/P-1/").context["cards"][0].alert
    alert.recommendation = alert.recommendation | {"text": f"{CLAIM}; consider it."}
    alert.save()
    words = without_exempt(text(client.get("/patients/P-1/")))
    assert claims([("page", words)])
