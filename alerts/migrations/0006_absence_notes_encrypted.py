from django.db import migrations

import patients.encryption


def hide_notes(apps, schema_editor):
    """Notes on missing data, until now in clear text, are encrypted."""
    AbsenceNotice = apps.get_model("alerts", "AbsenceNotice")
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT id, note FROM alerts_absencenotice WHERE note <> ''")
        notes = cursor.fetchall()
    for key, note in notes:
        AbsenceNotice.objects.filter(pk=key).update(note=note)


class Migration(migrations.Migration):

    dependencies = [
        ("alerts", "0005_absence_as_alert"),
    ]

    operations = [
        migrations.AlterField(
            model_name="absencenotice",
            name="note",
            field=patients.encryption.EncryptedTextField(blank=True),
        ),
        migrations.RunPython(hide_notes, migrations.RunPython.noop),
    ]
