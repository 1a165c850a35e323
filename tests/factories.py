"""Builders of rows for tests: plain functions, every value can be given."""

import itertools
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from typing import Any

import numpy as np
from django.utils import timezone

from patients.domain.recording import (
    Channel,
    DeviceKind,
    Family,
    MinuteSeries,
    Recording,
    SleepEpisode,
)
from patients.models import (
    CareTeamMember,
    Circumstance,
    Device,
    DeviceToken,
    Episode,
    MedicationCourse,
    Note,
    Patient,
    Questionnaire,
    Role,
    TimeZoneSpan,
    Upload,
    User,
)
from patients.storage import recordings_store
from scoring.models import (
    Baseline,
    BaselineStretch,
    ModelVersion,
    RiskScore,
    ScoringJob,
    ScoringRun,
)
from scoring.summaries import summaries_refresh
from tests.alert_rows import alert as alert
from tests.alert_rows import follow_up as follow_up
from tests.alert_rows import message as message

ZONE = "America/Toronto"
NIGHTS = 30
_numbers = itertools.count(1)
EDGES = {"depression": (0.5, 0.8), "mania": (0.3, 0.6), "overall": (0.3, 0.7)}


def user(
    role: str = Role.PSYCHIATRIST, username: str = "", password: str = "", **more: Any
) -> User:
    """Somebody who can log in; without a password only by ``force_login``."""
    made = User(username=username or f"user{next(_numbers)}", role=role, **more)
    made.set_password(password) if password else made.set_unusable_password()
    made.save()
    return made


def patient(code: str = "", team: Sequence[User] = (), zone: str = ZONE, **more: Any) -> Patient:
    """A patient with a zone and a care team."""
    made = Patient.objects.create(code=code or f"P-{next(_numbers):03}", **more)
    TimeZoneSpan.objects.create(patient=made, first_day=date(2020, 1, 1), zone=zone)
    for member in team:
        CareTeamMember.objects.create(patient=made, user=member)
    return made


def tier_of(track: str, probability: float) -> str:
    """The tier that DESIGN section 4 gives."""
    moderate, high = EDGES[track]
    return "High" if probability >= high else "Moderate" if probability >= moderate else "Low"


def contribution(
    label: str, value: float, unit: str, usual: float, points: float
) -> dict[str, Any]:
    """One stored contribution."""
    name = label.lower().replace(" ", "_")
    return {
        "name": name,
        "label": label,
        "value": value,
        "unit": unit,
        "usual": usual,
        "points": points,
    }


DEPRESSION_WHY = [
    contribution("Activity on Saturday afternoon", 96, "counts/min", 214, 9.4),
    contribution("Activity in the morning", 61, "counts/min", 132, 5.1),
    contribution("Activity late in the evening", 44, "counts/min", 40, -1.6),
]
MANIA_WHY = [
    contribution("Sleep per night", 4.1, "h", 7.3, 12.2),
    contribution("Estimated melatonin onset (DLMO)", 24.67, "clock hour", 21.58, 6.7),
    contribution("Number of naps", 1.2, "a day", 0.1, 3.0),
    contribution("Unevenness of wakefulness over the day", 0.62, "ratio", 0.58, -2.1),
]


def track(name: str, probability: float | None, coverage: float = 0.93) -> dict[str, Any]:
    """A track as INTERFACES.md names it; None is an unavailable one."""
    if probability is None:
        nights = f"9 of {NIGHTS} nights are too few: 12 are needed."
        share = "21 % of the week was worn: 30 % are needed."
        out: dict[str, Any] = {
            "status": "unavailable",
            "reason": nights if name == "mania" else share,
            "probability": None,
            "tier": "Indeterminate",
            "coverage": 0.21,
            "contributions": [],
        }
    else:
        out = {
            "status": "ok",
            "reason": None,
            "probability": probability,
            "tier": tier_of(name, probability),
            "coverage": coverage,
            "contributions": MANIA_WHY if name == "mania" else DEPRESSION_WHY,
        }
    if name == "mania":
        parts = (None, None) if probability is None else (probability * 0.4, probability * 0.6)
        out |= {"mania_probability": parts[0], "hypomania_probability": parts[1]}
    return out


def model(name: str = "depression", trained_on: str = "simulated", **facts: Any) -> ModelVersion:
    """A model version, made once per name."""
    row, _ = ModelVersion.objects.get_or_create(
        sha256=sha256(f"{name} {trained_on}".encode()).hexdigest(),
        defaults={
            "track": name,
            "version": f"{name}-{trained_on}-1",
            "trained_on": trained_on,
            "facts": facts
            or {
                name: {
                    "file": f"{name}.h5",
                    "sha256": "ab" * 32,
                    "trained_on": trained_on,
                    "training": {"people": 400, "calibrator": {"slope": 1.5, "intercept": 0.2}},
                    "metrics": {"auroc": 0.81234, "people": 90},
                    "licence": "the project’s",
                }
            },
        },
    )
    return row


