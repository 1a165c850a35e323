"""Whether an open panel is still true: a text that changes when what its rows show does."""

from collections.abc import Mapping, Sequence
from datetime import date
from hashlib import md5
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db.models import BigIntegerField, Func, Max, Q, QuerySet, Subquery, Sum, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce, TruncHour

from alerts.models import AbsenceNotice, Alert, FollowUp
from patients.models import Device, MedicationCourse, Questionnaire, TimeZoneSpan, User
from patients.selectors import patients_visible_to

# What rows are drawn from, beside scores and alerts: what of it is shown, and what orders it.
SHOWN: Mapping[str, tuple[Any, tuple[str | Q | Combinable, ...]]] = {
    "follow_ups": (FollowUp, ("pk", "state", "due_on")),
    "questionnaires": (Questionnaire, ("pk", "entered_in_error")),
    "drugs": (
        MedicationCourse,
        ("pk", "drug_class", "first_day", Coalesce("last_day", date.max), "entered_in_error"),
    ),
    "devices": (Device, ("pk", "place", TruncHour("last_data_at"))),  # each minute would be often
    "absences": (AbsenceNotice, ("pk", Q(closed_at=None))),
    "zones": (TimeZoneSpan, ("pk", "first_day", "zone")),
}
OF_A_PATIENT = ("pk", "diagnosis", "medication_list_available")


def _hashed(fields: Sequence[Any]) -> Sum:
    """The hashes of rows together, in any order."""
    one = Func(
        *fields,
        template="hashtext(concat_ws('|', %(expressions)s))",
        output_field=BigIntegerField(),
    )
    return Sum(one)


def versions(user: User | AnonymousUser) -> dict[str, Any]:
    """Aggregates over the user's patients that change when a row of the panel would."""
    mine = patients_visible_to(user).values("pk")

    def of(model: Any) -> QuerySet[Any]:
        rows: QuerySet[Any] = model.objects.filter(patient__in=mine).order_by()
        return rows

    last_act = of(Alert).order_by("-changed_at").values("changed_at")[:1]
    return {
        "v_patients": _hashed(OF_A_PATIENT),
        "v_scores": Max("summary__updated_at"),
        "v_acts": Max(Subquery(last_act)),
        **{
            f"v_{name}": Max(Subquery(_together(of(model), fields)))
            for name, (model, fields) in SHOWN.items()
        },
    }


def _together(rows: QuerySet[Any], fields: Sequence[Any]) -> QuerySet[Any]:
    """The hashes of the rows as a query of one value."""
    return rows.annotate(all=Value(1)).values("all").annotate(v=_hashed(fields)).values("v")


def version_of(found: Mapping[str, Any], today: date) -> str:
    """One text of what ``versions`` gave; another day is another version too."""
    parts = (
        today,
        *(found[f"v_{n}"] for n in ("patients", "scores", "acts", *SHOWN)),
    )
    return md5("|".join(map(str, parts)).encode(), usedforsecurity=False).hexdigest()
