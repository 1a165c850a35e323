"""The reader's language and zone."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("patients", "0013_notes"),
    ]

    operations = [
        migrations.AddField(
            model_name="user",
            name="language",
            field=models.CharField(
                blank=True, choices=[("en", "English"), ("fr", "Français")], max_length=8
            ),
        ),
        migrations.AddField(
            model_name="user",
            name="time_zone",
            field=models.CharField(blank=True, max_length=64),
        ),
    ]
