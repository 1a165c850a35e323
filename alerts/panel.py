"""The panel's reads: whose row comes first, and all of a row in one query.

A score's part of a row is its summary (scoring/summaries.py); drugs, devices, alerts, promises and
questionnaires are read as they stand. Filtering and sorting happen in SQL.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import (
    BooleanField,
    Case,
    Count,
    DateField,
    Exists,
    ExpressionWrapper,
    F,
    IntegerField,
    Max,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce, Concat, JSONObject, NullIf, Trim
from django.utils import timezone

from alerts.domain.history import TAKEN_ON
from alerts.domain.panel import PANEL_DAYS, Wanted
from alerts.models import (
    OPEN_STATES,
    AbsenceNotice,
    Alert,
    AlertKind,
    AlertState,
    AlertTransition,
    FollowUp,
)
from alerts.panel_versions import version_of, versions
from patients.models import (
    CareTeamMember,
    Device,
    MedicationCourse,
    Patient,
    Questionnaire,
    TimeZoneSpan,
    User,
)
from patients.resources import medication_rules
from patients.selectors import patients_visible_to
from scoring.models import ScoreSummary, Tier
from scoring.selectors import nights_done

TIERS = (Tier.HIGH, Tier.MODERATE, Tier.INDETERMINATE, Tier.LOW)
HELD = (AlertState.ACKNOWLEDGED, AlertState.SNOOZED)
OF_PATIENT = OuterRef("pk")
# As str(User): the name that a person gave, else the user name.
FULL_NAME = Coalesce(
    NullIf(Trim(Concat("first_name", Value(" "), "last_name")), Value("")), F("username")
)
NOT_KNOWN = 10  # the urgency of an Indeterminate day without any track
PHQ, ASRM = ("phq8", "phq9"), ("asrm",)


@dataclass(frozen=True)
class Asker:
    """For whom and when the panel is drawn; ``before``: the last visit, None at the first."""

    user: User | AnonymousUser
    now: datetime
    before: datetime | None = None

    @classmethod
    def of(cls, user: User, now: datetime) -> "Asker":
        """What has changed is told since ``before``."""
        return cls(user, now, last_visit(user, now))


VISIT_GAP = timedelta(hours=1)


def last_visit(user: User, now: datetime) -> datetime | None:
    """Until when the user looked last time: an hour without a look begins another visit."""
    if user.panel_seen_at and now - user.panel_seen_at > VISIT_GAP:
        return user.panel_seen_at
    return user.panel_before


def _of(model: Any, **conditions: Any) -> QuerySet[Any]:
    return model.objects.filter(patient=OF_PATIENT, **conditions).order_by()


def _open_alerts(**conditions: Any) -> QuerySet[Alert]:
    return _of(Alert, state__in=OPEN_STATES, **conditions)


def holder_of(alert: str) -> Subquery:
    """Who took the alert on last, without what was taken back: an undoing follows its act."""
    later = AlertTransition.objects.filter(alert=OuterRef("alert"), id__gt=OuterRef("id"))
    next_event = Subquery(later.order_by("id").values("event")[:1])
    taken = AlertTransition.objects.filter(alert=OuterRef(alert), event__in=TAKEN_ON)
    kept = taken.annotate(then=Coalesce(next_event, Value(""))).exclude(then="undone")
    return Subquery(kept.order_by("-id").values("actor")[:1])


def _held_alerts() -> QuerySet[Any]:
    return _of(Alert, state__in=HELD).annotate(holder=holder_of("pk"))


def _courses(now: datetime) -> QuerySet[MedicationCourse]:
    """What is taken on the clinic's day."""
    today = timezone.localdate(now)
    rows = _of(MedicationCourse, entered_in_error=False, first_day__lte=today)
    return rows.filter(Q(last_day=None) | Q(last_day__gte=today))


def _is_recent(now: datetime) -> Q:
    """Whether the newest score is of the last 30 days."""
    return Q(summary__day__gte=oldest_day(now))


def oldest_day(now: datetime) -> date:
    """No older score is shown."""
    return timezone.localdate(now) - timedelta(days=PANEL_DAYS)


def summary_of(patient: Patient, now: datetime) -> ScoreSummary | None:
    """The summary where it is of the last 30 days; without a query of one of ``panel_page``."""
    found: ScoreSummary | None = getattr(patient, "summary", None)
    return found if found and found.day >= oldest_day(now) else None


def _is_past() -> Q:
    """Whether the last night scored a later day than the newest score is of."""
    night = Subquery(nights_done()[:1])
    scored = ExpressionWrapper(night - timedelta(days=1), output_field=DateField())
    return Q(summary__day__lt=scored)


def stands(patient: Any, now: datetime) -> ScoreSummary | None:
    """The summary where it says how it is now; a Low that is past does not say so."""
    found = summary_of(patient, now)
    return None if found and patient.tier_now != found.tier else found


def _tier(now: datetime) -> Case:
    """As the summary says; of a Low that is past nothing is known."""
    return Case(
        When(_is_recent(now) & ~_was_low(), then=F("summary__tier")),
        default=Value(str(Tier.INDETERMINATE)),
    )


