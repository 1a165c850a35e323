"""Reads about features, scores and runs."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from django.conf import settings
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from patients.domain.days import ZoneHistory
from patients.domain.recording import SleepEpisode
from patients.medications import list_known
from patients.models import MedicationCourse, Patient
from patients.selectors import (
    ChannelDay,
    channel_days_of,
    joined_minutes,
    recorded_span,
    sleep_between_of,
    zone_histories,
    zone_history,
)
from scoring.domain.baselines import history_span
from scoring.domain.circumstances import Circumstance, Span, circumstances_on
from scoring.domain.router import Antidepressant
from scoring.domain.types import DayFeatures, PersonData
from scoring.domain.vector_names import BODY_NAMES
from scoring.engines.artifacts import SIMULATED
from scoring.engines.assess import COMBINATION_LOST
from scoring.engines.models import Models
from scoring.models import (
    DailyFeatures,
    ModelVersion,
    RiskScore,
    ScoringJob,
    ScoringRun,
    Track,
)
from scoring.resources import circumstance_rules, models

DAY = timedelta(days=1)
ANTIDEPRESSANTS_OF_THE_ROUTER = (
    MedicationCourse.DrugClass.SSRI,
    MedicationCourse.DrugClass.SNRI,
)


def person_data(patient: Patient, first: date, last: date) -> PersonData:
    """The patient's recordings of the local days from first to last."""
    [(_, person)] = person_windows([patient], last, last, (last - first).days)[patient.pk]
    return person


def person_windows(
    patients: Sequence[Patient],
    first: date,
    last: date,
    days_before: int,
    zones: Mapping[int, ZoneHistory] | None = None,
) -> dict[int, Iterator[tuple[date, PersonData]]]:
    """For each patient's key and local day from first to last, what was recorded then and so
    many days before.

    A day's window is the same however many days are asked for: which sources and units are in
    it does not depend on what lies outside.
    """
    zones = zones or zone_histories(patients)
    low, high = _utc_days(first - timedelta(days=days_before), last)
    recorded = channel_days_of(patients, low, high)
    sleep = sleep_between_of(patients, _midnight(low), _midnight(high + DAY))
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return {
        p.pk: _windows(zones[p.pk], days, days_before, recorded[p.pk], sleep[p.pk])
        for p in patients
    }


def _windows(
    zones: ZoneHistory,
    days: Sequence[date],
    days_before: int,
    recorded: Sequence[ChannelDay],
    sleep: Sequence[SleepEpisode],
) -> Iterator[tuple[date, PersonData]]:
    for day in days:
        low, high = _utc_days(day - timedelta(days=days_before), day)
        begin, end = _midnight(low), _midnight(high + DAY)
        series, family = joined_minutes(
            [d for d in recorded if low <= d.utc_day <= high], low, high
        )
        slept = tuple(e for e in sleep if e.end > begin and e.start < end)
        yield day, PersonData.of(zones, series, family, slept)


def _utc_days(first: date, last: date) -> tuple[date, date]:
    # A local day lies within the UTC days beside it, whatever the zone.
    return first - DAY, last + DAY


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)


def features_between(patient: Patient, first: date, last: date) -> list[DayFeatures]:
    """Stored features of the days from first to last."""
    rows = DailyFeatures.objects.filter(patient=patient, day__range=(first, last))
    return [DayFeatures.from_dict(row.values) for row in rows.order_by("day")]


class NightRow(NamedTuple):
    """The part of a day's features that the mania model's vector is made of."""

    day: date
    night_present: bool
    indexes: tuple[float | None, ...]
    activity: Mapping[str, object] = MappingProxyType({})
    heart: Mapping[str, object] = MappingProxyType({})


BODY = [f"values__{group}__{key}" for group, key in BODY_NAMES.values()]


def nights_between(
    patients: Sequence[Patient], first: date, last: date
) -> dict[int, list[NightRow]]:
    """The nights of the days from first to last, by the patient's key; much less to read than
    all their features.
    """
    found: dict[int, list[NightRow]] = {patient.pk: [] for patient in patients}
    rows = DailyFeatures.objects.filter(patient__in=found, day__range=(first, last))
    for key, day, present, indexes, *body in rows.order_by("day").values_list(
        "patient_id", "day", "values__night_present", "values__indexes", *BODY
    ):
        groups: dict[str, dict[str, object]] = {"activity": {}, "heart": {}}
        for (group, name), value in zip(BODY_NAMES.values(), body, strict=True):
            groups[group][name] = value
        found[key].append(NightRow(day, present, tuple(indexes), **groups))
    return found


def last_full_day(patient: Patient, minutes_needed: int) -> date | None:
    """The last local day with at least so many recorded minutes, by its stored features."""
    rows = DailyFeatures.objects.filter(
        patient=patient, values__recorded_minutes__gte=minutes_needed
    )
    return rows.order_by("-day").values_list("day", flat=True).first()


