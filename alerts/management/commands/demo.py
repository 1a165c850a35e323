"""`make demo`: a simulated clinic, a night through Celery, the pages, and a stand-in EHR."""

import os
import secrets
import time
from datetime import timedelta
from typing import Any

import requests
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser
from django.db import connection
from django.utils import timezone
from tqdm import tqdm

from alerts.clinic import STAFF, clinic_load, follow_ups_promise, staff_create
from alerts.tasks import begin_night, watch_absences
from clarity_site.embedded_postgres.base import stop_server
from clarity_site.processes import ProcessGroup
from scoring.learning.clinic import ClinicPatient
from scoring.models import ScoringJob, ScoringRun

PATIENTS = 40
NIGHT_TIMEOUT_S = 600


class Command(BaseCommand):
    help = "Serve a simulated clinic; `make demo` gives it a database and an EHR of its own."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *_: Any, **options: Any) -> None:
        began, password = (
            time.monotonic(),
            os.environ.get("DEMO_PASSWORD") or secrets.token_urlsafe(9),
        )
        group = ProcessGroup(options["port"])
        ehr = start_ehr()
        try:
            prepare_database()
            group.start()
            load_clinic(password, has_ehr=ehr is not None)
            score_the_night()
            follow_ups_promise(today=timezone.localdate())
            show(options["port"], password, ehr is not None, time.monotonic() - began)
            group.wait()
        except KeyboardInterrupt:
            print("\nStopping.")
        finally:
            group.stop()
            if ehr:
                ehr.stop()
            connection.close()
            stop_server(str(settings.STATE_DIR / "postgres"))


def start_ehr() -> Any:
    """A real FHIR R4 server at EHR_BASE_URL in place of a hospital's; None where it cannot run."""
    from tests.fhir_server.server import FhirServer, Unavailable, unavailable_reason

    reason = unavailable_reason()
    try:
        if reason is None:
            port = int(settings.EHR_BASE_URL.split(":")[2].split("/")[0])
            server = FhirServer(port=port).start()
            os.environ["EHR_RECIPIENT"] = create("Practitioner")  # for the workers
            return server
    except Unavailable as error:
        reason = str(error)
    print(f"No stand-in EHR here, so messages will wait: {reason}")
    return None


def create(resource_type: str) -> str:
    """A new, empty resource in the stand-in EHR; its reference."""
    url = f"{settings.EHR_BASE_URL}/{resource_type}"
    answer = requests.post(url, json={"resourceType": resource_type}, timeout=10)
    answer.raise_for_status()
    return f"{resource_type}/{answer.json()['id']}"


def prepare_database() -> None:
    """Begin anew, so that the simulated people's last day is always yesterday."""
    if settings.DATABASES["default"]["NAME"] != "clarity_demo":
        raise SystemExit("The demo empties its database: run it as `make demo`.")
    with connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)


def load_clinic(password: str, *, has_ehr: bool) -> None:
    """The simulated people, with a progress bar."""

    def ehr_id_of(_patient: ClinicPatient) -> str:
        return create("Patient").split("/")[1] if has_ehr else f"demo-{secrets.token_hex(4)}"

    with tqdm(total=PATIENTS, desc="Loading the clinic", unit="patient") as bar:
        clinic_load(
            staff=staff_create(password=password),
            patients=PATIENTS,
            last_day=timezone.localdate() - timedelta(days=1),
            ehr_id_of=ehr_id_of,
            progress=bar.update,
        )


def score_the_night() -> None:
    """Run the nightly job through Celery and watch its jobs end."""
    begin_night.delay()
    watch_absences.delay()
    ended = (ScoringRun.State.DONE, ScoringRun.State.FAILED)
    deadline = time.monotonic() + NIGHT_TIMEOUT_S
    with tqdm(total=PATIENTS, desc="Scoring the night ", unit="patient") as bar:
        while time.monotonic() < deadline:
            if done := ScoringJob.objects.filter(state__in=ended).count() - bar.n:
                bar.update(done)
            if ScoringRun.objects.filter(state__in=ended).exists():
                return
            time.sleep(0.5)
    print("The night has not finished in time; the pages will say so.")


def show(port: int, password: str, has_ehr: bool, seconds: float) -> None:
    """Where to go, who to be, and a message as it lies in the EHR."""
    print(f"\nClarity is at http://localhost:{port}/ (ready after {seconds:.0f} s)\n")
    print(f"Log in with the password {password} as")
    for username, first, last, role in STAFF:
        print(f"  {username:16} {first} {last}, {role.label.lower()}")
    if has_ehr:
        show_message()
    print("\nAll people are simulated. Ctrl-C ends everything.", flush=True)


def show_message() -> None:
    """Wait for the first message in the EHR and print it as the EHR holds it."""
    for _ in range(60):
        url = f"{settings.EHR_BASE_URL}/CommunicationRequest?_count=100"
        entries = requests.get(url, timeout=10).json().get("entry")
        if entries:
            newest = entries[0]["resource"]
            print(f"\nIn the EHR at {settings.EHR_BASE_URL}: {len(entries)} messages, such as")
            print(f"  CommunicationRequest/{newest['id']}, {newest['priority']}")
            for line in newest["payload"][0]["contentString"].splitlines():
                print(f"  | {line}")
            return
        time.sleep(1)
    print("\nNo message has arrived in the EHR yet: see the page Messages.")
