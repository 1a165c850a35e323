"""Wall time and memory of the main job: from a file to a decision."""

import resource
import subprocess
import sys
import time
from datetime import timedelta

from tests.conftest import ROOT

WEEK = ROOT.parent / "shared/data/lightlogr/205_actlumus_Log_1020_20230904101707532.txt"
EXPLAINED, PLAIN = 7, 23  # as in a night that catches up 30 days


def bench_analyse() -> None:
    """`analyse` on a real week, as a process of its own."""
    if not WEEK.is_file():
        print("analyse: the reference folder ../shared is not here")
        return
    command = [sys.executable, str(ROOT / "manage.py"), "analyse", str(WEEK)]
    began = time.monotonic()
    subprocess.run(
        [*command, "--timezone", "Europe/Berlin", "--json"], check=True, capture_output=True
    )
    wall_s = time.monotonic() - began
    peak_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"analyse: {wall_s:.1f} s, peak RSS {peak_mb:.0f} MB")


def bench_features_and_scoring() -> None:
    """Features of 35 days, then 30 days of scores as the nightly job makes them, no database."""
    import django

    django.setup()
    from patients.domain.days import ZoneHistory
    from scoring.domain.daily import daily_features
    from scoring.domain.router import Antidepressant
    from scoring.domain.types import PersonData
    from scoring.engines.assess import assess_day
    from scoring.resources import feature_labels, models, router_rules
    from tests.people import DAYS, LAST_DAY, ZONE, recording

    what = recording()
    series = {s.channel: s for s in what.series}
    person = PersonData.of(ZoneHistory.of(ZONE), series, what.family, what.sleep)
    began = time.monotonic()
    days = [f for f, _ in daily_features(person, LAST_DAY - timedelta(days=DAYS - 1), LAST_DAY)]
    print(f"features: {(time.monotonic() - began) / DAYS * 1000:.1f} ms a patient-day")

    def score(days_ago: int, explain: bool) -> None:
        assess_day(
            person,
            days,
            LAST_DAY - timedelta(days=days_ago),
            Antidepressant.NONE,
            models(),
            router_rules(),
            feature_labels(),
            explain,
        )

    began = time.monotonic()
    score(0, True)
    print(f"models loaded and the first day scored: {time.monotonic() - began:.1f} s")
    for name, count, explain in (("explained", EXPLAINED, True), ("plain", PLAIN, False)):
        began = time.monotonic()
        for days_ago in range(count):
            score(days_ago, explain)
        print(f"scoring, {name}: {(time.monotonic() - began) / count * 1000:.0f} ms a patient-day")


def main() -> None:
    """Print the figures."""
    bench_analyse()
    bench_features_and_scoring()
