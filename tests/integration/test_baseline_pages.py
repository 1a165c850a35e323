"""Pages of baselines: the list, one patient's, every form, and what is shown before it counts."""

import re
from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from patients.models import AuditEvent, Patient, Role
from scoring.models import Baseline, IntakeAssessment, RiskScore
from tests import factories
from tests.days import days_store
from tests.integration.reading import browser, text, yesterday

pytestmark = pytest.mark.django_db
PAGE = "/baselines/P-1/"


@pytest.fixture
def client() -> Client:
    return browser(Role.ADMINISTRATOR)[0]


@pytest.fixture
def patient() -> Patient:
    return factories.patient("P-1", name="Ada Example")


def words_of(answer: Any) -> str:
    """The words of a page whatever its status."""
    answer.status_code, status = 200, answer.status_code
    assert status in {200, 422}
    return text(answer)


def scored(patient: Patient, days: int = 3) -> None:
    """Days of which the last had 4 h of sleep."""
    days_store(patient, yesterday(), 60, hours=lambda n: 4.0 if n == 0 else 7.0 + 0.5 * (n % 3))
    for n in range(days):
        factories.score(patient, yesterday() - timedelta(days=n))


def edit_values(**change: str) -> dict[str, str]:
    """What the form holds for the factory's baseline as it stands, with some of it typed anew."""
    return {
        "time_asleep_hours-mean": "7.31", "time_asleep_hours-sd": "0.62",
        "onset_minutes-mean": "23:20", "onset_minutes-sd": "25.0",
        "dlmo_hour-mean": "21:35", "dlmo_hour-sd": "24.0",
        "steps-mean": "6843.0", "steps-sd": "2210.0", "reason": "Short sleeper.",
    } | change  # fmt: skip


def test_a_page_puts_versions_side_by_side_with_the_population(
    client: Client, patient: Patient
) -> None:
    factories.baseline(patient, "replaced", 1, decided_by="old.boss")
    factories.baseline(patient, "approved", 2)
    factories.baseline(patient, "proposed", 3, reason="Flu left out.", proposed_by="system")
    words = text(client.get(PAGE))
    for version, state in ((3, "proposed"), (2, "approved"), (1, "replaced")):
        assert f"Version {version} {state}" in words
    assert "Approved by old.boss" in words and "Flu left out." in words
    assert "Time asleep 7 ± 1.85 h unverified 7.31 ± 0.62 h 28 days" in words
    assert "Nunan et al. 2010" in words and "too few days" in words
    assert "lower for mania, higher for depression" in words  # time asleep
    assert "earlier for mania, later for depression" in words  # the body clock
    assert AuditEvent.objects.get().detail == {"page": "baselines"}
    assert "Ada Example" not in words


def test_a_proposal_stands_beside_what_is_in_force_and_the_population(
    client: Client, patient: Patient
) -> None:
    old = factories.baseline(patient, "approved", 1)
    sleep = old.values["time_asleep_hours"] | {"mean": 6.69, "sd": 0.5}
    late = old.values["onset_minutes"] | {"mean": 20.0}  # 00:20, against 23:20 before
    values = old.values | {"time_asleep_hours": sleep, "onset_minutes": late}
    factories.baseline(patient, "proposed", 2, values=values)
    words = text(client.get(PAGE))
    table = words[words.index("Proposed beside") : words.index("What would change")]
    assert "Time asleep 7.31 ± 0.62 h 6.69 ± 0.5 h −0.62 h −1 SD" in table
    assert "7 ± 1.85 h unverified −0.31 h −0.2 SD" in table
    assert (
        "Sleep onset 23:20 ± 25 min 00:20 ± 25 min +60 min +1.4 SD" in table
    )  # a SD is at least 42 min
    assert "None of the last 30 days is scored" in words


def test_activity_of_another_sensor_is_not_compared(client: Client, patient: Patient) -> None:
    def activity(family: str) -> dict[str, Any]:
        return {"mean_per_minute": {"label": "Activity", "mean": 9.0, "sd": 1.0, "unit": "a minute",
                             "n": 20, "family": family}}  # fmt: skip

    factories.baseline(patient, "approved", 1, values=activity("steps"))
    factories.baseline(patient, "proposed", 2, values=activity("mims"))
    words = text(client.get(PAGE))
    table = words[words.index("Proposed beside") : words.index("What would change")]
    assert re.search(r"Activity 9 ± 1 [\w/ ]+ 9 ± 1 [\w/ ]+ – none known –", table)


