"""Patients are found by their id in the EHR, which is encrypted: by its blind index."""

from typing import Any

from django.db import migrations

import patients.encryption


def fill(apps: Any, _editor: Any) -> None:
    Patient = apps.get_model("patients", "Patient")
    for patient in Patient.objects.exclude(ehr_id="").only("ehr_id").iterator():
        index = patients.encryption.blind_index(patient.ehr_id)
        Patient.objects.filter(pk=patient.pk).update(ehr_id_index=index)


class Migration(migrations.Migration):
    dependencies = [("patients", "0014_reader")]
    operations = [
        migrations.AddField(
            "patient",
            "ehr_id_index",
            patients.encryption.BlindIndexField(default="", of="ehr_id"),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
