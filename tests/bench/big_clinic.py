"""A clinic of any size with years of scores, made by bulk inserts: what benches of pages stand on.

Everybody who logs in has the password PASSWORD. ``dr.whole`` and ``co.whole`` care for all
patients, ``admin.whole`` administers, and each of the clinicians ``dr.00``, ``dr.01`` … for an
even share. The first patient has minutes, nights and features of all days, the others of the
last 35. About one patient in eight rises at the end, one in ten has gaps, one in forty none.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import numpy as np

PASSWORD = "correct horse battery"
WHOLE = ("dr.whole", "co.whole", "admin.whole")
RECORDED_DAYS = 35
AT_ONCE = 50  # patients an insert
SOURCES = (("fitbit", "Fitbit", "watch"), ("oura", "Oura", "ring"), ("apple", "iPhone", "phone"))
DRUGS = (("sertraline", "ssri"), ("lithium", "lithium"), ("quetiapine", "antipsychotic"))
SCORES = """
INSERT INTO scoring_riskscore (patient_id, day, revision, is_current, tier, probability, depression,
    mania, weights, reasons, inputs_sha256, context, rules_version, scored_at, depression_model_id,
    mania_model_id, model_failed)
SELECT patient, %(first)s + place::int - 1, 1, true, overall, overall_p,
    jsonb_build_object('status', CASE WHEN d IS NULL THEN 'unavailable' ELSE 'ok' END,
        'reason', CASE WHEN d IS NULL THEN '21 %% of the week was worn: 30 %% are needed.' END,
        'probability', d, 'tier', d_tier, 'coverage', worn,
        'contributions', CASE WHEN d IS NULL OR place <= %(unexplained)s THEN '[]'::jsonb
            ELSE %(depression_why)s::jsonb END),
    jsonb_build_object('status', CASE WHEN m IS NULL THEN 'unavailable' ELSE 'ok' END,
        'reason', CASE WHEN m IS NULL THEN '9 of 30 nights are too few: 12 are needed.' END,
        'probability', m, 'tier', m_tier, 'coverage', worn, 'mania_probability', m * 0.4,
        'hypomania_probability', m * 0.6,
        'contributions', CASE WHEN m IS NULL OR place <= %(unexplained)s THEN '[]'::jsonb
            ELSE %(mania_why)s::jsonb END),
    CASE WHEN d IS NULL OR m IS NULL THEN '{"depression": null, "mania": null}'::jsonb
        ELSE '{"depression": 0.5, "mania": 0.5}'::jsonb END,
    '[{"code": "agreement", "text": "Both tracks weigh the same: 50 %% each."}]'::jsonb,
    repeat('0', 64), '{}'::jsonb, repeat('0', 64),
    %(first)s + place::int + time '08:14', %(depression_model)s, %(mania_model)s, false
FROM unnest(%(patients)s::bigint[]) WITH ORDINALITY AS people(patient, n),
    LATERAL (SELECT ((place - 1) %% %(days)s) + 1 AS place, d, m, worn FROM unnest(
        %(depression)s::float[], %(mania)s::float[], %(worn)s::float[]
    ) WITH ORDINALITY AS points(d, m, worn, place)
    WHERE place > (n - 1) * %(days)s AND place <= n * %(days)s) AS series,
    LATERAL (SELECT
        CASE WHEN d IS NULL THEN 'Indeterminate' WHEN d >= 0.8 THEN 'High'
            WHEN d >= 0.5 THEN 'Moderate' ELSE 'Low' END AS d_tier,
        CASE WHEN m IS NULL THEN 'Indeterminate' WHEN m >= 0.6 THEN 'High'
            WHEN m >= 0.3 THEN 'Moderate' ELSE 'Low' END AS m_tier,
        CASE WHEN d IS NOT NULL AND m IS NOT NULL THEN (d + m) / 2 ELSE coalesce(d, m) END
            AS overall_p) AS tracks,
    LATERAL (SELECT CASE WHEN d IS NULL AND m IS NULL THEN 'Indeterminate'
        WHEN 'High' IN (m_tier) OR overall_p >= 0.7 THEN 'High'
        WHEN d_tier = 'High' OR overall_p >= 0.3 THEN 'Moderate' ELSE 'Low' END AS overall
        ) AS decided
