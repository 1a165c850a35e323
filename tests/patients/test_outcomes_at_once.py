"""Two people record the same at once: one row, and nobody sees a fault."""

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
from django.db import connection

from patients.domain.errors import InputError
from patients.models import AuditEvent, Episode, Questionnaire
from patients.outcomes import episode_record, questionnaire_record
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)
WHEN = datetime(2026, 2, 3, 14, 30, tzinfo=UTC)
AT_ONCE = 4


def together(work: Callable[[int], object]) -> list[object]:
    """What each gives, or the exception it ends with; all begin at the same moment."""
    start, ends = threading.Barrier(AT_ONCE), list[object]()

    def run(number: int) -> None:
        try:
            start.wait()
            ends.append(work(number))
        except Exception as error:
            ends.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return ends


def test_the_same_questionnaire_is_one_row() -> None:
    patient, doctor = factories.patient(), factories.user()
    ends = together(
        lambda _: questionnaire_record(
            patient=patient, instrument="phq9", taken_at=WHEN, total=12, by=doctor
        )
    )
    assert ends == [Questionnaire.objects.get()] * AT_ONCE
    assert AuditEvent.objects.count() == 1


def test_of_different_results_one_is_kept_and_the_others_are_told() -> None:
    patient, doctor = factories.patient(), factories.user()
    ends = together(
        lambda number: questionnaire_record(
            patient=patient, instrument="asrm", taken_at=WHEN, total=number, by=doctor
        )
    )
    kept = Questionnaire.objects.get()
    assert ends.count(kept) == 1
    refused = [str(end) for end in ends if isinstance(end, InputError)]
    assert len(refused) == AT_ONCE - 1
    assert all(f"is recorded, with the total {kept.total:g}" in words for words in refused)


def test_the_same_episode_is_one_row() -> None:
    patient, doctor = factories.patient(), factories.user()
    ends = together(
        lambda _: episode_record(
            patient=patient, kind="mania", first_day=date(2026, 2, 1), by=doctor
        )
    )
    assert ends.count(Episode.objects.get()) == 1
    refused = [end for end in ends if isinstance(end, InputError)]
    assert len(refused) == AT_ONCE - 1