def antidepressant_state(patient: Patient, day: date) -> Antidepressant:
    """Whether an SSRI or SNRI is active that day; a missing list is never read as none.

    Nor is a drug of a class that nobody has said yet.
    """
    if not patient.medication_list_available:
        return Antidepressant.UNAVAILABLE
    active: Sequence[MedicationCourse] = [
        course
        for course in patient.medications.all()
        if course.drug_class in ANTIDEPRESSANTS_OF_THE_ROUTER and course.active_on(day)
    ]
    if active:
        return Antidepressant.ACTIVE
    return Antidepressant.NONE if list_known(patient, day) else Antidepressant.UNAVAILABLE


def circumstances_of(patient: Patient, day: date) -> tuple[Circumstance, ...]:
    """What goes on in the patient's life that counts on that day."""
    spans = (Span(c.kind, c.first_day, c.last_day) for c in patient.circumstances.all())
    return circumstances_on(spans, day, circumstance_rules())


CIRCUMSTANCES = "circumstances"  # in a score's context, where one counted on its day


def circumstances_kept(score: RiskScore) -> tuple[Circumstance, ...]:
    """As they were recorded when it was scored; a score without any had none that counted."""
    kept = (score.context or {}).get(CIRCUMSTANCES, {}).get("spans", [])
    return circumstances_on(map(Span.from_dict, kept), score.day, circumstance_rules())


def depression_history(patient: Patient, day: date, model: ModelVersion) -> list[float]:
    """The depression outputs of that model with which the day's is compared, one a scored day."""
    rows = patient.scores.filter(
        is_current=True, depression_model=model, day__range=history_span(day)
    )
    known = rows.filter(depression__status="ok").order_by("day")
    return list(known.values_list("depression__probability", flat=True))


def recorded_days(patient: Patient) -> tuple[date, date] | None:
    """First and last local day with any minute or any night."""
    span = recorded_span(patient)
    if span is None:
        return None
    zones = zone_history(patient)
    return zones.local_day(span[0]), zones.local_day(span[1])


def models_in_use(instead: ModelVersion | None = None) -> Models:
    """The shipped models, or the promoted one in place of a track's; or ``instead`` of its.

    Read from the database each time, so that a promotion counts from the next day scored.
    """
    promoted = ModelVersion.objects.filter(state=ModelVersion.State.CURRENT).exclude(folder="")
    versions = [*promoted, *([instead] if instead else [])]
    return models(**{version.track: version.source for version in versions})


def deciding_folders() -> dict[str, Path]:
    """Where the promoted models lie, by track; a track that the shipped one decides is not in."""
    promoted = ModelVersion.objects.filter(state=ModelVersion.State.CURRENT).exclude(folder="")
    return {track: Path(folder) for track, folder in promoted.values_list("track", "folder")}


def research_use() -> bool:
    """Whether a model in use was trained on simulated people, or one whose scores are kept.

    Trends reach back to scores of models that decide no more. True as well where the models in
    use cannot be read.
    """
    if models_in_use().are_simulated:
        return True
    simulated = list(ModelVersion.objects.filter(trained_on=SIMULATED).values_list("pk", flat=True))
    scores = RiskScore.objects.filter(is_current=True)
    return bool(simulated) and any(
        scores.filter(**{f"{track}_model__in": simulated}).exists() for track in Track.values
    )


def model_failures() -> dict[str, int]:
    """Days scored since the latest run began on which a model failed, by track, and those on
    which the combination's calibrator was lost.
    """
    began = ScoringRun.objects.order_by("-queued_at").values_list("queued_at", flat=True).first()
    rows = RiskScore.objects.filter(is_current=True, model_failed=True)
    rows = rows.filter(scored_at__gte=began) if began else rows.none()
    failed = {track: Q(**{f"{track}__failed": True}) for track in Track.values}
    failed["combination"] = Q(reasons__contains=[{"code": COMBINATION_LOST.code}])
    counts = {name: Count("pk", filter=which) for name, which in failed.items()}
    return rows.order_by().aggregate(**counts)


def nights_done() -> QuerySet[Any, date]:
    """The nights of the runs that finished, newest first."""
    done = ScoringRun.objects.filter(state=ScoringRun.State.DONE)
    return done.order_by("-night").values_list("night", flat=True)


def scores_as_of() -> date | None:
    """The day that the last finished run scored: the one before its night."""
    night = nights_done().first()
    return night - timedelta(days=1) if night else None


def night_due(now: datetime) -> date:
    """The latest night whose run should have finished by now, in the clinic's zone."""
    local = timezone.localtime(now)
    today = local.date()
    due = local.time() >= time(settings.NIGHTLY_DONE_BY_HOUR)
    return today if due else today - timedelta(days=1)


def run_notice(now: datetime) -> str | None:
    """What every page must say while last night's run has not finished, else None."""
    finished = scores_as_of()
    due = night_due(now)
    if finished is not None and finished >= due - timedelta(days=1):
        return None
    if finished is None:
        return "No nightly run has finished yet: scores may be missing."
    failed = ScoringJob.objects.filter(
        run__night=due, run__state=ScoringRun.State.FAILED, state=ScoringRun.State.FAILED
    ).count()
    what = f"failed for {failed} patients" if failed else "has not finished"
    return (
        f"Scores are of {finished:%-d %B %Y}: the run of {due:%-d %B %Y} {what}. "
        "Operations have been told."
    )
