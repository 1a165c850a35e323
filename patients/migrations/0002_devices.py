"""Minutes and sleep by device, and which device each minute is taken from."""

import zlib
from collections import defaultdict
from datetime import UTC, datetime, time, timedelta

import django.contrib.postgres.fields
import django.db.models.deletion
import numpy as np
from django.db import migrations, models
from django.utils import timezone

CASCADE = django.db.models.deletion.CASCADE


def last_minute_of(packed):
    """The last minute that is there, read from the values: the first databases did not keep it."""
    body = zlib.decompress(packed[1:])
    if packed[:1] == b"i":
        there = np.frombuffer(body, dtype="<i2") != -32768
    else:
        there = ~np.isnan(np.frombuffer(body, dtype="<f4"))
    return int(np.flatnonzero(there)[-1]) if there.any() else 0


def to_devices(apps, schema_editor):
    """One device for each source of a patient; of several, the fuller one of a day was taken."""
    model = {
        name: apps.get_model("patients", name)
        for name in (
            "Device", "RecordingDay", "ResolvedDay", "SleepEpisode", "RecordingFile",
            "OldRecordingDay", "OldSleepEpisode",
        )
    }
    devices = {}

    def device(patient_id, source):
        key = (patient_id, source)
        if key not in devices:
            file = model["RecordingFile"].objects.filter(patient_id=patient_id, source=source)
            name = file.values_list("device", flat=True).first() or source
            kind = "actigraph" if source == "actlumus" else "watch"
            devices[key] = model["Device"].objects.create(
                patient_id=patient_id, source=source, name=name, kind=kind
            )
        return devices[key]

    seen = defaultdict(lambda: datetime.min.replace(tzinfo=UTC))
    best = {}
    for old in model["OldRecordingDay"].objects.iterator(chunk_size=500):
        of, last = device(old.patient_id, old.source), last_minute_of(bytes(old.values))
        model["RecordingDay"].objects.create(
            device=of, utc_day=old.utc_day, channel=old.channel, family=old.family,
            values=old.values, minutes=old.minutes, last_minute=last,
        )
        moment = datetime.combine(old.utc_day, time.min, UTC) + timedelta(minutes=last)
        seen[of.pk] = max(seen[of.pk], moment)
        key = (old.patient_id, old.utc_day, old.channel, old.family)
        if key not in best or old.minutes > best[key][1]:
            best[key] = (of.pk, old.minutes, last, old.updated_at)
    model["ResolvedDay"].objects.bulk_create(
        [
            model["ResolvedDay"](
                patient_id=patient, utc_day=day, channel=channel, family=family,
                devices=[of], chosen=b"", minutes=minutes, last_minute=last, updated_at=updated,
            )
            for (patient, day, channel, family), (of, minutes, last, updated) in best.items()
        ],
        batch_size=500,
    )
    for old in model["OldSleepEpisode"].objects.iterator(chunk_size=500):
        of = device(old.patient_id, old.source)
        new = model["SleepEpisode"].objects.create(
            patient_id=old.patient_id, device=of, start=old.start, end=old.end,
            log_id="" if old.source == "apple_health" else old.start.isoformat(),
            asleep_minutes=old.asleep_minutes, awake_minutes=old.awake_minutes, stages=old.stages,
        )
        model["SleepEpisode"].objects.filter(pk=new.pk).update(updated_at=old.updated_at)
        seen[of.pk] = max(seen[of.pk], old.end)
    for pk, moment in seen.items():
        model["Device"].objects.filter(pk=pk).update(last_data_at=moment)


def big_id():
    return models.BigAutoField(
        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
    )


def of_patient(related_name, **options):
    return models.ForeignKey(
        on_delete=CASCADE, related_name=related_name, to="patients.patient", **options
    )


