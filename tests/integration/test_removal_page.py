"""Removing what a device reported, on the page “Data” of the patient and by command."""

import json
import re
from datetime import UTC, datetime
from io import StringIO

import pytest
from django.core.management import call_command

from patients.domain.recording import DeviceKind
from patients.models import AuditEvent, Device, Patient, Role
from patients.services import SYSTEM
from scoring.models import ScoringJob
from tests import factories
from tests.integration.reading import browser, text
from tests.integration.test_data_page import page_of, rows_of, steps, store, two_devices
from tests.people import every_row

pytestmark = pytest.mark.django_db

DAYS = {"first_day": "2026-11-10", "last_day": "2026-11-10", "sure": "on"}


def address(device: Device) -> str:
    return f"/patients/{device.patient.code}/data/devices/{device.pk}/remove/"


def days_asked(body: str, device: Device) -> list[str]:
    """The days with which the device's form is filled in."""
    part = body[body.index(f'<details class="removal" id="remove-{device.pk}"') :]
    part = part[: part.index("</details>")]
    return re.findall(r'<input type="date" name="\w+" value="([^"]*)"', part)


def test_each_device_offers_the_days_it_has() -> None:
    client, who = browser()
    patient = two_devices(team=[who])
    start = datetime(2026, 11, 12, 23, 59, tzinfo=UTC)
    store(patient, [steps("Watch", DeviceKind.WATCH, start, [1.0] * 2)], "c" * 64)
    Device.objects.create(patient=patient, source="vendor", name="Mute", kind="app")
    body = page_of(client)
    watch, ring = (patient.devices.get(name=name) for name in ("Watch", "Ring"))
    assert days_asked(body, watch) == ["2026-11-10", "2026-11-13"]
    assert days_asked(body, ring) == ["2026-11-10", "2026-11-10"]
    assert body.count('<details class="removal"') == 3, "not for a device without data"
    assert "This cannot be undone; the file can be given again." in body


def test_removing_takes_the_days_out_says_how_much_and_asks_for_scores() -> None:
    client, who = browser(Role.COORDINATOR)
    patient = two_devices(team=[who])
    watch, ring = (patient.devices.get(name=name) for name in ("Watch", "Ring"))
    words = text(client.post(address(watch), DAYS, follow=True))
    assert (
        "1 day of Watch removed: 60 minutes and 0 nights; the patient will be scored anew." in words
    )
    table = rows_of(page_of(client, "?until=2026-11-12"), "days")
    assert table[3] == ["Tue 10 Nov", "90 min of iPhone 2", "420 min of Ring 1"]
    words = text(client.post(address(ring), DAYS, follow=True))
    assert "1 day of Ring removed: 0 minutes and 1 night;" in words
    assert [device.name for device in patient.devices.all()] == ["iPhone"]
    assert ScoringJob.objects.filter(patient=patient, run=None).exists()
    row = AuditEvent.objects.filter(action="recording removed").earliest("at")
    assert (row.actor, row.detail["minutes"]) == (who.username, 60)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({}, "Give the first day."),
        (DAYS | {"last_day": "tomorrow"}, "Give a date."),
        (DAYS | {"last_day": "2026-11-09"}, "The last day lies before the first"),
        (DAYS | {"first_day": "2025-01-01", "last_day": "2025-12-31"}, "nothing on these days"),
        (DAYS | {"sure": ""}, "Say that you want this."),
    ],
)
def test_a_refusal_stands_in_the_open_form_and_nothing_changes(
    asked: dict[str, str], words: str
) -> None:
    client, who = browser()
    watch = two_devices(team=[who]).devices.get(name="Watch")
    before = {k: v for k, v in every_row().items() if "Audit" not in k and "User" not in k}
    answer = client.post(address(watch), asked)
    body = answer.content.decode()
    assert answer.status_code == 422
    place = body.index(f'id="remove-{watch.pk}" open')
    assert words in body[place : body.index("</details>", place)]
    assert body.count('<details class="removal"') == 3
    assert {k: v for k, v in every_row().items() if k in before} == before


def test_who_may_not_change_recordings_sees_no_removal_and_is_refused() -> None:
    client, who = browser("")
    watch = two_devices(team=[who]).devices.get(name="Watch")
    assert "Remove data" not in page_of(client)
    assert client.post(address(watch), DAYS).status_code == 403


def test_a_device_of_another_patient_is_not_found_here() -> None:
    client, who = browser()
    two_devices(team=[who])
    other = two_devices("P-2").devices.get(name="Watch")
    for path in (address(other), f"/patients/P-1/data/devices/{other.pk}/remove/"):
        assert client.post(path, DAYS).status_code == 404
    assert other.recording_days.exists()


def command(*options: str, patient: str = "P-1") -> tuple[int, str, str]:
    """Exit code, standard output and standard error of remove_recordings."""
    out, err = StringIO(), StringIO()
    try:
        call_command("remove_recordings", "--patient", patient, *options, stdout=out, stderr=err)
    except SystemExit as end:
        return int(str(end.code)), out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


def test_the_command_removes_all_or_some_days_and_asks_for_scores() -> None:
    patient = two_devices()
    start = datetime(2026, 11, 12, 12, tzinfo=UTC)
    store(patient, [steps("Watch", DeviceKind.WATCH, start, [1.0] * 5)], "c" * 64)
    days = ("--first-day", "2026-11-10", "--last-day", "2026-11-11")
    code, out, err = command("--device", "Watch", *days, "--json")
    assert (code, err) == (0, "")
    assert json.loads(out) == {
        "patient": "P-1",
        "device": "Watch",
        "source": "apple_health",
        "removed": {"days": 1, "minutes": 60, "nights": 0},
    }
    assert patient.devices.get(name="Watch").recording_days.count() == 1
    assert ScoringJob.objects.filter(patient=patient, run=None).exists()
    assert command("--device", "Watch")[0] == 0
    assert not patient.devices.filter(name="Watch").exists()
    assert AuditEvent.objects.filter(action="recording removed", actor=SYSTEM).count() == 2


def test_the_command_refuses_what_it_does_not_know_in_a_sentence() -> None:
    patient = two_devices()
    factories.device(patient, "Watch")  # of another format
    before = every_row()
    for options, words in (
        (("--device", "Clock"), "P-1 has no device “Clock”"),
        (("--device", "Watch"), "give --source, one of apple_health, vendor."),
        (("--device", "Watch", "--source", "oura"), "has no device"),
        (("--device", "Ring", "--first-day", "soon"), "“soon” is no date"),
        (("--device", "Ring", "--last-day", "2020-01-01"), "nothing on these days"),
    ):
        code, out, err = command(*options)
        assert (code, out) == (2, "") and words in err and err.count("\n") == 1
    assert command("--device", "Ring", patient="P-9")[0] == 2
    assert every_row() == before
    assert command("--device", "Watch", "--source", "apple_health")[0] == 0
    assert Patient.objects.get().devices.filter(name="Watch").count() == 1