def _was_low() -> Q:
    return Q(summary__tier=Tier.LOW, is_past=True)


def condition(wanted: Wanted, asker: Asker) -> Q:
    """Which of the visible patients are wanted; of those from ``_with_tier``."""
    found = Q()
    for name, value in wanted.filters():
        found &= CONDITIONS[name](value, asker)
    return found


def _track(value: str, asker: Asker) -> Q:
    recent = _is_recent(asker.now)
    if value == "unassessed":
        return Q(~recent) | Q(summary__depression_tier="") | Q(summary__mania_tier="")
    if value == "rising":
        return recent & (Q(summary__depression_change__gte=5) | Q(summary__mania_change__gte=5))
    return recent & Q(**{f"summary__{value}_tier__in": (Tier.HIGH, Tier.MODERATE)})


def _alert(value: str, asker: Asker) -> Q:
    me = getattr(asker.user, "username", "")
    found = {
        "waiting": lambda: Exists(_open_alerts(state=AlertState.NEW)),
        "mine": lambda: Exists(_held_alerts().filter(holder=me)),
        "others": lambda: Exists(_held_alerts().exclude(holder=me)),
        "snoozed": lambda: Exists(_open_alerts(state=AlertState.SNOOZED)),
        "none": lambda: ~Exists(_open_alerts()),
        "follow-up": lambda: Exists(
            _of(FollowUp, state=FollowUp.State.OPEN, due_on__lte=timezone.localdate(asker.now))
        ),
    }
    return Q(found[value]())


def _drug(value: str, asker: Asker) -> Q:
    if value == "unavailable":
        return Q(medication_list_available=False)
    courses = _courses(asker.now)
    if value == "none":
        return Q(medication_list_available=True) & Q(~Exists(courses))
    rules = medication_rules()
    classes = {
        "antidepressant": rules.antidepressants,
        "stabiliser": rules.mood_stabilisers,
    }.get(value, (value,))
    return Q(Exists(courses.filter(drug_class__in=list(classes))))


def _team(value: str, asker: Asker) -> Q:
    """``me``, ``role:…`` or a username."""
    if value == "me":
        return Q(Exists(_of(CareTeamMember, user=asker.user.pk)))
    if value.startswith("no:"):
        return Q(~Exists(_of(CareTeamMember, user__role=value[3:])))
    return Q(Exists(_of(CareTeamMember, user__username=value)))


def _data(value: str, asker: Asker) -> Q:
    if value == "stopped":
        return Q(Exists(_of(AbsenceNotice, closed_at=None)))
    devices = _of(Device, last_data_at__lte=asker.now + timedelta(days=1))
    if value == "never":
        return Q(~Exists(devices))
    midnight = timezone.make_aware(datetime.combine(timezone.localdate(asker.now), time.min))
    since = midnight - timedelta(days=int(value))
    return Q(Exists(devices)) & Q(~Exists(devices.filter(last_data_at__gte=since)))


def _changed(_: str, asker: Asker) -> Q:
    """The overall tier, or an alert by somebody else's hand or by itself, since the last visit."""
    if asker.before is None:
        return Q(pk__in=())
    acts = AlertTransition.objects.filter(alert__patient=OF_PATIENT, at__gt=asker.before)
    others = acts.exclude(actor=getattr(asker.user, "username", ""))
    return Q(summary__moved_at__gt=asker.before) | Q(Exists(others))


CONDITIONS = {
    "tier": lambda value, asker: Q(tier_now=value),
    "track": _track,
    "alert": _alert,
    "drug": _drug,
    "team": _team,
    "data": _data,
    "diagnosis": lambda value, asker: Q(diagnosis=value),
    "changed": _changed,
    "q": lambda value, asker: Q(code__icontains=value),
}


def visible(asker: Asker) -> QuerySet[Patient]:
    """The user's patients with the tier that is shown: none older than 30 days is, and no Low
    that is of an earlier day than last night scored.
    """
    past = ExpressionWrapper(_is_past(), output_field=BooleanField())
    known = patients_visible_to(asker.user).annotate(is_past=Coalesce(past, Value(False)))
    return known.annotate(tier_now=_tier(asker.now))


def _order(sort: str, now: datetime) -> list[str | Combinable]:
    """By urgency: a safety notice that nobody has, the overall tier, the higher track tier,
    an alert that nobody has, the probability.
    """
    code = F("code").asc()
    newest = Subquery(_of(Device).values("patient").annotate(at=Max("last_data_at")).values("at"))
    by_name: dict[str, list[Any]] = {
        "code": [code],
        "depression": [F("summary__depression_probability").desc(nulls_last=True), code],
        "mania": [F("summary__mania_probability").desc(nulls_last=True), code],
        "data": [newest.asc(nulls_first=True), code],
        "follow-up": [Subquery(_next_follow_up()).asc(nulls_last=True), code],
    }
    rank = Case(
        When(_is_recent(now) & ~_was_low(), then=F("summary__urgency")),
        default=Value(NOT_KNOWN),
        output_field=IntegerField(),
    )
    waiting = _open_alerts(state=AlertState.NEW)
    urgent = [
        Exists(waiting.filter(kind=AlertKind.SAFETY)).desc(),
        rank.desc(),
        Exists(waiting.exclude(kind=AlertKind.DATA)).desc(),
        F("summary__probability").desc(nulls_last=True),
        code,
    ]
    return by_name.get(sort, urgent)