def test_the_last_thirty_days_are_counted_as_they_would_be_told(
    client: Client, patient: Patient
) -> None:
    scored(patient, 45)
    client.post(f"{PAGE}propose/")
    words = text(client.get(PAGE))
    assert "Of the last 30 days 30 are scored." in words
    assert "against the new values 1." in words
    assert "Their tiers stay: Low 30" in words


def test_what_is_in_force_is_shown_however_many_proposals_were_rejected_since(
    client: Client, patient: Patient
) -> None:
    factories.baseline(patient, "approved", 1)
    for version in range(2, 8):
        factories.baseline(patient, "rejected", version)
    words = text(client.get(PAGE))
    assert "Version 7 rejected Version 6 rejected Version 5 rejected Version 1 approved" in words
    assert "Version 4" not in words


def test_in_run_in_the_page_says_with_what_days_are_compared(
    client: Client, patient: Patient
) -> None:
    days_store(patient, yesterday(), 12)
    words = text(client.get(PAGE))
    assert "Run-in, day 12 of 30: days are compared with the population." in words
    answer = client.post(f"{PAGE}propose/", follow=True)
    assert "P-1 has 12 days: run-in takes 30" in text(answer)


def test_a_proposal_shows_what_it_would_change_before_it_is_approved(
    client: Client, patient: Patient
) -> None:
    scored(patient)
    client.post(f"{PAGE}propose/")
    proposal = Baseline.objects.get()
    words = text(client.get(PAGE))
    shown = words[words.index("What would change") : words.index("Approve")]
    assert "No score that is stored changes" in shown
    assert "nothing worse than usual" in shown and "Time asleep 4.0 h, usually 7.5 h" in shown
    before = list(RiskScore.objects.order_by("pk").values())
    answer = client.post(f"/baselines/{proposal.pk}/approve/", follow=True)
    assert "Baseline 1 of P-1 approved." in text(answer)
    assert list(RiskScore.objects.order_by("pk").values()) == before


def test_a_second_administrator_is_told_who_was_first(client: Client, patient: Patient) -> None:
    proposal = factories.baseline(patient, "proposed")
    client.post(f"/baselines/{proposal.pk}/approve/")
    by = Baseline.objects.get().decided_by
    other, _ = browser(Role.ADMINISTRATOR)
    words = text(other.post(f"/baselines/{proposal.pk}/approve/", follow=True))
    assert f"no longer proposed: version 1 was approved by {by} on" in words
    refused = other.post(f"/baselines/{proposal.pk}/reject/", {"reason": "Flu."})
    assert f"version 1 was approved by {by}" in words_of(refused)


def test_a_rejection_needs_a_reason(client: Client, patient: Patient) -> None:
    proposal = factories.baseline(patient, "proposed")
    address = f"/baselines/{proposal.pk}/reject/"
    answer = client.post(address, {"reason": ""})
    assert answer.status_code == 422 and "Say why" in words_of(answer)
    assert "rejected" in text(client.post(address, {"reason": "Holiday."}, follow=True))
    assert Baseline.objects.get().state == "rejected"


def test_an_edit_is_shown_and_only_then_confirmed(client: Client, patient: Patient) -> None:
    scored(patient)
    old = factories.baseline(patient)
    address, typed = f"/baselines/{old.pk}/edit/", edit_values(**{"time_asleep_hours-mean": "4"})
    words = text(client.post(address, typed))
    assert "Time asleep 4.0 h, usually 7.3 h" in words and "Confirm the change" in words
    assert Baseline.objects.count() == 1
    done = client.post(address, typed | {"confirm": "1"}, follow=True)
    assert "Baseline 2 of P-1 is in force." in text(done)
    new = Baseline.objects.get(version=2)
    assert new.values["time_asleep_hours"]["mean"] == 4.0
    # What was not touched keeps all its digits, though the form shows fewer.
    for name in ("onset_minutes", "dlmo_hour", "steps"):
        assert new.values[name] == old.values[name]