def score(
    who: Patient, day: date, depression: float | None = 0.2, mania: float | None = 0.1, **more: Any
) -> RiskScore:
    """A decision: equal weights, or the one track's own; None and None is Indeterminate."""
    made = _score(who, day, depression, mania, **more)
    summaries_refresh(patients=[who.pk])
    return made


def _score(
    who: Patient, day: date, depression: float | None = 0.2, mania: float | None = 0.1, **more: Any
) -> RiskScore:
    known = [p for p in (depression, mania) if p is not None]
    probability = sum(known) / len(known) if known else None
    tier = "Indeterminate" if probability is None else tier_of("overall", probability)
    if tier == "Low" and (depression or 0) >= EDGES["depression"][1]:
        tier = "Moderate"
    if (mania or 0) >= EDGES["mania"][1]:
        tier = "High"  # the floor of DESIGN section 4
    if len(known) == 1:
        name = "mania" if depression is None else "depression"
        tier = tier_of(name, known[0])
    values: dict[str, Any] = {
        "tier": tier,
        "probability": probability,
        "depression": track("depression", depression),
        "mania": track("mania", mania),
        "weights": {"depression": 0.5, "mania": 0.5}
        if len(known) == 2
        else {"depression": None, "mania": None},
        "reasons": [{"code": "agreement", "text": "Both tracks weigh the same: 50 % each."}]
        if len(known) == 2
        else [{"code": "availability", "text": "Not every track has data."}],
        "inputs_sha256": "0" * 64,
        "context": {},
        "rules_version": "0" * 64,
        "scored_at": min(
            datetime.combine(day + timedelta(days=1), time(8, 14), UTC),
            timezone.now() - timedelta(hours=3),  # what came of it is past too, early in the day
        ),
        "depression_model": model("depression"),
        "mania_model": model("mania"),
    }
    return RiskScore.objects.create(patient=who, day=day, **(values | more))


Curve = Callable[[int], float | None]


def history(
    who: Patient, last_day: date, days: int, depression: Curve, mania: Curve
) -> list[RiskScore]:
    """Decisions of the days up to last_day; the curves get days before the last."""
    back = range(days - 1, -1, -1)
    made = [_score(who, last_day - timedelta(days=b), depression(b), mania(b)) for b in back]
    summaries_refresh(patients=[who.pk])
    return made


def recording(who: Patient, last_day: date, days: int, seed: int = 0, gap: int = 0) -> None:
    """Activity counts and nightly sleep; ``gap`` hours of each third day are missing."""
    rng = np.random.default_rng(seed)
    minutes, nights = [], []
    for back in range(days - 1, -2, -1):
        day = last_day - timedelta(days=back)
        hours = (np.arange(1440) / 60 - 5) % 24  # Toronto's winter clock
        awake = (hours > 7) & (hours < 23)
        swell = 120 + 140 * np.sin((hours - 7) / 16 * np.pi)
        values = np.where(
            awake, rng.gamma(1.4, np.maximum(swell, 10) / 1.4), rng.gamma(0.3, 9, 1440)
        )
        if gap and back % 3 == 1:
            values[600 : 600 + gap * 60] = np.nan
        minutes.append(np.rint(values).astype(np.float32))
        start = datetime.combine(day, time(4, 0), UTC) + timedelta(
            minutes=int(rng.integers(-40, 60))
        )
        asleep = float(rng.integers(330, 470))
        end = start + timedelta(minutes=asleep + 25)
        nights.append(SleepEpisode(start, end, asleep, 25.0, log_id=start.isoformat()))
    begin = datetime.combine(last_day - timedelta(days=days - 1), time.min, UTC)
    series = MinuteSeries(Channel.ACTIVITY, "counts/min", begin, np.concatenate(minutes))
    wrist = Recording(
        "actlumus", "ActLumus 205", Family.ACTIWATCH_COUNTS, (series,), kind=DeviceKind.ACTIGRAPH
    )
    band = Recording("fitbit", "Fitbit", None, (), tuple(nights))
    recordings_store(
        patient=who,
        recordings=[wrist, band],
        file_sha256=f"{who.code}-{seed}-{last_day}",
        zone="America/Toronto",
        by="test",
    )


