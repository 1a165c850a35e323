"""`make check-delivery`: alerts change while the EHR, the network and the workers fail.

python -m tests.delivery [--alerts 1000] [--seed 0] [--only NAME]   (NAME of kinds.KINDS)

A real FHIR server behind a gateway that injects faults; workers are processes that are killed at
random; the server is restarted; tokens expire. Waits are shortened (see worker.py), nothing else.
Prints what was sent, what arrived and what the EHR holds; ends with 1 if anything is not so.
"""

import argparse
import os
import sys
import tempfile


def main() -> int:
    """Try every kind of EHR, or the one that is named."""
    parser = argparse.ArgumentParser(description="Deliver alerts while everything fails.")
    parser.add_argument("--alerts", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as state:
        os.environ |= {
            "CLARITY_STATE_DIR": state,
            "DJANGO_SETTINGS_MODULE": "clarity_site.settings",
            "LOG_LEVEL": "ERROR",
            "TF_CPP_MIN_LOG_LEVEL": "3",
        }
        os.environ.pop("DATABASE_URL", None)
        import django

        django.setup()
        from django.core.management import call_command

        from tests.delivery.kinds import KINDS
        from tests.delivery.trial import tried

        call_command("migrate", verbosity=0)
        kinds = [kind for kind in KINDS if options.only in ("", kind.name)]
        well = [tried(kind, options.alerts, options.seed) for kind in kinds]
    return 0 if well and all(well) else 1


if __name__ == "__main__":
    sys.exit(main())