def test_what_is_confirmed_is_what_was_shown(client: Client, patient: Patient) -> None:
    old = factories.baseline(patient)
    body = client.post(f"/baselines/{old.pk}/edit/", edit_values(**{"steps-mean": "5000"}))
    form = body.content.decode().split("Confirm the change")[0].rsplit("<form", 1)[1]
    assert 'type="hidden" name="steps-mean" value="5000"' in form
    assert 'type="text"' not in form and 'type="number"' not in form


def test_clock_times_are_typed_as_clock_times(client: Client, patient: Patient) -> None:
    old = factories.baseline(patient)
    typed = edit_values(**{"onset_minutes-mean": "00:30", "dlmo_hour-mean": "01:30"})
    typed["dlmo_hour-sd"] = "30"
    client.post(f"/baselines/{old.pk}/edit/", typed | {"confirm": "1"})
    new = Baseline.objects.get(version=2).values
    assert (new["onset_minutes"]["mean"], new["onset_minutes"]["sd"]) == (30.0, 25.0)
    assert (new["dlmo_hour"]["mean"], new["dlmo_hour"]["sd"]) == (25.5, 0.5)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"time_asleep_hours-mean": "40"}, "the mean must lie between 2 and 16 h"),
        ({"time_asleep_hours-mean": "nan"}, "Give a number"),
        ({"time_asleep_hours-sd": "much"}, "Give a number"),
        ({"onset_minutes-mean": "25:00"}, "Give a time, such as 23:15"),
        ({"reason": ""}, "Say why"),
        ({}, "No mean and no SD was changed"),
    ],
)
def test_an_edit_that_is_refused_keeps_what_was_typed(
    client: Client, patient: Patient, change: dict[str, str], words: str
) -> None:
    old = factories.baseline(patient)
    typed = edit_values(**{"steps-mean": "5123.0"} if change else {}, **change)
    for confirm in ({}, {"confirm": "1"}):
        answer = client.post(f"/baselines/{old.pk}/edit/", typed | confirm)
        assert answer.status_code == 422
        assert words in words_of(answer)
        assert f'value="{typed["steps-mean"]}"' in answer.content.decode()
    assert Baseline.objects.count() == 1


def test_a_baseline_is_frozen_and_thawed(client: Client, patient: Patient) -> None:
    row = factories.baseline(patient)
    words = text(client.post(f"/baselines/{row.pk}/freeze/", {"reason": "Best year."}, follow=True))
    assert "Best year." in words and "Unfreeze version 1" in words
    assert "Propose a new one" not in words and "Show what would change" in words
    words = text(client.post(f"/baselines/{row.pk}/unfreeze/", follow=True))
    assert "is no longer frozen" in words and "Freeze version 1" in words
    row.refresh_from_db()
    assert row.state == "approved"


def mark(client: Client, first: int, last: int, **more: str) -> Any:
    given = {
        "first_day": (yesterday() - timedelta(days=first)).isoformat(),
        "last_day": (yesterday() - timedelta(days=last)).isoformat(),
        "kind": "ill",
        "reason": "Flu.",
    }
    return client.post(f"{PAGE}mark/", given | more, follow=True)


def test_a_mark_is_shown_and_only_then_made(client: Client, patient: Patient) -> None:
    scored(patient)
    words = text(mark(client, 20, 11))
    assert "the baseline would be of 50 days" in words and "usually 7.4 h" in words
    assert not patient.baseline_stretches.exists() and not patient.baselines.exists()
    assert "are marked as ill" in text(mark(client, 20, 11, confirm="1"))
    assert patient.baselines.get().days_used == 50
    answer = client.get(PAGE)
    assert "Ill: left out" in text(answer)
    key = patient.baseline_stretches.get().pk
    words = text(client.post(f"/baselines/stretches/{key}/remove/", follow=True))
    assert "The mark of P-1 is removed." in words and "removed by" in words


def test_a_mark_that_leaves_too_few_days_says_so_before_it_is_made(
    client: Client, patient: Patient
) -> None:
    scored(patient)
    words = text(mark(client, 4, 0, kind="well"))
    assert "P-1 has 5 days that are not left out: a baseline needs 14" in words
    assert "Mark these days" in words