"""


@dataclass(frozen=True)
class BigClinic:
    """Who logs in, the patients' codes and the last scored day."""

    whole: tuple[str, ...]
    clinicians: tuple[str, ...]
    password: str
    codes: tuple[str, ...]
    last_day: date


def build_big_clinic(
    patients: int = 1_000,
    days: int = 730,
    *,
    explained_days: int = 90,
    recorded: int | None = None,
    clinicians: int = 50,
    seed: int = 7,
) -> BigClinic:
    """Fill an empty, migrated database.

    ``explained_days``: so many of the last days keep what contributed; ``recorded``: so many
    patients have minutes (all unless given). A thousand patients take about two minutes.
    """
    from django.utils import timezone

    from scoring.summaries import summaries_rebuild

    rng, last_day = np.random.default_rng(seed), timezone.localdate() - timedelta(days=1)
    users = _people(clinicians)
    rows = _patients(rng, patients, users)
    _recordings(rows[: patients if recorded is None else recorded], last_day, days)
    _scores(rng, rows, last_day, days, explained_days)
    _clinical(rng, rows, last_day, days)
    _alerts(rng, rows, users)
    _runs(rows, last_day)
    summaries_rebuild()
    _sql("ANALYZE")
    return BigClinic(
        WHOLE,
        tuple(u.username for u in users[len(WHOLE) :]),
        PASSWORD,
        tuple(r.code for r in rows),
        last_day,
    )


def _people(clinicians: int) -> list[Any]:
    from django.contrib.auth.hashers import make_password

    from patients.models import Role, User

    secret = make_password(PASSWORD)
    roles = (Role.PSYCHIATRIST, Role.COORDINATOR, Role.ADMINISTRATOR)
    named = [*zip(WHOLE, roles, strict=True)]
    named += [(f"dr.{n:02}", Role.PSYCHIATRIST) for n in range(clinicians)]
    return User.objects.bulk_create(
        User(username=name, role=role, password=secret, first_name="Kim", last_name=name.title())
        for name, role in named
    )


def _patients(rng: np.random.Generator, count: int, users: list[Any]) -> list[Any]:
    """The patients with their zones and care teams."""
    from patients.models import CareTeamMember, Diagnosis, Patient, TimeZoneSpan

    rows = Patient.objects.bulk_create(
        Patient(
            code=f"BC-{n:05}",
            name=f"Person {n}",
            diagnosis=Diagnosis.values[n % len(Diagnosis.values)],
            medication_list_available=bool(rng.random() < 0.8),
        )
        for n in range(count)
    )
    zones = ("America/Toronto", "America/Toronto", "America/Vancouver", "America/Halifax")
    TimeZoneSpan.objects.bulk_create(
        TimeZoneSpan(patient=row, first_day=date(1970, 1, 1), zone=zones[n % 4])
        for n, row in enumerate(rows)
    )
    shares = users[len(WHOLE) :]
    teams = [
        CareTeamMember(patient=row, user=user)
        for n, row in enumerate(rows)
        for user in (*users[:2], *([shares[n % len(shares)]] if shares else []))
    ]
    CareTeamMember.objects.bulk_create(teams, batch_size=5_000)
    return rows


def _recordings(rows: list[Any], last_day: date, days: int) -> None:
    """Minutes, nights and features: of the first patient all days, of the others the last ones."""
    from patients.models import Device
    from scoring.features import features_update
    from tests.people import recording, store

    if not rows:
        return
    store(rows[0], recording(days=days, last_day=last_day))
    features_update(patient=rows[0])
    kind = rows[0].devices.values("source", "name", "kind", "last_data_at").get()
    others = Device.objects.bulk_create(Device(patient=row, **kind) for row in rows[1:])
    _clone(others, last_day - timedelta(days=RECORDED_DAYS - 1))
    Device.objects.bulk_create(
        Device(
            patient=row,
            source=source,
            name=name,
            kind=what,
            last_data_at=kind["last_data_at"] - timedelta(days=(n * 7 + place * 3) % 40),
        )
        for n, row in enumerate(rows)
        for place, (source, name, what) in enumerate(SOURCES[: n % 3])
    )


