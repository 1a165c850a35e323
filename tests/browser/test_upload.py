"""Uploading history files in a real browser: progress, the receipt's end, and refusals."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from patients.models import RecordingFile, Role, Upload
from patients.upload_queue import uploads_drain
from tests.browser.test_journey import Visit
from tests.patients.ingest.builders import actlumus_rows, write_actlumus

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_files_are_uploaded_one_by_one_and_followed_to_the_end(
    chromium: Browser, clinic: dict[str, Any], live_server: Any, settings: Any, tmp_path: Path
) -> None:
    settings.UPLOAD_DIR = tmp_path / "uploads"
    good = write_actlumus(tmp_path / "nächte.txt", actlumus_rows(datetime(2026, 3, 1, 9), 360))
    bad = tmp_path / "letter.txt"
    bad.write_text("Dear all")
    before = RecordingFile.objects.count()
    context = chromium.new_context(base_url=live_server.url)
    visit = Visit(context.new_page(), live_server.url)
    visit.watch()
    visit.log_in(Role.COORDINATOR)
    sent: list[Any] = []
    visit.page.on(
        "request", lambda request: sent.append(request) if request.method == "POST" else None
    )
    page = visit.page
    page.goto("/patients/CL-0107/data/")
    expect(page.get_by_label("Time zone of the recordings")).to_have_value("patient")
    page.get_by_label("Files to add").set_input_files([good, bad])
    page.get_by_label("Time zone of the recordings").select_option("Europe/Berlin")
    page.get_by_role("button", name="Upload").click()
    lines = page.locator("#uploads li")
    expect(lines).to_have_count(2)
    for name in ("nächte.txt", "letter.txt"):
        expect(lines.filter(has_text=name)).to_contain_text("waits to be read")
        expect(lines.filter(has_text=name).locator("progress")).to_be_visible()
    Upload.objects.filter(state="received").update(state="processing", claimed_at=None)
    expect(lines.filter(has_text="nächte.txt")).to_contain_text("is being read")
    Upload.objects.filter(state="processing").update(state="received")
    assert [request.headers["x-file-name"] for request in sent] == ["n%C3%A4chte.txt", "letter.txt"]
    assert not [request.url for request in sent if "txt" in request.url]
    assert uploads_drain(on_change=lambda _: None) == 2
    night = lines.filter(has_text="nächte.txt")
    expect(night).to_contain_text("stored 1 day, 60 minutes of ActLumus", timeout=15_000)
    letter = lines.filter(has_text="letter.txt")
    expect(letter).to_contain_text("rejected: The file is in no known format", timeout=15_000)
    expect(lines.locator("progress")).to_have_count(0)
    assert RecordingFile.objects.count() == before + 1
    assert RecordingFile.objects.latest("id").zone == "Europe/Berlin"
    assert not visit.failures and visit.hosts == {live_server.url.split("//")[1]}
    page.get_by_label("Files to add").set_input_files([bad, tmp_path / "nächte.txt"])
    Upload.objects.all().delete()
    bad.write_text("")  # it shrank after it was chosen: the browser or the server refuses it
    page.get_by_role("button", name="Upload").click()
    expect(lines.filter(has_text="letter.txt").first).to_contain_text("not taken")
    expect(lines.filter(has_text="nächte.txt").first).to_contain_text("waits to be read")
    context.close()
