"""The clinic with every state on a live server, outside pytest: for `make check-axe` and others."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import django

OTHERS_END = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()"""
PLAIN = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}


@contextmanager
def served(build: Callable[[], Any] | None = None) -> Iterator[tuple[str, Any]]:
    """A live server's address and what ``build`` made in its (test) database, both gone after.

    Without ``build`` it is the clinic with every state.
    """
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # Playwright's loop runs in this thread
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clarity_site.settings")
    os.environ.setdefault("LOG_LEVEL", "CRITICAL")
    django.setup()
    from django.conf import settings
    from django.contrib.staticfiles.handlers import StaticFilesHandler
    from django.db import connection
    from django.test.testcases import LiveServerThread
    from django.test.utils import (
        setup_databases,
        setup_test_environment,
        teardown_databases,
        teardown_test_environment,
    )

    setup_test_environment()
    settings.STORAGES = settings.STORAGES | {"staticfiles": PLAIN}
    # Its own, so that tests may run beside it.
    settings.DATABASES["default"].setdefault("TEST", {})["NAME"] = f"test_served_{os.getpid()}"
    databases = setup_databases(verbosity=0, interactive=False)
    server = LiveServerThread("127.0.0.1", StaticFilesHandler)
    try:
        from tests.browser.states import build_every_state

        made = (build or build_every_state)()
        server.daemon = True
        server.start()
        server.is_ready.wait()
        if server.error:
            raise server.error
        yield f"http://127.0.0.1:{server.port}", made
    finally:
        server.terminate()
        with connection.cursor() as cursor:  # the server's threads leave theirs open
            cursor.execute(OTHERS_END)
        teardown_databases(databases, verbosity=0)
        teardown_test_environment()