def baseline(who: Patient, state: str = "approved", version: int = 1, **more: Any) -> Baseline:
    """A baseline with a few features."""
    values = {
        name: {"label": label, "mean": mean, "sd": sd, "unit": unit, "n": 28}
        for name, label, mean, sd, unit in (
            ("time_asleep_hours", "Time asleep", 7.31, 0.62, "h"),
            ("onset_minutes", "Sleep onset", -40.0, 25.0, "min from midnight"),
            ("dlmo_hour", "Estimated melatonin onset (DLMO)", 21.58, 0.4, "clock hour"),
            ("steps", "Steps", 6843.0, 2210.0, "a day"),
        )
    }
    decided = {"decided_by": "admin", "decided_at": datetime(2026, 10, 2, 14, tzinfo=UTC)}
    given: dict[str, Any] = {
        "first_day": date(2026, 9, 1),
        "last_day": date(2026, 9, 30),
        "days_used": 28,
        "values": values,
        **(decided if state == "approved" else {}),
    }
    return Baseline.objects.create(patient=who, version=version, state=state, **given | more)


def stretch(who: Patient, kind: str = "ill", **more: Any) -> BaselineStretch:
    """Days that somebody marked."""
    given: dict[str, Any] = {
        "first_day": date(2026, 9, 10),
        "last_day": date(2026, 9, 12),
        "reason": "Flu.",
        "marked_by": "admin",
        "marked_at": datetime(2026, 10, 2, 14, tzinfo=UTC),
    }
    return BaselineStretch.objects.create(patient=who, kind=kind, **given | more)


def medication(
    who: Patient, drug: str = "sertraline", drug_class: str = "ssri", **more: Any
) -> Any:
    """A course that began long ago."""
    values = {"dose": "50 mg/day", "first_day": date(2026, 1, 5)} | more
    return MedicationCourse.objects.create(patient=who, drug=drug, drug_class=drug_class, **values)


PHQ9 = (2, 1, 2, 1, 1, 2, 1, 1, 0)


def questionnaire(who: Patient, items: Sequence[int] = PHQ9, **more: Any) -> Questionnaire:
    """A PHQ-9 that a clinician recorded long ago; its item on self-harm is 0 unless given."""
    taken = datetime(2026, 2, 3, 9, 0, tzinfo=UTC)
    values = {"instrument": "phq9", "taken_at": taken, "total": sum(items), "source": "clinic"}
    values |= {"items": list(items), "recorded_by": "dr", "recorded_at": taken} | more
    return Questionnaire.objects.create(patient=who, **values)


def episode(who: Patient, kind: str = "depression", **more: Any) -> Episode:
    """A recorded mood episode that goes on."""
    values = {"first_day": date(2026, 1, 5), "recorded_by": "dr", "recorded_at": timezone.now()}
    return Episode.objects.create(patient=who, kind=kind, **(values | more))


def note(who: Patient, kind: str = "note", **more: Any) -> Note:
    """A note, or a telephone call with the patient."""
    now = timezone.now()
    values = {"text": "Seen today.", "at": now, "author": "dr", "written_at": now}
    if kind == "contact":
        values |= {"channel": "phone", "person": "patient", "outcome": "reached"}
    return Note.objects.create(patient=who, kind=kind, **values | more)


def circumstance(who: Patient, kind: str = "shift_work", **more: Any) -> Circumstance:
    """Something that goes on since long ago."""
    values = {"first_day": date(2026, 1, 5), "recorded_by": "test", "recorded_at": timezone.now()}
    return Circumstance.objects.create(patient=who, kind=kind, **values | more)


def device_token(who: Patient, label: str = "band 12") -> DeviceToken:
    """A token that opens nothing, because nobody knows its text."""
    return DeviceToken.objects.create(
        patient=who,
        label=label,
        token_sha256=sha256(f"{who.code} {label}".encode()).hexdigest(),
        created_by="test",
        created_at=datetime(2026, 10, 2, 14, tzinfo=UTC),
    )


def device(who: Patient, name: str = "Watch") -> Device:
    """A device without data."""
    return Device.objects.create(patient=who, source="vendor", name=name, kind="watch")


def run(
    night: date, state: str = "done", who: Sequence[Patient] = (), failed: int = 0
) -> ScoringRun:
    """A nightly run with one job a patient, the first ones failed."""
    begun = datetime.combine(night, time(8), UTC)
    made = ScoringRun.objects.create(
        night=night,
        state=state,
        queued_at=begun,
        started_at=begun,
        finished_at=begun + timedelta(minutes=9) if state in {"done", "failed"} else None,
    )
    for at, one in enumerate(who):
        bad = at < failed
        ScoringJob.objects.create(
            run=made,
            patient=one,
            state="failed" if bad else "done",
            attempts=3 if bad else 1,
            reason="The model file is missing." if bad else "",
        )
    return made


def upload(who: Patient, **more: Any) -> Upload:
    """The receipt of a file that waits to be read."""
    given = {"uploaded_by": "somebody", "body_sha256": "0" * 64, "source": "auto", "zone": ZONE}
    return Upload.objects.create(patient=who, received_at=timezone.now(), **given | more)
