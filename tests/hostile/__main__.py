"""`make check-hostile`: at least 2,000 hostile uploads, none of which may do harm.

python -m tests.hostile [--count 2000] [--seed 0] [--only "file 137"]

A failure names the upload; the same seed and count bring the same uploads again.
"""

import argparse
import os
import sys
import tempfile

LONGEST = 400  # of a failure


def main() -> int:
    """Bring them all; 1 if anything happened that must not."""
    parser = argparse.ArgumentParser(description="Bring hostile uploads and look what happens.")
    parser.add_argument("--count", type=int, default=2000, help="How many mutated ones.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="The name of one upload.")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as state:
        os.environ |= {
            "CLARITY_STATE_DIR": state,
            "DJANGO_SETTINGS_MODULE": "clarity_site.settings",
            "LOG_LEVEL": "CRITICAL" if not options.only else "ERROR",
        }
        os.environ.pop("DATABASE_URL", None)
        return bring(options.count, options.seed, options.only)


def bring(count: int, seed: int, only: str) -> int:
    """Run in this process, on a database of its own."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.test.utils import setup_test_environment

    from tests.hostile.checks import open_clinic
    from tests.hostile.run import Run

    setup_test_environment()
    call_command("migrate", verbosity=0)
    run = Run(open_clinic(), only)
    run.crafted()
    run.mutated(count, seed)
    print(run.table())
    for failure in run.failures():
        print(f"FAILED {failure[:LONGEST]}")
    return int(bool(run.failures()))


if __name__ == "__main__":
    sys.exit(main())