def test_a_mark_that_is_refused_keeps_what_was_typed(client: Client, patient: Patient) -> None:
    answer = mark(client, 0, 5, reason="A cold.")
    assert answer.status_code == 422 and 'value="A cold."' in answer.content.decode()
    assert "lies before the first" in words_of(answer)


INTAKE = {"day": "2026-03-01", "phq9": "12", "tier": "Moderate", "clinician": "Dr. Roy"}


def test_an_intake_is_set_and_shown_on_the_record_until_there_is_a_baseline(
    client: Client, patient: Patient
) -> None:
    assert "PHQ-9 12 of 27, tier Moderate" in text(
        client.post(f"{PAGE}intake/", INTAKE, follow=True)
    )
    doctor, who = browser()
    patient.care_team.create(user=who)
    days_store(patient, yesterday(), 12)
    factories.score(patient, yesterday(), 0.9)
    words = text(doctor.get("/patients/P-1/"))
    assert "Intake assessment of 1 Mar 2026 by Dr. Roy: PHQ-9 12 of 27, Moderate." in words
    assert "Run-in: day 12 of 30." in words
    said = "The depression risk indicator is higher than at intake (PHQ-9 12, Moderate, 1 Mar 2026)"
    assert said in words
    factories.score(patient, yesterday() - timedelta(days=1), 0.9)
    assert "than at intake" not in text(doctor.get("/patients/P-1/"))
    factories.baseline(patient)
    assert "Intake assessment" not in text(doctor.get("/patients/P-1/"))


@pytest.mark.parametrize(
    ("depression", "tier", "words"),
    [
        (0.2, "High", "lower than at intake"),
        (0.6, "Moderate", "is as at intake"),
        (None, "High", ""),
    ],
)
def test_the_direction_since_intake(
    patient: Patient, depression: float | None, tier: str, words: str
) -> None:
    doctor, who = browser()
    patient.care_team.create(user=who)
    IntakeAssessment.objects.create(
        patient=patient, day=date(2026, 3, 1), phq9=12, tier=tier, clinician="x", set_by="y",
        set_at=timezone.now(),
    )  # fmt: skip
    factories.score(patient, yesterday(), depression)
    shown = text(doctor.get("/patients/P-1/"))
    assert words in shown and ("at intake" in shown) == bool(words)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"phq9": "28"}, "A PHQ-9 total is 0 to 27"),
        ({"phq9": "2.5"}, "Give a whole number"),
        ({"day": "2999-01-01"}, "lies in the future"),
        ({"tier": "Indeterminate"}, "Choose one of these"),
        ({"clinician": ""}, "Say who assessed"),
    ],
)
def test_an_intake_that_is_refused_keeps_what_was_typed(
    client: Client, patient: Patient, change: dict[str, str], words: str
) -> None:
    typed = INTAKE | {"reason": "By letter."} | change
    answer = client.post(f"{PAGE}intake/", typed)
    assert answer.status_code == 422 and words in words_of(answer)
    assert 'value="By letter."' in answer.content.decode()
    assert not IntakeAssessment.objects.exists()


def test_every_field_has_a_label(client: Client, patient: Patient) -> None:
    factories.baseline(patient, "approved", 1)
    factories.baseline(patient, "proposed", 2)
    body = client.get(PAGE).content.decode()
    fields = re.findall(r"<(?:input|select|textarea)(?![^>]*type=\"hidden\")[^>]*>", body)
    ids = [re.search(r'id="([^"]+)"', field) for field in fields]
    assert len(fields) >= 18 and all(ids)
    named = [found[1] for found in ids if found]
    assert len(set(named)) == len(named)
    assert set(named) <= set(re.findall(r'<label for="([^"]+)"', body))


def test_a_reason_worse_than_usual_stands_on_the_record(patient: Patient) -> None:
    doctor, who = browser()
    patient.care_team.create(user=who)
    reason = {"code": "worse_than_usual", "text": "Time asleep 3.9 h, usually 7.1 h (2.4 SD less)."}
    factories.score(patient, yesterday(), reasons=[reason], context={"baseline_rules": "x"})
    words = text(doctor.get("/patients/P-1/"))
    assert "Time asleep 3.9 h, usually 7.1 h (2.4 SD less)." in words
    assert "no personal baseline: compared with the population" in words
