"""While a recording of a patient is being stored, what would have to wait for it says so."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from django.db import connection, transaction

from patients.domain.errors import InputError
from patients.models import Patient
from patients.resolving import device_order_set, devices_in_order
from patients.services import BUSY, zone_set
from tests import factories
from tests.patients.test_removal import FIRST, remove, two_devices
from tests.people import every_row


@pytest.fixture
def another_connection() -> Iterator[Callable[[Patient], None]]:
    """Calls hold the patient's lock in a connection of their own, as a running upload does."""
    go_on, threads = threading.Event(), []

    def hold(patient: Patient) -> None:
        locked = threading.Event()

        def work() -> None:
            try:
                with transaction.atomic():
                    Patient.objects.select_for_update(no_key=True).get(pk=patient.pk)
                    locked.set()
                    assert go_on.wait(20)
            finally:
                connection.close()

        threads.append(threading.Thread(target=work))
        threads[-1].start()
        assert locked.wait(20)

    yield hold
    go_on.set()
    for thread in threads:
        thread.join(20)


@pytest.mark.django_db(transaction=True)
def test_while_a_recording_is_stored_order_zone_and_removal_say_so_and_do_not_wait(
    another_connection: Callable[[Patient], None],
) -> None:
    patient = factories.patient("P-1", zone="UTC")
    two_devices(patient)
    keys = [device.pk for device in devices_in_order(patient)]
    another_connection(patient)
    before = every_row()
    for change in (
        lambda: device_order_set(patient=patient, devices=keys[::-1], by="t"),
        lambda: zone_set(patient=patient, first_day=FIRST, zone="Asia/Tokyo", by="t"),
        lambda: remove(patient, "watch"),
    ):
        began = time.monotonic()
        with pytest.raises(InputError, match=BUSY):
            change()
        assert time.monotonic() - began < 5
    assert every_row() == before


@pytest.mark.django_db(transaction=True)
def test_a_lock_of_a_moment_is_waited_for_and_later_locks_are_not_cut_short() -> None:
    patient = factories.patient("P-1", zone="UTC")
    two_devices(patient)
    locked = threading.Event()

    def touch() -> None:
        try:
            with transaction.atomic():
                list(Patient.objects.select_for_update(no_key=True))
                locked.set()
                time.sleep(0.3)
        finally:
            connection.close()

    other = threading.Thread(target=touch)
    other.start()
    assert locked.wait(20)
    with transaction.atomic(), connection.cursor() as cursor:
        assert remove(patient, "watch").days == 3
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == ("0",)
    other.join(20)
