"""A small clinic with every state that a page can show."""

from datetime import timedelta
from typing import Any

import numpy as np
from django.utils import timezone

from patients.models import Diagnosis, Role
from tests import factories

PASSWORD = "correct horse battery"


def build_clinic() -> dict[str, Any]:
    """Three people who log in, ten patients, and alerts that wait."""
    people = {
        role: factories.user(role, f"{role}.1", PASSWORD, first_name=first, last_name=last)
        for role, first, last in (
            (Role.PSYCHIATRIST, "Nadia", "Grey"),
            (Role.COORDINATOR, "Jo", "Marsh"),
            (Role.ADMINISTRATOR, "Sam", "Field"),
        )
    }
    team = [people[Role.PSYCHIATRIST], people[Role.COORDINATOR]]
    day = timezone.localdate() - timedelta(days=1)
    rng = np.random.default_rng(7)

    def wave(low: float, high: float, rises: int = 0) -> factories.Curve:
        noise = rng.normal(0, 0.03, 200)
        return lambda back: float(
            np.clip((high if back < rises else low) + noise[back], 0.01, 0.99)
        )

    def gaps(curve: factories.Curve, missing: set[int]) -> factories.Curve:
        return lambda back: None if back in missing else curve(back)

    rows: list[tuple[str, str, str, Any, Any, int]] = [
        ("CL-0107", "Ada Winter", Diagnosis.BIPOLAR_1, wave(0.2, 0.15), wave(0.12, 0.72, 4), 0),
        ("CL-0112", "Ben Osei", Diagnosis.BIPOLAR_2, wave(0.35, 0.86, 6), wave(0.1, 0.1), 0),
        (
            "CL-0121",
            "Chen Li",
            Diagnosis.MDD,
            gaps(wave(0.4, 0.63, 9), set(range(12, 17))),
            gaps(wave(0.1, 0.08), set(range(10, 19))),
            1,
        ),
        ("CL-0126", "Dora Alves", Diagnosis.BIPOLAR_2, wave(0.2, 0.22), wave(0.2, 0.41, 3), 2),
        (
            "CL-0130",
            "Emil Novak",
            Diagnosis.BIPOLAR_1,
            gaps(wave(0.3, 0.3), set(range(0, 6))),
            gaps(wave(0.2, 0.2), set(range(0, 6))),
            9,
        ),
        ("CL-0133", "Fay Brook", Diagnosis.MDD, wave(0.25, 0.3), lambda back: None, 0),
        ("CL-0138", "Gus Hale", Diagnosis.BIPOLAR_1, wave(0.2, 0.18), wave(0.1, 0.1), 0),
        ("CL-0141", "Hana Sato", Diagnosis.BIPOLAR_2, wave(0.3, 0.22, 6), wave(0.07, 0.09), 0),
        ("CL-0145", "Ian Roy", Diagnosis.UNKNOWN, wave(0.12, 0.1), wave(0.03, 0.05), 4),
    ]
    patients = {}
    for seed, (code, name, diagnosis, depression, mania, stale) in enumerate(rows):
        patient = factories.patient(code, team, name=name, diagnosis=diagnosis)
        factories.history(patient, day, 60 if seed < 3 else 30, depression, mania)
        factories.recording(patient, day - timedelta(days=stale), 8, seed, gap=6 if seed < 2 else 0)
        factories.baseline(patient)
        patients[code] = patient
    factories.patient("CL-0150", team, name="Kim Dahl")
    _details(patients, day)
    factories.run(day, "done", list(patients.values()))
    factories.run(timezone.localdate(), "done", list(patients.values()), failed=1)
    return {"people": people, "patients": patients, "day": day}


def _details(patients: dict[str, Any], day: Any) -> None:
    """Medications, alerts in each state, a proposed baseline."""
    ada, ben, chen = (patients[code] for code in ("CL-0107", "CL-0112", "CL-0121"))
    for patient in (ada, ben):
        patient.medication_list_available = True
        patient.save()
    factories.medication(ada, "lithium", "lithium", dose="900 mg/day")
    factories.medication(ada, first_day=day - timedelta(days=24))
    factories.medication(
        ada,
        "quetiapine",
        "antipsychotic",
        first_day=day - timedelta(days=70),
        last_day=day - timedelta(days=31),
        dose="100 mg/day",
    )
    factories.medication(ben, "venlafaxine", "snri", first_day=day - timedelta(days=200))
    newest = {p.code: p.scores.first() for p in (ada, ben, chen, patients["CL-0126"])}
    factories.alert(newest["CL-0107"], raised_at=newest["CL-0107"].scored_at - timedelta(days=3))
    factories.alert(newest["CL-0112"], "depression", "High", message_state="pending")
    factories.alert(newest["CL-0121"], "depression", "Moderate", "acknowledged")
    factories.alert(newest["CL-0126"], "mania", "Moderate", message_state="held")
    old = ada.scores.order_by("day")[10]
    factories.alert(old, "depression", "Moderate", "dismissed")
    factories.baseline(chen, "proposed", 2)
