"""A big clinic behind gunicorn as `make serve` starts it: two web processes of four threads."""

import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import django

from tests.bench.api import free_port, wait_for_web
from tests.bench.big_clinic import BigClinic, build_big_clinic
from tests.conftest import ROOT

FULL, QUICK = (1_000, 730), (60, 90)  # patients, scored days of each


@contextmanager
def served(size: tuple[int, int], clinicians: int = 50) -> Iterator[tuple[int, BigClinic]]:
    """The port and the clinic, in a database of the bench's own state folder."""
    django.setup()
    from django.core.management import call_command

    from clarity_site.processes import commands

    call_command("migrate", verbosity=0)
    call_command("collectstatic", verbosity=0, interactive=False)
    began = time.monotonic()
    clinic = build_big_clinic(*size, clinicians=clinicians)
    print(
        f"{size[0]} patients of {size[1]} scored days: {time.monotonic() - began:.0f} s", flush=True
    )
    port = free_port()
    [web] = [command for command in commands(port) if "gunicorn" in command]
    log = Path(os.environ["CLARITY_STATE_DIR"]) / "web.log"
    with log.open("wb") as told:
        process = subprocess.Popen(
            web, cwd=ROOT, env=os.environ | {"PYTHONWARNINGS": "ignore"},
            stdout=subprocess.DEVNULL, stderr=told,
        )  # fmt: skip
        try:
            wait_for_web(port)
            yield port, clinic
        finally:
            process.terminate()
            process.wait(20)


def at(values: Sequence[float], share: float) -> float:
    """The value below which that share lies; 0 of none.

    >>> at([3.0, 1.0, 2.0], 0.5), at([], 0.95)
    (2.0, 0.0)
    """
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else 0.0
