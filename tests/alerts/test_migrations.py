"""A clinic of the release before keeps its open alerts, and its notes become unreadable."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from alerts.context_models import EhrPatient
from alerts.models import Alert, AlertTransition
from alerts.raising import alerts_watch
from patients.models import User
from tests import factories
from tests.alerts.context.records import PHQ9, care_team, observation
from tests.alerts.context.taking import take

BEFORE = [("alerts", "0003_absence")]


def migrated_to(targets: Any) -> Any:
    executor = MigrationExecutor(connection)
    executor.migrate(targets)
    loader = MigrationExecutor(connection).loader
    others = [leaf for leaf in loader.graph.leaf_nodes() if leaf[0] != "alerts"]
    return loader.project_state([*targets, *others]).apps


@pytest.mark.django_db(transaction=True)
def test_open_alerts_are_due_after_the_migration_and_notes_are_encrypted() -> None:
    latest = MigrationExecutor(connection).loader.graph.leaf_nodes()
    try:
        apps = migrated_to(BEFORE)
        now = timezone.now()
        patient = apps.get_model("patients", "Patient").objects.create(code="P-1")
        score = apps.get_model("scoring", "RiskScore").objects.create(
            patient_id=patient.pk, day=now.date(), revision=1, scored_at=now, tier="High",
            is_current=True, model_failed=False, depression={}, mania={}, weights={}, reasons=[],
            context={},
        )  # fmt: skip
        for track, state in (("mania", "new"), ("depression", "acknowledged")):
            alert = apps.get_model("alerts", "Alert").objects.create(
                patient_id=patient.pk, track=track, state=state, tier="High", score_id=score.pk,
                raised_at=now, changed_at=now,
            )  # fmt: skip
            apps.get_model("alerts", "AlertTransition").objects.create(
                alert=alert, event="raised", to_state="new", tier="High", actor="system", at=now,
                note="Her sister rang.",
            )  # fmt: skip
        migrated_to(latest)
        assert all(a.due_at and a.policy["steps"] for a in Alert.objects.all())
        assert {a.kind for a in Alert.objects.all()} == {"mania", "depression"}
        assert {t.note for t in AlertTransition.objects.all()} == {"Her sister rang."}
        with connection.cursor() as cursor:
            cursor.execute("SELECT note FROM alerts_alerttransition")
            assert all("sister" not in note for (note,) in cursor.fetchall())
        assert alerts_watch(now=now + timedelta(days=2)) == 2
    finally:
        migrated_to(latest)


@pytest.mark.django_db(transaction=True)
def test_the_zone_of_a_digest_moves_to_the_person_and_back() -> None:
    latest = MigrationExecutor(connection).loader.graph.leaf_nodes()
    user = User.objects.create(username="doc")
    try:
        apps = migrated_to([("alerts", "0007_evidence_tier")])
        apps.get_model("alerts", "NoticeSetting").objects.create(
            user_id=user.pk, zone="Europe/Paris"
        )
        migrated_to(latest)
        assert User.objects.get(pk=user.pk).time_zone == "Europe/Paris"
        apps = migrated_to([("alerts", "0007_evidence_tier")])
        assert apps.get_model("alerts", "NoticeSetting").objects.get().zone == "Europe/Paris"
    finally:
        migrated_to(latest)


@pytest.mark.django_db(transaction=True)
def test_what_was_read_of_the_ehr_is_read_again_and_told_but_once() -> None:
    latest = MigrationExecutor(connection).loader.graph.leaf_nodes()
    patient = factories.patient("P-1", ehr_id="pat-1")
    at = (timezone.now() - timedelta(days=2)).isoformat()
    answer = observation("o-1", PHQ9[8], at, valueInteger=2)
    team = care_team("t-1", "Practitioner/a")
    try:
        apps = migrated_to([("alerts", "0014_ehr_context")])
        told = {"fate": "counts", "instrument": "phq9", "taken_at": at, "items": [], "total": 2}
        told |= {"item": 9, "form": {"codings": [], "text": ""}, "why": ""}
        members = {"fate": "counts", "members": [["Practitioner/a", "Dr a"]], "why": ""}
        alone = "An answer above 0 to the item on self-harm came without the other answers."
        for kind, key, said, why in (
            ("Observation", "o-1", told, alone),
            ("Observation", "o-2", {}, ""),
            ("CareTeam", "t-1", members, ""),
        ):
            apps.get_model("alerts", "ContextItem").objects.create(
                patient_id=patient.pk, resource_type=kind, resource_id=key, told=said, why=why,
                state="noted", said_on=timezone.now().date(), changed_at=timezone.now(),
            )  # fmt: skip
        apps.get_model("alerts", "EhrPatient").objects.create(
            patient_id=patient.pk, state="found", marks={"CareTeam": {"since": at}}
        )
        migrated_to(latest)
        assert EhrPatient.objects.get().marks == {}
        assert take(patient, answer, team) == ["same", "same"]
        take(patient, observation("o-3", PHQ9[8], at, valueInteger=2))
        assert not Alert.objects.exists()
        take(patient, observation("o-3", PHQ9[8], at, valueInteger=3))
        assert Alert.objects.get().kind == "safety"
    finally:
        migrated_to(latest)
