"""The broker without a server: whole messages only, and none that ends a worker."""

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from queue import Empty
from typing import Any
from uuid import uuid4

import pytest
from kombu import Connection
from kombu.transport import filesystem
from kombu.utils.json import loads

from clarity_site import file_broker
from clarity_site.celery import app, filesystem_transport
from clarity_site.file_broker import Channel
from clarity_site.processes import commands
from tests.conftest import ROOT

PATIENCE_S = 60
MESSAGE = {"body": "", "properties": {"delivery_tag": "1", "delivery_info": {}}}


@pytest.fixture
def channel(tmp_path: Path) -> Iterator[Channel]:
    options = filesystem_transport(tmp_path)
    where = app.conf.broker_transport
    with Connection("filesystem://", transport=where, transport_options=options) as connection:
        yield connection.channel()


def test_celery_uses_the_broker_whose_messages_are_whole(channel: Channel) -> None:
    with app.connection_for_write() as connection:
        assert isinstance(connection.channel(), Channel)
    assert isinstance(channel, Channel)


def test_messages_come_in_order_each_once_and_leave_nothing(
    channel: Channel, tmp_path: Path
) -> None:
    for number in range(3):
        channel._put("q", MESSAGE | {"headers": {"number": number}})
        time.sleep(0.002)  # kombu orders them by millisecond
    channel._put("other", MESSAGE)
    assert channel._size("q") == 3
    assert [channel._get("q")["headers"]["number"] for _ in range(3)] == [0, 1, 2]
    with pytest.raises(Empty):
        channel._get("q")
    assert channel._purge("other") == 1 and not list((tmp_path / "queue").iterdir())


BAD = [
    b"", b"{", b"\xff\xfe", b"null", b"5", b"[" * 100_000, b"{}", b'{"properties": {}}',
    b'{"properties": 1}',
    b'{"properties": {"delivery_tag": 1, "body_encoding": "base64"}, "body": "x"}',
    b'{"__type__": "uuid", "__value__": 5}',
]  # fmt: skip


@pytest.mark.parametrize("bad", BAD)
def test_a_message_that_cannot_be_read_is_passed_over_and_removed(
    channel: Channel, tmp_path: Path, bad: bytes
) -> None:
    (tmp_path / "queue" / "0_x.q.msg").write_bytes(bad)
    channel._put("q", MESSAGE)
    assert channel._get("q") == MESSAGE
    assert not list((tmp_path / "queue").iterdir())


def test_a_reader_beside_writers_meets_every_message_once_and_whole(
    channel: Channel, tmp_path: Path
) -> None:
    big = MESSAGE | {"headers": {"what": "x" * 100_000}}
    each, seen = 100, []
    writers = [
        threading.Thread(target=lambda: [channel._put("q", big) for _ in range(each)])
        for _ in range(2)
    ]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers) or channel._size("q"):
        for path in (tmp_path / "queue").glob("*.q.msg"):
            assert path.stat().st_size > 100_000
        try:
            seen.append(channel._get("q"))
        except Empty:
            continue
    assert len(seen) == 2 * each and all(message == big for message in seen)


def reopened(tmp_path: Path) -> None:
    options = filesystem_transport(tmp_path)
    where = app.conf.broker_transport
    with Connection("filesystem://", transport=where, transport_options=options) as connection:
        connection.channel()


@pytest.mark.parametrize(("age_s", "stays"), [(0, True), (3500, True), (3700, False)])
def test_hidden_files_of_the_dead_are_swept_when_they_are_old(
    channel: Channel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, age_s: float, stays: bool
) -> None:
    channel._put("q", MESSAGE)
    left = [tmp_path / folder / f".{uuid4()}" for folder in ("queue", "control")]
    others = [tmp_path / "queue" / name for name in (".keep", str(uuid4()))]
    for path in (*left, *others):
        path.write_text("{")
    monkeypatch.setattr(file_broker, "time", lambda: time.time() + age_s)
    reopened(tmp_path)
    assert [path.exists() for path in left] == [stays, stays]
    assert all(path.exists() for path in others) and channel._get("q") == MESSAGE


def test_a_message_that_waited_long_is_not_swept_while_it_is_read(
    channel: Channel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel._put("q", MESSAGE)
    [message] = (tmp_path / "queue").iterdir()
    os.utime(message, (0, 0))
    held: list[bool] = []

    def read(raw: bytes) -> Any:
        reopened(tmp_path)
        held.append(any((tmp_path / "queue").glob(".*")))
        return loads(raw)

    monkeypatch.setattr(file_broker, "loads", read)
    assert channel._get("q") == MESSAGE and held == [True]


def test_a_table_of_bindings_is_never_there_empty(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """kombu opens a new table, locks it and then writes: who binds just then would read nothing."""
    sizes: list[int] = []

    def lock(file: Any, how: int) -> None:
        sizes.append(os.fstat(file.fileno()).st_size)
        real(file, how)

    real = filesystem.lock
    monkeypatch.setattr(filesystem, "lock", lock)
    for number in range(2):
        channel._queue_bind("some", "", "", f"q{number}")
    assert [row.queue for row in channel.get_table("some")] == ["q1", "q0"]
    assert len(sizes) == 3 and all(sizes)
    assert not [path for path in channel.control_folder.iterdir() if path.name.startswith(".")]


def test_an_empty_message_does_not_end_a_worker(tmp_path: Path) -> None:
    queue = tmp_path / "broker" / "queue"
    queue.mkdir(parents=True)
    [command] = [words for words in commands(0) if "default,ehr" in words]
    told = {"CLARITY_STATE_DIR": str(tmp_path), "PYTHONWARNINGS": "ignore", "SECRET_KEY": "x" * 50}
    environment = {k: v for k, v in os.environ.items() if k != "CELERY_BROKER_URL"} | told
    with (tmp_path / "log").open("wb") as log:
        worker = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        for number in range(2):  # one it finds at its start, one while it runs
            bad = queue / f"{number}_x.default.msg"
            bad.touch()
            deadline = time.monotonic() + PATIENCE_S
            while bad.exists() and worker.poll() is None and time.monotonic() < deadline:
                time.sleep(0.1)
            assert not bad.exists()
        time.sleep(1)
        assert worker.poll() is None
    finally:
        worker.terminate()
        try:
            worker.wait(10)
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()
    said = (tmp_path / "log").read_text()
    assert said.count("message passed over") == 2 and "Traceback" not in said
