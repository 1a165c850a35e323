"""An Apple export in the database: the same rows however it is cut."""

from pathlib import Path
from typing import Any

import pytest

from patients import storage
from patients.ingest.common import spill
from patients.models import Patient, RecordingDay, ResolvedDay, SleepEpisode
from patients.services import patient_enrol
from patients.storage import Stored, file_store
from tests.generators.apple_export import EPILOGUE, PROLOGUE, records

pytestmark = pytest.mark.django_db
DAYS = 4


@pytest.fixture(scope="module")
def export() -> list[str]:
    return list(records(DAYS))


def store(patient: Patient, folder: Path, export: list[str]) -> Stored:
    path = folder / "export.xml"
    path.write_text(PROLOGUE + "".join(export) + EPILOGUE, encoding="utf-8")
    return file_store(patient=patient, path=path, zone="Europe/Berlin", by="test")


def everything(patient: Patient) -> list[list[tuple[Any, ...]]]:
    """What is stored of a patient, by the devices' names."""
    name = dict(patient.devices.values_list("pk", "name"))
    days = RecordingDay.objects.filter(device__patient=patient)
    resolved = ResolvedDay.objects.filter(patient=patient)
    nights = SleepEpisode.objects.filter(patient=patient)
    return [
        sorted((name[d.device_id], d.utc_day, d.channel, bytes(d.values), bytes(d.walks or b""))
               for d in days),
        sorted((r.utc_day, r.channel, [name[d] for d in r.devices], bytes(r.chosen))
               for r in resolved),
        sorted((n.start, n.end, name[n.device_id], n.is_chosen, n.stages) for n in nights),
    ]  # fmt: skip


@pytest.mark.parametrize("within", ["StepCount", "AsleepDeep", "HeartRateVariabilitySDNN"])
def test_an_export_is_the_same_rows_however_it_is_cut(
    tmp_path: Path, export: list[str], monkeypatch: pytest.MonkeyPatch, within: str
) -> None:
    whole, halves, piecemeal = (patient_enrol(code=c, zone="UTC", by="test") for c in "abc")
    told = store(whole, tmp_path, export)
    assert (told.changed, told.rejected) == (True, {})
    cut = next(n for n, record in enumerate(export) if within in record) + 33
    for half in (export[cut:], export[:cut]):
        assert store(halves, tmp_path, half).changed
    monkeypatch.setattr(storage, "RESOLVED_ROWS", 1)
    monkeypatch.setattr(spill, "PART_SECONDS", 30_000)
    store(piecemeal, tmp_path, export)
    days, resolved, nights = everything(whole)
    assert {name for name, *_ in days} == {"Apple Watch (Watch6,7)", "iPhone (iPhone12,8)"}
    assert any(len(devices) == 2 for _, _, devices, _ in resolved)
    assert [chosen for *_, chosen, _ in nights] == [True] * DAYS
    assert everything(halves) == everything(piecemeal) == [days, resolved, nights]
    assert not store(whole, tmp_path, export).changed
    assert everything(whole) == [days, resolved, nights]
