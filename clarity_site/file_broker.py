"""The broker that needs no server: kombu's folder of files, safe with many processes.

kombu writes a file in place, so that a process that lists the folder meanwhile reads half of it.
Here what is in the folders under a final name is whole, and what cannot be read is passed over:
the work itself is in rows, and a message only wakes a worker.
"""

import os
from contextlib import suppress
from pathlib import Path
from queue import Empty
from time import monotonic, time
from typing import Any
from uuid import UUID, uuid4

from kombu.transport import filesystem
from kombu.utils.json import dumps, loads

from clarity_site.logs import log

HIDDEN_AGE_S = 3600  # whoever writes or reads a hidden file needs it for a moment only


class Channel(filesystem.Channel):
    """Messages are renamed into the folder, and out of it, in one step each."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for folder in {self.data_folder_in, self.data_folder_out, self.control_folder}:
            _sweep(Path(folder))

    # kombu's own two disagree on the name of what is put.
    def _put(  # type: ignore[override]
        self, queue: str, payload: dict[str, Any], **_: Any
    ) -> None:
        """Add a message; OSError where the folder cannot be written."""
        name = f"{round(monotonic() * 1000)}_{uuid4()}.{queue}.msg"  # kombu reads them by name
        folder = Path(self.data_folder_out)
        _hidden(folder / name, dumps(payload)).replace(folder / name)

    def _get(self, queue: str, timeout: float | None = None) -> dict[str, Any]:
        """The oldest message that can be read; raises Empty without one."""
        for name in sorted(os.listdir(self.data_folder_in)):
            if name.partition(".")[2] == f"{queue}.msg":
                message = self._taken(Path(self.data_folder_in, name))
                if message is not None:
                    return message
        raise Empty

    def _taken(self, path: Path) -> dict[str, Any] | None:
        """The message, out of the folder; None if another was quicker or it cannot be read."""
        mine = path.with_name(f".{uuid4()}")
        try:
            path.rename(mine)
        except OSError:
            return None
        try:
            payload: dict[str, Any] = loads(mine.read_bytes())
            self.Message(payload, channel=self)  # as the worker does next
            return payload
        except Exception as error:  # whatever it is, the next start would meet it again
            log.warning("message passed over", extra={"why": type(error).__name__})
            return None
        finally:
            with suppress(OSError):
                mine.unlink()

    def _queue_bind(self, exchange: str, routing_key: str, pattern: str, queue: str) -> None:
        """Bind; a table of bindings that is not there yet begins whole, as an empty list."""
        table: Path = self._exchange_file(exchange)
        if not table.exists():
            fresh = _hidden(table, dumps([]))
            with suppress(FileExistsError):  # another process was quicker
                os.link(fresh, table)
            fresh.unlink()
        super()._queue_bind(exchange, routing_key, pattern, queue)


class Transport(filesystem.Transport):
    """kombu's, with the channel above."""

    Channel = Channel


def _hidden(beside: Path, text: str) -> Path:
    """A new file with that text in the same folder, under a name that nobody looks for."""
    path = beside.with_name(f".{uuid4()}")
    path.write_text(text, encoding="utf-8")
    return path


def _sweep(folder: Path) -> None:
    """Delete the hidden files left by processes that died between writing and renaming."""
    for path in folder.glob(".*"):
        with suppress(ValueError, OSError):  # not our name, or another was quicker
            UUID(path.name[1:])
            # Not st_mtime: a message may have waited long before it was renamed to be read.
            if time() - path.stat().st_ctime > HIDDEN_AGE_S:
                path.unlink()
