"""Mails about notices: what is urgent at once, the rest once a day in the reader's own zone.

A mail holds codes and what happened, never a name and never a note.
"""

from collections.abc import Sequence
from datetime import datetime

from django.core.mail import send_mail
from django.db import transaction
from django.db.models import Prefetch, QuerySet
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from alerts.absence import words_of
from alerts.models import AbsenceNotice, Notice, NoticeSetting
from clarity_site.languages import language_of, zone_of
from clarity_site.logs import log
from clarity_site.said import said_again
from patients.domain.days import zone_named
from patients.domain.errors import InputError
from patients.models import User
from patients.selectors import patients_visible_to
from patients.services import audit_record
from scoring.domain.output import RESEARCH_USE
from scoring.selectors import research_use

EVENTS = {
    "raised": gettext_lazy("new"),
    "risen": gettext_lazy("risen"),
    "repeated": gettext_lazy("told again"),
    "upgraded": gettext_lazy("raised to High by a colleague"),
    "escalated": gettext_lazy("nobody has taken it on"),
    "lapsed": gettext_lazy("acknowledged, but nothing followed"),
    "woken": gettext_lazy("its snooze is over"),
    "undone": gettext_lazy("open again"),
    "dismissal_requested": gettext_lazy("a coordinator asks to dismiss it"),
    "downgrade_requested": gettext_lazy("a coordinator asks to lower it"),
    "follow_up_due": gettext_lazy("a promised follow-up is due"),
    "message_failed": gettext_lazy("its message did not reach the EHR"),
}
MOST_LINES = 40


def notices_mail(*, now: datetime) -> int:
    """Send what is due; returns how many mails went out. What cannot go out waits for the next.

    Each person is apart: an address that is none keeps nobody else's mail back.
    """
    sent = 0
    for user in User.objects.filter(notices__in=_waiting(), is_active=True).distinct():
        try:
            with transaction.atomic():
                sent += _mail(user, now)
        except (OSError, ValueError) as error:  # what a server answers, or no usable address
            log.error("notice mail failed", extra={"user": user.pk}, exc_info=error)
    return sent


def _waiting() -> "QuerySet[Notice]":
    return Notice.objects.filter(sent_at=None, cancelled_at=None)


def notices_of(user: User) -> "QuerySet[Notice]":
    """The person's notices of patients that they may see, with all that ``notice_words`` reads."""
    rows = Notice.objects.filter(user=user, alert__patient__in=patients_visible_to(user))
    missing = AbsenceNotice.objects.filter(closed_at=None)
    return rows.select_related("alert__patient").prefetch_related(
        "alert__patient__zones",
        Prefetch("alert__patient__absences", missing, to_attr="open_absences"),
    )


def _digest_moment(setting: NoticeSetting, now: datetime) -> datetime | None:
    """Today's moment of the digest in the person's zone, once it has come and had none yet."""
    local = now.astimezone(zone_named(zone_of(setting.user)))
    moment = local.replace(hour=setting.digest_hour, minute=0, second=0, microsecond=0)
    return moment if moment <= local and setting.digested_on != local.date() else None


def _mail(user: User, now: datetime) -> int:
    setting, _made = NoticeSetting.objects.select_for_update().get_or_create(user=user)
    rows = notices_of(user).filter(sent_at=None, cancelled_at=None).order_by("at", "id")
    notices = list(rows.select_for_update(of=("self",)))
    # What is written after the hour of the digest waits for that of tomorrow, day or night.
    moment = _digest_moment(setting, now)
    urgent = [n for n in notices if n.is_urgent]
    digest = [n for n in notices if not n.is_urgent and moment and n.at < moment]
    due = urgent + digest
    if not due:
        return 0
    if moment and digest:
        setting.digested_on = moment.date()
        setting.save(update_fields=["digested_on"])
    Notice.objects.filter(pk__in=[n.pk for n in due]).update(sent_at=now)
    if not user.email:  # Clarity shows it all the same
        return 0
    with translation.override(language_of(user)):
        send_mail(_subject(len(due), bool(urgent)), _body(due, now), None, [user.email])
    return 1


def _subject(count: int, has_urgent: bool) -> str:
    if has_urgent:
        words = ngettext(
            "Clarity: %(count)d notice, High", "Clarity: %(count)d notices, High first", count
        )
    else:
        words = ngettext("Clarity: %(count)d notice", "Clarity: %(count)d notices", count)
    return words % {"count": count}


def _body(notices: Sequence[Notice], now: datetime) -> str:
    ordered = sorted(notices, key=lambda n: (not n.is_urgent, n.at))
    lines = [notice_words(n, now) for n in ordered[:MOST_LINES]]
    if len(ordered) > MOST_LINES:
        lines.append(_("and %(count)d more") % {"count": len(ordered) - MOST_LINES})
    first = [said_again(f"{RESEARCH_USE}."), ""] if research_use() else []
    last = ["", _("Open “Alerts” in Clarity to act. Clarity supports your judgement only.")]
    return "\n".join([*first, *lines, *last])


def notice_words(notice: Notice, now: datetime) -> str:
    """“C-0007: Mania High, new”, of one of ``notices_of``. No name."""
    alert = notice.alert
    if alert.kind == "data":
        absences: list[AbsenceNotice] = alert.patient.open_absences  # type: ignore[attr-defined]
        words = said_again(words_of(absences[0], now)) if absences else _("data have come again")
        return _("%(code)s: %(what)s") % {"code": alert.patient.code, "what": words}
    return _("%(code)s: %(kind)s %(tier)s, %(event)s") % {
        "code": alert.patient.code,
        "kind": alert.get_kind_display(),
        "tier": said_again(notice.tier),
        "event": EVENTS.get(notice.event, notice.event),
    }


@transaction.atomic
def notice_setting_set(*, user: User, digest_hour: int) -> None:
    """When a person's digest is mailed, in their own zone. Raises InputError for no hour."""
    if not 0 <= digest_hour <= 23:
        raise InputError("Give an hour from 0 to 23.")
    NoticeSetting.objects.update_or_create(user=user, defaults={"digest_hour": digest_hour})
    audit_record(by=user, action="notice setting", hour=digest_hour)


def notices_seen(*, user: User, now: datetime) -> None:
    """The person has opened the list."""
    Notice.objects.filter(user=user, seen_at=None).update(seen_at=now)
