"""An answer on self-harm is told once, whichever resources hold it; what was read is read again."""

from datetime import UTC, datetime
from typing import Any

from django.db import migrations, models

ALONE = "An answer above 0 to the item on self-harm came without the other answers."


def keep_answers(apps: Any, _editor: Any) -> None:
    """Single answers say what they said: none is taken anew, and none that was told is told again."""
    items = apps.get_model("alerts", "ContextItem").objects
    for item in items.filter(resource_type="Observation").exclude(told={}):
        told = item.told
        is_self_harm = (told["instrument"], told["item"]) == ("phq9", 9)
        told["self_harm"] = told["total"] if is_self_harm else None
        if item.why == ALONE:
            at = datetime.fromisoformat(told["taken_at"]).astimezone(UTC).isoformat()
            item.self_harm = {"instrument": "phq9", "taken_at": at, "points": told["total"]}
            item.why = ""
        item.save(update_fields=["told", "self_harm", "why"])


def keep_members(apps: Any, _editor: Any) -> None:
    """Of which days they are members is told when the team is read again."""
    items = apps.get_model("alerts", "ContextItem").objects
    for item in items.filter(resource_type="CareTeam").exclude(told={}):
        item.told["members"] = [[*it, None, None] for it in item.told["members"]]
        item.save(update_fields=["told"])


def read_again(apps: Any, _editor: Any) -> None:
    """More is understood now: the next reading asks for all of it, and what is the same stays."""
    apps.get_model("alerts", "EhrPatient").objects.update(marks={})


class Migration(migrations.Migration):
    dependencies = [("alerts", "0017_ehr_updates")]
    operations = [
        migrations.AddField(
            "contextitem",
            "self_harm",
            models.JSONField(
                default=dict, help_text="The answer above 0 on self-harm of which it was told last."
            ),
        ),
        migrations.AlterField(
            "ehrterm",
            "kind",
            models.CharField(
                choices=[
                    ("drug", "Drug"),
                    ("form", "Questionnaire"),
                    ("person", "Person"),
                    ("disorder", "Mood disorder"),
                ],
                max_length=8,
            ),
        ),
        migrations.RunPython(keep_answers, migrations.RunPython.noop),
        migrations.RunPython(keep_members, migrations.RunPython.noop),
        migrations.RunPython(read_again, migrations.RunPython.noop),
    ]
