"""How the panel looks: one line a patient, made so that the template has little to do."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from html import escape
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext as _

from alerts.domain.states import NEW, SNOOZED
from alerts.domain.who_may import NO, REQUEST, alert_class, answer
from alerts.models import AlertKind
from alerts.panel import Asker, summary_of
from alerts.presenters.panel_cells import (
    alert_cell,
    alert_line,
    spans,
    spark,
    state_words,
    stopped_chip,
    time_cell,
    track_cell,
)
from alerts.presenters.words import span
from clarity_site.said import said_again
from patients.models import Diagnosis, MedicationCourse, User
from patients.presenters import freshness, in_zone
from patients.resources import instruments, medication_rules
from patients.templatetags.clarity import day as day_words
from patients.templatetags.clarity import on_pointing, pill, zone_letters
from scoring.domain.points import SPARK_DAYS, is_above
from scoring.models import ScoreSummary, Tier, Track
from scoring.presenters.tracks import STEADY_POINTS, coverage_words
from scoring.resources import router_rules

FRESH_ENOUGH = 300  # days: then a date needs no year


@dataclass(frozen=True, slots=True)
class PanelLine:
    """One patient, ready for the template."""

    code: str
    name: str
    diagnosis: str
    address: str
    tier: str
    is_urgent: bool
    pill: SafeString
    dated: str
    why: str
    changed: str
    depression: SafeString
    mania: SafeString
    alerts: SafeString
    totals: SafeString
    flags: SafeString
    chips: SafeString
    pick: str
    follow_up: str
    is_due: bool


class Lines:
    """Makes lines for one user at one moment; what is alike in many rows is made once."""

    def __init__(self, asker: Asker, scores_day: date | None) -> None:
        self.asker, self.scores_day = asker, scores_day
        self.role = asker.user.role if isinstance(asker.user, User) else ""
        # Looking a text up costs more than all else of a row: once for all rows is enough.
        self.said: Callable[[str], str] = cache(gettext)
        self.record = reverse("patient", args=["0"])
        self.data = reverse("patient-data", args=["0"])
        self.acknowledge = reverse("alert-acknowledge", args=[0])
        self.pill: Callable[[str], SafeString] = cache(lambda tier: pill(tier, _(tier)))
        self.day: Callable[[date], str] = cache(self._day)
        self.take, self.new, self.week = _("Acknowledge"), _("new"), _("in 7 days")
        self.not_assessed = _("Not assessed")
        self.none, self.by_rule = _("none"), _("by an early-warning rule")
        self.kinds = {kind.value: str(kind.label) for kind in AlertKind}
        self.tiers = {tier.value: _(tier.value) for tier in Tier}
        self.labels = {track.value: str(track.label) for track in Track}
        self.classes = {c.value: str(c.label) for c in MedicationCourse.DrugClass}
        self.diagnoses = {d.value: str(d.label) for d in Diagnosis}
        self.diagnoses[Diagnosis.UNKNOWN] = _("Diagnosis not recorded")

    def _day(self, day: date) -> str:
        near = abs((self.asker.now.date() - day).days) < FRESH_ENOUGH
        words = day_words(day)
        return words.removesuffix(f" {day.year}") if near else words

    def line(self, patient: Any) -> PanelLine:
        """The line of one of ``panel_page``."""
        tier, today = patient.tier_now, self._today(patient)
        summary = summary_of(patient, self.asker.now)
        return PanelLine(
            code=patient.code,
            name=patient.name,
            diagnosis=self.diagnoses[patient.diagnosis],
            address=self.record.replace("/0/", f"/{patient.code}/"),
            tier=tier.lower(),
            is_urgent=_is_urgent(patient),
            pill=self.pill(tier),
            dated=self._dated(summary),
            why=self._why(summary, patient),
            changed=self._changed(summary, tier),
            depression=self._track(summary, "depression", patient.is_past),
            mania=self._track(summary, "mania", patient.is_past),
            alerts=alert_cell((self._alert(a, patient) for a in patient.alerts_now), self.none),
            totals=spans("total", self._totals(patient)),
            flags=spans("flag", self._flags(patient, summary)),
            chips=spans("chip", self._chips(patient, today), self._stopped(patient)),
            pick=" ".join(str(a["id"]) for a in patient.alerts_now if self._may_take(a)),
            follow_up=self.day(patient.follow_up) if patient.follow_up else "",
            is_due=bool(patient.follow_up and patient.follow_up <= today),
        )

    def _today(self, patient: Any) -> date:
        return self._in_zone(self.asker.now, patient).date()

    def _in_zone(self, moment: datetime, patient: Any) -> datetime:
        return in_zone(moment, patient.zone or settings.TIME_ZONE)

    def _dated(self, summary: ScoreSummary | None) -> str:
        _ = self.said
        if summary is None:
            return _("no score in 30 days")
        if summary.day == self.scores_day:
            return ""
        return _("of %(day)s") % {"day": self.day(summary.day)}

    def _why(self, summary: ScoreSummary | None, patient: Any) -> str:
        """Why this row stands where it does, in one short sentence."""
        _ = self.said
        if _is_urgent(patient):
            return _("Self-harm item of a PHQ-9 answered above 0: nobody has taken it on.")
        if summary is None:
            return _("Nothing could be scored in the last 30 days.")
        if summary.tier == Tier.INDETERMINATE:
            return self._not_assessed(summary)
        track = summary.leads
        tier = getattr(summary, f"{track}_tier")
        if patient.is_past:
            words = {"track": self.labels[track], "tier": self.tiers[tier or summary.tier]}
            said = _("%(track)s was %(tier)s on %(day)s; no day since could be scored.")
            return said % (words | {"day": self.day(summary.day)})
        if tier not in (Tier.HIGH, Tier.MODERATE):
            return ""
        words = {
            "track": self.labels[track],
            "tier": self.tiers[tier],
            "day": self.day(summary.since),
            "before": self.tiers.get(summary.before, ""),
        }
        if is_by_rule(summary, track):
            return _("%(track)s %(tier)s since %(day)s by an early-warning rule.") % words
        if not summary.before:
            return _("%(track)s %(tier)s since %(day)s or before.") % words
        return _("%(track)s %(tier)s since %(day)s, before that %(before)s.") % words

    def _not_assessed(self, summary: ScoreSummary) -> str:
        _ = self.said
        if summary.assessed_day is None:
            return _("Too little data to assess either track.")
        day = self.day(summary.assessed_day)
        return _("Too little data; last assessed on %(day)s.") % {"day": day}

    def _changed(self, summary: ScoreSummary | None, tier: str) -> str:
        _ = self.said
        before = self.asker.before
        if summary is None or before is None or not summary.moved_at or summary.moved_at <= before:
            return ""
        was = next(was for at, was in summary.moves if datetime.fromisoformat(at) > before)
        if was == tier:
            return _("moved and came back")
        return _("was %(tier)s") % {"tier": self.tiers[was]}

    def _track(self, summary: ScoreSummary | None, name: str, is_past: bool) -> SafeString:
        _ = self.said
        seen = {k: getattr(summary, f"{name}_{k}", None) for k in TRACK_PARTS}
        coverage = coverage_words(name, seen["coverage"], short=True)
        if summary and is_past:
            seen["change"], coverage = None, _("on %(day)s") % {"day": self.day(summary.day)}
        direction, change = self._direction(seen["change"])
        label, days, usual = self.labels[name], seen["days"], seen["usual"]
        return track_cell(
            tier=seen["tier"] or "",
            tier_words=self.tiers[seen["tier"]] if seen["tier"] else self.not_assessed,
            direction=direction,
            change=change,
            rule=self.by_rule if is_by_rule(summary, name) else "",
            week=self.week,
            coverage=coverage,
            spark=spark(name, days, usual, self._spark_words(label, days, usual)) if days else "",
        )

    def _direction(self, change: int | None) -> tuple[str, str]:
        _ = self.said
        if change is None:
            return "", ""
        if abs(change) < STEADY_POINTS:
            return "steady", _("steady")
        sign = "+" if change > 0 else "\u2212"
        words = _("%(points)s pts") % {"points": f"{sign}{abs(change)}"}
        return "up" if change > 0 else "down", words

    def _spark_words(
        self, label: str, days: Sequence[int | None], usual: Sequence[int] | None
    ) -> str:
        _ = self.said
        known = [percent for percent in days if percent is not None]
        if not known:
            return _("%(track)s: no day of the last 30 was assessed.") % {"track": label}
        words = _(
            "%(track)s: from %(first)d to %(last)d percent, %(days)d of %(all)d days assessed."
        )
        said = words % {
            "track": label,
            "first": known[0],
            "last": known[-1],
            "days": len(known),
            "all": SPARK_DAYS,
        }
        if not usual:
            return said
        band = _("Usual for this person: %(low)d to %(high)d percent.")
        return f"{said} {band % {'low': usual[0], 'high': usual[1]}}"

    def _stopped(self, patient: Any) -> str:
        _ = self.said
        if not patient.stopped_since:
            return ""
        since = self.day(self._in_zone(patient.stopped_since, patient).date())
        address = self.data.replace("/0/", f"/{patient.code}/")
        return stopped_chip(address, _("No data since %(day)s") % {"day": since})

    def _chips(self, patient: Any, today: date) -> list[tuple[str, str]]:
        """(level, words) of each source."""
        _ = self.said
        chips = []
        for device in patient.devices_now:
            if at := device["at"]:
                day = self._in_zone(datetime.fromisoformat(at), patient).date()
                fresh = freshness(day, today)
                words = {"name": said_again(device["name"]), "words": fresh.words}
                chips.append((fresh.level, _("%(name)s: %(words)s") % words))
        return chips or [("lost", freshness(None, today).words)]

    def _totals(self, patient: Any) -> list[tuple[str, str]]:
        return [self._total(found, patient) for found in (patient.phq, patient.asrm) if found]

    def _total(self, found: dict[str, Any], patient: Any) -> tuple[str, str]:
        _ = self.said
        asked = instruments()[found["instrument"]]
        words = _("%(name)s %(total)d of %(most)d, %(day)s") % {
            "name": asked.name,
            "total": found["total"],
            "most": asked.range[1],
            "day": self.day(self._in_zone(datetime.fromisoformat(found["at"]), patient).date()),
        }
        return "high" if found["total"] >= asked.cut_off else "plain", words

    def _flags(self, patient: Any, summary: ScoreSummary | None) -> list[tuple[str, str]]:
        """(level, words) of every class that is taken: a dash means that nothing is recorded.

        An antidepressant beside a mania track that is not Low stands out.
        """
        _ = self.said
        flags, drugs = [], set(patient.drugs_now)
        antidepressants = set(medication_rules().antidepressants)
        if not patient.medication_list_available:
            flags.append(("unknown", _("List unavailable")))
        if drugs & antidepressants:
            risen = summary is not None and summary.mania_tier in (Tier.HIGH, Tier.MODERATE)
            flags.append(("warn" if risen else "plain", _("Antidepressant")))
        others = drugs - antidepressants
        return flags + [("plain", words) for name, words in self.classes.items() if name in others]

    def _may_take(self, alert: dict[str, Any]) -> bool:
        """Whether nobody has the alert and the user's role may take it on."""
        of_class = alert_class(alert["kind"], alert["tier"])
        return alert["state"] == NEW and answer(self.role, "acknowledge", of_class) != NO

    def _alert(self, alert: dict[str, Any], patient: Any) -> str:
        tier, raised = alert["tier"], datetime.fromisoformat(alert["raised_at"])
        is_new = self.asker.before is not None and raised > self.asker.before
        address = self.acknowledge.replace("/0/", f"/{alert['id']}/")
        return alert_line(
            key=alert["id"],
            kind=self.kinds[alert["kind"]],
            tier=tier,
            tier_words="" if tier == Tier.INDETERMINATE else self.tiers[tier],
            new=self.new if is_new else "",
            state=self._state(alert, raised, patient),
            acknowledge=address if self._may_take(alert) else "",
            words=self.take,
            asks=answer(self.role, "dismiss", alert_class(alert["kind"], tier)) == REQUEST,
        )

    def _state(self, alert: dict[str, Any], raised: datetime, patient: Any) -> str:
        """Who has it, as HTML."""
        _ = self.said
        if alert["state"] == NEW:
            age = self._time(raised, patient, span(self.asker.now - raised))
            words = state_words(_("nobody has it, %(age)s"), age=age)
            return words + (" · " + escape(_("escalated")) if alert["level"] else "")
        holder = escape(alert["holder_name"] or _("somebody"))
        if alert["state"] == SNOOZED:
            due = datetime.fromisoformat(alert["due_at"])
            local = self._in_zone(due, patient)
            words = f"{self.day(local.date())}, {local:%H:%M} {zone_letters(local)}"
            until = self._time(due, patient, words)
            return state_words(_("%(who)s snoozed it until %(until)s"), who=holder, until=until)
        return state_words(_("%(who)s has it"), who=holder)

    def _time(self, moment: datetime, patient: Any, words: str) -> str:
        zone = patient.zone or settings.TIME_ZONE
        return time_cell(moment, on_pointing(moment, zone, words), words)


TRACK_PARTS = ("tier", "coverage", "change", "days", "usual")


def is_by_rule(summary: ScoreSummary | None, track: str) -> bool:
    """Whether an early-warning rule gave the track its tier: nothing else raises mania above what
    its own probability says.
    """
    if summary is None or track != Track.MANIA:
        return False
    return is_above(summary.mania_tier or None, summary.mania_probability, router_rules().mania)


def _is_urgent(patient: Any) -> bool:
    """Whether a self-harm item was answered above 0 and nobody has taken that on."""
    return any(a["kind"] == AlertKind.SAFETY and a["state"] == NEW for a in patient.alerts_now)


def panel_lines(patients: Sequence[Any], asker: Asker, scores_day: date | None) -> list[PanelLine]:
    """Lines of patients from ``panel_page``."""
    lines = Lines(asker, scores_day)
    return [lines.line(patient) for patient in patients]