class Migration(migrations.Migration):
    dependencies = [("patients", "0001_initial")]

    operations = [
        # The first databases were made before this column stood in 0001.
        migrations.RunSQL(
            "ALTER TABLE patients_recordingday "
            "ADD COLUMN IF NOT EXISTS last_minute smallint NOT NULL DEFAULT 1439",
            migrations.RunSQL.noop,
        ),
        migrations.RemoveConstraint("sleepepisode", "one_sleep_record"),
        migrations.RemoveConstraint("sleepepisode", "sleep_ends_after_start"),
        migrations.RemoveConstraint("recordingday", "one_recording_day"),
        migrations.RenameModel("RecordingDay", "OldRecordingDay"),
        migrations.RenameModel("SleepEpisode", "OldSleepEpisode"),
        migrations.AlterField(
            "oldrecordingday", "patient",
            models.ForeignKey(on_delete=CASCADE, related_name="+", to="patients.patient"),
        ),
        migrations.AlterField(
            "oldsleepepisode", "patient",
            models.ForeignKey(on_delete=CASCADE, related_name="+", to="patients.patient"),
        ),
        migrations.CreateModel(
            name="Device",
            fields=[
                ("id", big_id()),
                ("source", models.CharField(help_text="The format it came in.", max_length=40)),
                ("name", models.CharField(max_length=80)),
                ("kind", models.CharField(
                    choices=[
                        ("actigraph", "Actigraph"), ("watch", "Watch or band"), ("ring", "Ring"),
                        ("phone", "Phone"), ("app", "App"),
                    ],
                    max_length=12,
                )),
                ("place", models.PositiveSmallIntegerField(
                    help_text="In the order a clinician gave; none: after those, by kind and name.",
                    null=True,
                )),
                ("last_data_at", models.DateTimeField(
                    help_text="The last minute with data.", null=True
                )),
                ("patient", of_patient("devices")),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("patient", "source", "name"), name="one_device"
                    )
                ]
            },
        ),
        migrations.CreateModel(
            name="RecordingDay",
            fields=[
                ("pk", models.CompositePrimaryKey(
                    "device_id", "utc_day", "channel", "family",
                    blank=True, editable=False, primary_key=True, serialize=False,
                )),
                ("device", models.ForeignKey(
                    db_index=False, on_delete=CASCADE, related_name="recording_days",
                    to="patients.device",
                )),
                ("utc_day", models.DateField()),
                ("channel", models.CharField(max_length=24)),
                ("family", models.CharField(blank=True, max_length=24)),
                ("values", models.BinaryField(help_text="patients.domain.packing")),
                ("partial", models.JSONField(
                    help_text="{minute: samples} of minutes that another file may complete.",
                    null=True,
                )),
                ("minutes", models.PositiveSmallIntegerField()),
                ("last_minute", models.PositiveSmallIntegerField(
                    help_text="The last recorded minute of the UTC day."
                )),
            ],
        ),
        migrations.CreateModel(
            name="ResolvedDay",
            fields=[
                ("pk", models.CompositePrimaryKey(
                    "patient_id", "utc_day", "channel", "family",
                    blank=True, editable=False, primary_key=True, serialize=False,
                )),
                ("patient", of_patient("resolved_days", db_index=False)),
                ("utc_day", models.DateField()),
                ("channel", models.CharField(max_length=24)),
                ("family", models.CharField(blank=True, max_length=24)),
                ("devices", django.contrib.postgres.fields.ArrayField(
                    base_field=models.BigIntegerField(),
                    help_text="Those chosen for some minute.", size=None,
                )),
                ("chosen", models.BinaryField(
                    help_text="Packed: for each minute 0, or the place in devices from 1; "
                    "empty for one device."
                )),
                ("minutes", models.PositiveSmallIntegerField()),
                ("last_minute", models.PositiveSmallIntegerField()),
                ("updated_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="SleepEpisode",
            fields=[
                ("id", big_id()),
                ("log_id", models.CharField(blank=True, max_length=80)),
                ("start", models.DateTimeField()),
                ("end", models.DateTimeField()),
                ("asleep_minutes", models.FloatField()),
                ("awake_minutes", models.FloatField()),
                ("stages", models.JSONField(
                    default=list, help_text="[start offset, minutes, stage]"
                )),
                ("is_chosen", models.BooleanField(default=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("device", models.ForeignKey(
                    on_delete=CASCADE, related_name="sleep_episodes", to="patients.device"
                )),
                ("patient", of_patient("sleep_episodes")),
            ],
            options={
                "ordering": ["start"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("patient", "device", "start", "end", "log_id"),
                        name="one_sleep_record",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("end__gt", models.F("start"))),
                        name="sleep_ends_after_start",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Questionnaire",
            fields=[
                ("id", big_id()),
                ("instrument", models.CharField(max_length=20)),
                ("taken_at", models.DateTimeField()),
                ("total", models.FloatField()),
                ("items", models.JSONField(default=list)),
                ("source", models.CharField(max_length=40)),
                ("patient", of_patient("questionnaires")),
            ],
            options={
                "ordering": ["taken_at"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("patient", "instrument", "taken_at"), name="one_questionnaire"
                    )
                ],
            },
        ),
        migrations.AddField(
            "recordingfile", "processed_at", models.DateTimeField(default=timezone.now),
            preserve_default=False,
        ),
        migrations.CreateModel(
            name="RecordingPart",
            fields=[
                ("id", big_id()),
                ("channel", models.CharField(max_length=24)),
                ("first_day", models.DateField()),
                ("last_day", models.DateField()),
                ("minutes_a_day", django.contrib.postgres.fields.ArrayField(
                    base_field=models.PositiveSmallIntegerField(), size=None
                )),
                ("device", models.ForeignKey(
                    on_delete=CASCADE, related_name="parts", to="patients.device"
                )),
                ("file", models.ForeignKey(
                    on_delete=CASCADE, related_name="parts", to="patients.recordingfile"
                )),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("file", "device", "channel"), name="one_part"
                    )
                ]
            },
        ),
        migrations.RunPython(to_devices, migrations.RunPython.noop),
        migrations.RemoveField("recordingfile", "device"),
        migrations.DeleteModel("OldRecordingDay"),
        migrations.DeleteModel("OldSleepEpisode"),
    ]
