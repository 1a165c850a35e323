"""The visit summary: the page and the PDF say the same, on one page, in French too."""

import io
import re
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone, translation
from pypdf import PdfReader

from alerts.presenters.summary import visit_summary
from alerts.presenters.summary_pdf import as_latin, summary_pdf
from patients.models import AuditEvent, Role
from tests import factories
from tests.integration.reading import browser, text, yesterday

pytestmark = pytest.mark.django_db
RESEARCH = "Research use: model trained on simulated data"


def made(depression: float | None = 0.618034, mania: float | None = 0.271828) -> tuple[Client, Any]:
    client, who = browser()
    patient = factories.patient("P-1", [who], name="Zoë Lefèvre-Łuczak", diagnosis="bipolar_2")
    factories.history(patient, yesterday(), 40, lambda b: 0.2, lambda b: 0.1)
    patient.scores.filter(day=yesterday()).delete()
    score = factories.score(patient, yesterday(), depression, mania)
    factories.questionnaire(patient, [2, 1, 2, 1, 1, 2, 1, 1, 0], taken_at=timezone.now())
    factories.medication(patient, "lithium", "lithium", dose="900 mg/day")
    factories.alert(score, "depression", "Moderate")
    return client, patient


def read(client: Client) -> tuple[str, int]:
    answer = client.get("/patients/P-1/summary.pdf")
    assert answer["Content-Type"] == "application/pdf"
    assert answer["Cache-Control"] == "no-store"
    pages = PdfReader(io.BytesIO(answer.content)).pages
    words = " ".join(page.extract_text() for page in pages)
    return re.sub(r"\s+", " ", words), len(pages)


def numbers(words: str) -> list[str]:
    """The numbers of a text with their percent signs, in order."""
    return re.findall(
        r"\d+(?:[.,:]\d+)*(?: ?%)?", words.replace("\xa0", " ").replace("\u202f", " ")
    )


def test_the_pdf_has_the_numbers_of_the_page_on_one_page() -> None:
    client, _ = made()
    page = text(client.get("/patients/P-1/summary/"))
    pdf, pages = read(client)
    assert pages == 1
    assert pdf.startswith(RESEARCH) and RESEARCH in page
    begin, end = "Decision of", "Made "
    of_page = page[page.index(begin) : page.index(end)]
    of_pdf = pdf[pdf.index(begin) : pdf.index(end)]
    assert numbers(of_pdf) == numbers(of_page)
    assert {"62 %", "27 %"} <= set(numbers(of_pdf))
    record = text(client.get("/patients/P-1/")).replace("\u202f", " ")
    for share in ("62 %", "27 %", "44 %"):
        assert share in record and share in pdf
    assert "11 of 27" in pdf and "lithium 900 mg/day" in pdf


def test_an_indeterminate_day_prints_no_probability() -> None:
    client, patient = made(None, None)
    score = patient.scores.first()
    score.depression = factories.track("depression", 0.618034)  # must not come out
    score.mania = factories.track("mania", 0.618034)
    score.save()
    pdf, _ = read(client)
    page = text(client.get("/patients/P-1/summary/"))
    for words in (pdf, page):
        told = words[words.index("Decision of") : words.index("What is uncertain")]
        assert "Overall: Indeterminate" in told and "%" not in told
        assert "62" not in numbers(told) and "62 %" not in numbers(words)
        assert "not assessed" in told


def test_accents_are_kept_and_other_letters_replaced_and_said() -> None:
    client, patient = made()
    assert "Zoë Lefèvre-Luczak" in read(client)[0]
    patient.name = "李 Wei"
    patient.save()
    pdf, _ = read(client)
    assert "? Wei" in pdf and "stands for a letter" in pdf


def test_every_letter_has_one_of_latin_1() -> None:
    told, lost = as_latin("déjà ≥ 5 − 3 “œuvre” … €, Ž")
    assert told.encode("latin-1").decode("latin-1") == 'déjà >= 5 - 3 "oeuvre" ... EUR, Z'
    assert not lost


def test_a_long_record_still_fits_on_one_page() -> None:
    client, patient = made()
    for number in range(14):
        factories.medication(patient, f"a drug with a long name {number}", "other")
    for kind in ("mania", "safety", "concern"):
        alert = factories.alert(patient.scores.first(), kind, "High")
        alert.recommendation = {"text": "Consider this. " * 60, "source": "A guideline"}
        alert.save()
    pdf, pages = read(client)
    assert pages == 1
    assert "Supports a clinician" in pdf


def test_the_paper_is_letter_where_the_country_uses_it() -> None:
    client, patient = made()
    _, who = browser(Role.ADMINISTRATOR)
    summary = visit_summary(patient, who, timezone.now())
    sizes = {
        language: PdfReader(io.BytesIO(summary_pdf(summary, language))).pages[0].mediabox
        for language in ("en", "fr-ca")
    }
    assert round(sizes["en"].height) == 842 and round(sizes["fr-ca"].height) == 792


def test_it_is_said_in_the_language_of_the_reader_without_an_error() -> None:
    client, _ = made()
    with translation.override("fr"):
        answer = client.get("/patients/P-1/summary.pdf", headers={"Accept-Language": "fr"})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("address", "page"), [("summary/", "summary"), ("summary.pdf", "summary pdf")]
)
def test_reading_it_is_written_down(address: str, page: str) -> None:
    client, _ = made()
    client.get(f"/patients/P-1/{address}")
    assert [row.detail["page"] for row in AuditEvent.objects.filter(action="record opened")] == [
        page
    ]


def test_a_patient_without_scores_has_a_summary_all_the_same() -> None:
    client, who = browser()
    factories.patient("P-1", [who])
    pdf, pages = read(client)
    assert pages == 1 and "Nothing was scored in the last 90 days." in pdf
