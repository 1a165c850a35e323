"""Whether an open panel is still true: a text that changes when what its rows show does."""

from collections.abc import Mapping
from datetime import date
from hashlib import md5
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import EmptyResultSet
from django.db.models import BigIntegerField, Func, Max, Sum, TextField, Value
from django.db.models.expressions import Combinable, RawSQL

from patients.models import User
from patients.selectors import patients_visible_to

# What rows are drawn from beside the scores: of each table what is shown, and what orders it. In
# SQL, because this is asked with every page and by every open panel, and the array of patients goes
# into each branch, so that none reads a table whole. Of what grows by the year only the newest and
# what was taken back is looked at; a device's minutes count by the hour.
ROWS = """
WITH mine AS MATERIALIZED (SELECT ARRAY({mine}) AS ids)
SELECT sum(hashtext(concat_ws('|', what, id, shown))) FROM (
    SELECT 'follow-up' AS what, id, concat_ws('|', state, due_on) AS shown
        FROM alerts_followup WHERE patient_id = ANY ((SELECT ids FROM mine)::bigint[])
    UNION ALL SELECT 'questionnaire', max(id), ''
        FROM patients_questionnaire WHERE patient_id = ANY ((SELECT ids FROM mine)::bigint[])
    UNION ALL SELECT 'taken back', count(*), ''
        FROM patients_questionnaire
        WHERE entered_in_error AND patient_id = ANY ((SELECT ids FROM mine)::bigint[])
    UNION ALL SELECT 'drug', id, concat_ws('|', drug_class, first_day, last_day, entered_in_error)
        FROM patients_medicationcourse WHERE patient_id = ANY ((SELECT ids FROM mine)::bigint[])
    UNION ALL SELECT 'device', id,
        concat_ws('|', coalesce(place, -1), date_trunc('hour', last_data_at, 'UTC'))
        FROM patients_device WHERE patient_id = ANY ((SELECT ids FROM mine)::bigint[])
    UNION ALL SELECT 'absence', id, (closed_at IS NULL)::text
        FROM alerts_absencenotice WHERE patient_id = ANY ((SELECT ids FROM mine)::bigint[])
    UNION ALL SELECT 'zone', id, concat_ws('|', first_day, zone)
        FROM patients_timezonespan WHERE patient_id = ANY ((SELECT ids FROM mine)::bigint[])
    UNION ALL SELECT 'alert', max(id), max(changed_at)::text
        FROM alerts_alert WHERE patient_id = ANY ((SELECT ids FROM mine)::bigint[])
) AS shown_rows
"""


def versions(user: User | AnonymousUser) -> dict[str, Any]:
    """Aggregates over the user's patients that change when a row of the panel would."""
    shown = Func(
        Value("|"), "id", "diagnosis", "medication_list_available",
        function="concat_ws", output_field=TextField(),
    )  # fmt: skip
    return {
        "v_scores": Max("summary__updated_at"),
        "v_patients": Sum(Func(shown, function="hashtext", output_field=BigIntegerField())),
        "v_rows": Max(_rows_of(user)),
    }


def _rows_of(user: User | AnonymousUser) -> Combinable:
    """The hashes of all rows together, in any order; the same for every patient."""
    try:
        mine, asked = patients_visible_to(user).values("pk").query.sql_with_params()
    except EmptyResultSet:
        return Value(0, BigIntegerField())
    return RawSQL(ROWS.format(mine=mine), asked, BigIntegerField())


def version_of(found: Mapping[str, Any], today: date) -> str:
    """One text of what ``versions`` gave; another day is another version too."""
    parts = (today, found["v_scores"], found["v_patients"], found["v_rows"])
    return md5("|".join(map(str, parts)).encode(), usedforsecurity=False).hexdigest()
