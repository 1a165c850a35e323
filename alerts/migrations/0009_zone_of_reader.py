"""The zone of a digest is the reader's: it moves to the user."""

from typing import Any

from django.db import migrations, models


def to_user(apps: Any, schema_editor: Any) -> None:
    for setting in apps.get_model("alerts", "NoticeSetting").objects.select_related("user"):
        setting.user.time_zone = setting.zone
        setting.user.save(update_fields=["time_zone"])


def to_setting(apps: Any, schema_editor: Any) -> None:
    for setting in apps.get_model("alerts", "NoticeSetting").objects.select_related("user"):
        setting.zone = setting.user.time_zone or "UTC"
        setting.save(update_fields=["zone"])


class Migration(migrations.Migration):

    dependencies = [
        ("alerts", "0008_queue_visit"),
        ("patients", "0014_reader"),
    ]

    operations = [
        migrations.RunPython(migrations.RunPython.noop, to_setting),
        migrations.AlterField(
            model_name="noticesetting",
            name="zone",
            field=models.CharField(max_length=64, default="UTC"),
        ),
        migrations.RunPython(to_user, migrations.RunPython.noop),
        migrations.RemoveField(model_name="noticesetting", name="zone"),
    ]