# What a copy of a row has in place of the first patient's.
PERSON, DEVICE = {'"patient_id"': "new.person"}, {'"device_id"': "new.device"}
CLONED = {
    "patients_recordingday": ("utc_day", DEVICE),
    "patients_resolvedday": ("utc_day", PERSON | {'"devices"': "ARRAY[new.device]"}),
    "patients_sleepepisode": ('"end"', PERSON | DEVICE),
    "scoring_dailyfeatures": ("day", PERSON),
}


def _clone(devices: list[Any], first: date) -> None:
    from django.apps import apps

    tables = {m._meta.db_table: m for m in apps.get_models()}
    to = [d.patient_id for d in devices], [d.pk for d in devices]
    for table, (when, replaced) in CLONED.items():
        fields = tables[table]._meta.concrete_fields
        columns = [f'"{f.column}"' for f in fields if f.column != "id"]
        taken = ", ".join(replaced.get(name, name) for name in columns)
        _sql(
            f"INSERT INTO {table} ({', '.join(columns)}) SELECT {taken} "
            f"FROM {table}, unnest(%s::bigint[], %s::bigint[]) AS new(person, device) "
            f"WHERE {when} >= %s",
            *to,
            first,
        )


def _scores(
    rng: np.random.Generator, rows: list[Any], last_day: date, days: int, explained_days: int
) -> None:
    import json

    from tests import factories

    given = {
        "first": last_day - timedelta(days=days - 1),
        "days": days,
        "unexplained": days - explained_days,
        "depression_why": json.dumps(factories.DEPRESSION_WHY),
        "mania_why": json.dumps(factories.MANIA_WHY),
        "depression_model": factories.model("depression").pk,
        "mania_model": factories.model("mania").pk,
    }
    for start in range(0, len(rows), AT_ONCE):
        batch = rows[start : start + AT_ONCE]
        depression, mania, worn = _courses(rng, len(batch), days)
        _sql_named(
            SCORES,
            given
            | {
                "patients": [row.pk for row in batch],
                "depression": _listed(depression),
                "mania": _listed(mania),
                "worn": _listed(worn),
            },
        )


def _courses(rng: np.random.Generator, people: int, days: int) -> tuple[Any, ...]:
    """Both tracks' probabilities and the coverage, one row a person; NaN where not assessed."""
    shape = (people, days)
    tracks = []
    for _ in range(2):
        usual = rng.uniform(0.04, 0.3, (people, 1))
        swell = 0.08 * np.sin(np.arange(days) / rng.uniform(9, 40, (people, 1)))
        values = usual + swell + rng.normal(0, 0.03, shape)
        rises = rng.random(people) < 0.12
        values[rises, -int(rng.integers(3, 12)) :] += rng.uniform(0.2, 0.6, (int(rises.sum()), 1))
        tracks.append(np.clip(values, 0.01, 0.97).round(4))
    worn = np.clip(rng.normal(0.9, 0.06, shape), 0.31, 1).round(3)
    for person in np.flatnonzero(rng.random(people) < 0.1):
        begin = int(rng.integers(max(1, days - 40), days))
        for values in tracks:
            values[person, begin : begin + int(rng.integers(2, 20))] = np.nan
    tracks[1][rng.random(people) < 0.025] = np.nan
    return (*tracks, worn)


def _listed(values: Any) -> list[float | None]:
    return [None if v != v else v for v in values.ravel().tolist()]


