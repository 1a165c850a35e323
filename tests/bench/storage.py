"""What a minute costs in the database: the simulated clinic's recordings, everything counted."""

from datetime import date

import django

PATIENTS = 12
LAST_DAY = date(2026, 11, 19)
TABLES = ("RecordingDay", "ResolvedDay", "RecordingPart", "RecordingFile", "Device", "SleepEpisode")
LIMIT_BYTES = 6.0


def main() -> None:
    """Store the clinic and print the bytes of a minute of four channels."""
    django.setup()
    from django.apps import apps
    from django.core.management import call_command
    from django.db import connection
    from django.db.models import Sum

    from alerts.clinic import recordings_load
    from patients.models import RecordingDay

    call_command("migrate", verbosity=0)
    recordings_load(patients=PATIENTS, last_day=LAST_DAY)
    counted = RecordingDay.objects.values("channel").annotate(total=Sum("minutes"))
    minutes = {row["channel"]: row["total"] for row in counted.order_by("channel")}
    total = 0
    for name in TABLES:
        table = apps.get_model("patients", name)._meta.db_table
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_total_relation_size(%s)", [table])
            size = cursor.fetchone()[0]
        total += size
        print(f"{name}: {size:,} bytes")
    print(f"minutes: {minutes}")
    each = total / max(minutes.values())
    print(f"a minute of {len(minutes)} channels: {each:.2f} bytes (at most {LIMIT_BYTES:g})")
