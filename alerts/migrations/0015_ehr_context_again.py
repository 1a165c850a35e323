"""An answer on self-harm is told once, whichever resources hold it; what was read is read again."""

from datetime import UTC, datetime
from typing import Any

from django.db import migrations, models

ALONE = "An answer above 0 to the item on self-harm came without the other answers."


def keep_what_was_told(apps: Any, _editor: Any) -> None:
    """Single answers of which it was told are not told again."""
    for item in apps.get_model("alerts", "ContextItem").objects.filter(why=ALONE):
        at = datetime.fromisoformat(item.told["taken_at"]).astimezone(UTC).isoformat()
        points, instrument = item.told["total"], item.told["instrument"]
        item.self_harm = {"instrument": instrument, "taken_at": at, "points": points}
        item.why = ""
        item.save(update_fields=["self_harm", "why"])


def keep_members(apps: Any, _editor: Any) -> None:
    """Of which days they are members is told when the team is read again."""
    for item in apps.get_model("alerts", "ContextItem").objects.filter(resource_type="CareTeam"):
        item.told["members"] = [[*it, None, None] for it in item.told["members"]]
        item.save(update_fields=["told"])


def read_again(apps: Any, _editor: Any) -> None:
    """More is understood now: the next reading asks for all of it, and what is the same stays."""
    apps.get_model("alerts", "EhrPatient").objects.update(marks={})


class Migration(migrations.Migration):
    dependencies = [("alerts", "0014_ehr_context")]
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
        migrations.RunPython(keep_what_was_told, migrations.RunPython.noop),
        migrations.RunPython(keep_members, migrations.RunPython.noop),
        migrations.RunPython(read_again, migrations.RunPython.noop),
    ]
