"""A huge Apple Health export, from the file into the database, against a bare pass over its XML.

python -m tests.bench apple [--quick]     (--quick leaves out the 2,000 MB)
"""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import django

from tests.conftest import ROOT
from tests.generators.apple_export import write_export

SIZES_MB = (50, 520, 2000)
RATIO_MB, MOST_TIMES = 520, 2.5
MOST_RSS_MB, MOST_GROWTH = 150, 0.10
BARE = """
import sys
from lxml import etree
for _, element in etree.iterparse(sys.argv[1], recover=True):
    element.clear()
"""

# A small process of its own, because Linux counts the parent's memory before exec as the child's.
MEASURE = """
import os, subprocess, sys, time
began = time.monotonic()
quiet = subprocess.DEVNULL
process = subprocess.Popen(sys.argv[1:], stdout=quiet, stderr=quiet)
_, status, usage = os.wait4(process.pid, 0)
print(time.monotonic() - began, usage.ru_maxrss, status)
"""


def main() -> None:
    """Print the times, their ratio, and the peak memory at each size."""
    django.setup()
    from django.core.management import call_command

    # The database runs as long as this process, as it does in a clinic.
    call_command("migrate", verbosity=0)
    peaks = []
    for mb in SIZES_MB[:-1] if "--quick" in sys.argv else SIZES_MB:
        with TemporaryDirectory() as folder:
            peaks.append(_bench(Path(folder) / "export.xml", mb))
    growth = max(peaks) / min(peaks) - 1
    print(f"peak RSS at all sizes: within {growth:.1%} (at most {MOST_GROWTH:.0%})")


def _bench(path: Path, mb: int) -> float:
    count = write_export(path, mb)
    print(f"{path.stat().st_size / 1e6:,.0f} MB, {count:,} records", flush=True)
    bare_s = None
    if mb == RATIO_MB:
        bare_s, bare_mb = _measured([sys.executable, "-c", BARE, str(path)])
        print(f"  bare iterparse: {bare_s:.1f} s, peak RSS {bare_mb:.0f} MB", flush=True)
    ingest = [sys.executable, str(ROOT / "manage.py"), "ingest_file", str(path)]
    wall_s, peak_mb = _measured([*ingest, "--patient", f"p{mb}", "--timezone", "Europe/Berlin"])
    print(f"  ingest_file: {wall_s:.1f} s, peak RSS {peak_mb:.0f} MB (at most {MOST_RSS_MB})")
    if bare_s:
        print(f"  ratio: {wall_s / bare_s:.2f} (at most {MOST_TIMES})", flush=True)
    return peak_mb


def _measured(command: list[str]) -> tuple[float, float]:
    """Wall seconds of a process, and its peak memory in MB (2²⁰ bytes), its own alone."""
    told = subprocess.run([sys.executable, "-c", MEASURE, *command], capture_output=True, text=True)
    if told.returncode:
        raise RuntimeError(told.stderr[-500:])
    wall_s, peak_kb, status = map(float, told.stdout.split())
    if status:
        raise RuntimeError(f"{command[1:3]} ended with {status:g}")
    return wall_s, peak_kb / 1024