def _clinical(rng: np.random.Generator, rows: list[Any], last_day: date, days: int) -> None:
    """Drugs, a questionnaire a month, and a baseline in force."""
    from patients.models import MedicationCourse, Questionnaire
    from scoring.models import Baseline

    at = datetime.combine(last_day, time(14), UTC)
    MedicationCourse.objects.bulk_create(
        MedicationCourse(
            patient=row,
            drug=DRUGS[n % 3][0],
            drug_class=DRUGS[n % 3][1],
            dose="50 mg/day",
            first_day=last_day - timedelta(days=200 + n % 90),
        )
        for n, row in enumerate(rows)
        if n % 4
    )
    Questionnaire.objects.bulk_create(
        (
            Questionnaire(
                patient=row,
                instrument=instrument,
                taken_at=at - timedelta(days=back + n % 28),
                items=(items := rng.integers(0, 3, length).tolist()),
                total=sum(items),
                source="clinic",
                recorded_by="co.whole",
                recorded_at=at,
                safety_considered_at=at,
            )
            for n, row in enumerate(rows)
            for back in range(0, days, 30)
            for instrument, length in (("phq9", 9), ("asrm", 5))
        ),
        batch_size=5_000,
    )
    values = {
        "time_asleep_hours": {
            "label": "Time asleep", "mean": 7.3, "sd": 0.6, "unit": "h", "n": 28,
        },
    }  # fmt: skip
    Baseline.objects.bulk_create(
        Baseline(
            patient=row,
            version=1,
            state="approved",
            first_day=last_day - timedelta(days=days - 1),
            last_day=last_day - timedelta(days=days - 29),
            days_used=28,
            values=values,
            decided_by="admin.whole",
            decided_at=at,
        )
        for row in rows
    )


def _alerts(rng: np.random.Generator, rows: list[Any], users: list[Any]) -> None:
    """An open alert of each track that is not Low, every third one taken on; follow-ups of some."""
    from django.utils import timezone

    from alerts.models import Alert, AlertTransition, FollowUp
    from alerts.resources import policies, policy_name
    from scoring.models import RiskScore
    from tests.alert_rows import RECOMMENDATION

    now = timezone.now()
    newest = RiskScore.objects.order_by("patient_id", "-day").distinct("patient_id")
    wanted = [
        (score, track, getattr(score, track)["tier"])
        for score in newest.filter(tier__in=("High", "Moderate"))
        for track in ("depression", "mania")
        if getattr(score, track)["tier"] in ("High", "Moderate")
    ]
    made = Alert.objects.bulk_create(
        Alert(
            patient_id=score.patient_id,
            kind=track,
            tier=tier,
            state="new" if n % 3 else "acknowledged",
            score=score,
            recommendation=RECOMMENDATION,
            raised_at=(at := now - timedelta(hours=3 + n % 60)),
            changed_at=at,
            new_since=at,
            due_at=now + timedelta(days=2),
            policy=policies()[policy_name(track, tier)].as_dict(),
        )
        for n, (score, track, tier) in enumerate(wanted)
    )
    AlertTransition.objects.bulk_create(
        AlertTransition(
            alert=alert, event="raised", to_state="new", tier=alert.tier, actor="system",
            reason="high", at=alert.raised_at,
        )
        for alert in made
    )  # fmt: skip
    taken = AlertTransition.objects.bulk_create(
        AlertTransition(
            alert=alert, event="acknowledged", from_state="new", to_state="acknowledged",
            tier=alert.tier, actor="co.whole", at=alert.raised_at + timedelta(hours=1),
        )
        for alert in made
        if alert.state == "acknowledged"
    )  # fmt: skip
    FollowUp.objects.bulk_create(
        FollowUp(
            patient_id=t.alert.patient_id,
            alert=t.alert,
            transition=t,
            due_on=timezone.localdate() + timedelta(days=int(rng.integers(0, 14))),
            promised_by=users[1],
        )
        for t in taken
    )


def _runs(rows: list[Any], last_day: date) -> None:
    """Last night's run is done, so that no page says it is late."""
    from tests import factories

    factories.run(last_day + timedelta(days=1), "done", rows[:1])


def _sql(query: str, *values: Any) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(query, values or None)


def _sql_named(query: str, values: dict[str, Any]) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(query, values)