def _next_follow_up() -> QuerySet[Any]:
    rows = _of(FollowUp, state=FollowUp.State.OPEN).values("patient")
    return rows.annotate(due=Min("due_on")).values("due")


def panel_page(asker: Asker, wanted: Wanted) -> QuerySet[Patient]:
    """The wanted patients in order, each with all that a row shows; slice it. One query."""
    rows = visible(asker).filter(condition(wanted, asker))
    return (
        rows.select_related("summary")
        .annotate(
            alerts_now=ArraySubquery(_alerts_shown()),
            devices_now=ArraySubquery(_devices_shown()),
            drugs_now=ArraySubquery(_courses(asker.now).values("drug_class").distinct()),
            phq=_questionnaire(PHQ),
            asrm=_questionnaire(ASRM),
            follow_up=Subquery(_next_follow_up()),
            zone=Subquery(_of(TimeZoneSpan).order_by("-first_day").values("zone")[:1]),
            stopped_since=Subquery(_of(AbsenceNotice, closed_at=None).values("since")),
        )
        .order_by(*_order(wanted.sort, asker.now))
    )


def _alerts_shown() -> QuerySet[Any]:
    held = _open_alerts().annotate(
        holder=Case(When(state__in=HELD, then=holder_of("pk")), default=Value(""))
    )
    shown = JSONObject(
        id="id", kind="kind", tier="tier", state="state", level="level", raised_at="raised_at",
        changed_at="changed_at", due_at="due_at", holder="holder", holder_name=_holder_name(),
    )  # fmt: skip
    high_first = Case(When(tier=Tier.HIGH, then=0), When(tier=Tier.MODERATE, then=1), default=2)
    return held.order_by(high_first, "raised_at").values(shown=shown)


def _holder_name() -> Combinable:
    """Of somebody who is gone, the user name."""
    people = User.objects.filter(username=OuterRef("holder")).order_by()
    return Coalesce(Subquery(people.values(whole=FULL_NAME)[:1]), F("holder"))


def _devices_shown() -> QuerySet[Any]:
    rows = _of(Device).order_by(F("place").asc(nulls_last=True), "kind", "name")
    return rows.values(shown=JSONObject(name="name", at="last_data_at"))


def _questionnaire(instruments: tuple[str, ...]) -> Subquery:
    rows = _of(Questionnaire, entered_in_error=False, instrument__in=instruments)
    newest = rows.order_by("-taken_at", "-pk")
    shown = JSONObject(instrument="instrument", total="total", at="taken_at")
    return Subquery(newest.values(shown=shown)[:1])


@dataclass(frozen=True)
class Counts:
    """How many of the user's patients there are, by tier, and in each view; and who else cares."""

    total: int
    tiers: dict[str, int]
    views: tuple[int, ...]
    matching: int
    scores_day: Any
    colleagues: dict[str, str]
    version: str


def panel_counts(asker: Asker, wanted: Wanted, views: list[Wanted]) -> Counts:
    """Everything that is counted, in one query."""
    found = visible(asker).aggregate(
        total=Count("pk"),
        matching=Count("pk", filter=condition(wanted, asker)),
        scores_day=Max("summary__day"),
        # One array, the same for every row; this way it takes no query of its own.
        colleagues=Max(ArraySubquery(_colleagues(asker.user))),
        **versions(asker.user),
        **{f"tier_{n}": Count("pk", filter=Q(tier_now=tier)) for n, tier in enumerate(TIERS)},
        **{f"view_{n}": Count("pk", filter=condition(view, asker)) for n, view in enumerate(views)},
    )
    return Counts(
        total=found["total"],
        tiers={str(tier): found[f"tier_{n}"] for n, tier in enumerate(TIERS)},
        views=tuple(found[f"view_{n}"] for n in range(len(views))),
        matching=found["matching"],
        scores_day=found["scores_day"],
        colleagues={one["key"]: one["name"] for one in found["colleagues"] or ()},
        version=version_of(found, timezone.localdate(asker.now)),
    )


def _colleagues(user: User | AnonymousUser) -> QuerySet[Any]:
    """Who else is on the team of any of these patients."""
    shared = CareTeamMember.objects.filter(
        user=OuterRef("pk"), patient__in=patients_visible_to(user).values("pk")
    )
    rows = User.objects.filter(Exists(shared), is_active=True).exclude(pk=user.pk or 0)
    return rows.order_by("username").values(pair=JSONObject(key="username", name=FULL_NAME))


def panel_version(asker: Asker) -> str:
    """A text that changes when anything that rows show does; one query."""
    found = patients_visible_to(asker.user).aggregate(**versions(asker.user))
    return version_of(found, timezone.localdate(asker.now))
