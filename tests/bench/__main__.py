"""`make bench`: speed, memory and size on this machine, each in a process of its own.

python -m tests.bench [NAME …] [--quick], with names of BENCHES.
"""

import os
import subprocess
import sys
import tempfile

BENCHES = (
    *("main_job", "models", "rhythm", "nightly", "storage", "api", "apple"),
    *("panel", "record", "queue", "journey", "browser", "delivery", "cds"),
)
ONE = "import sys; from importlib import import_module; import_module(sys.argv[1]).main()"


def main() -> None:
    """Run the benches named on the command line, or all; options are for each of them."""
    options = [word for word in sys.argv[1:] if word.startswith("--")]
    names = [word for word in sys.argv[1:] if word not in options]
    for name in names or BENCHES:
        print(f"== {name}", flush=True)
        with tempfile.TemporaryDirectory() as state:
            environment = {
                "CLARITY_STATE_DIR": state,
                "DJANGO_SETTINGS_MODULE": "clarity_site.settings",
                "TF_CPP_MIN_LOG_LEVEL": "3",
                "LOG_LEVEL": "WARNING",
            }
            subprocess.run(
                [sys.executable, "-c", ONE, f"tests.bench.{name}", *options],
                check=True,
                env=os.environ | environment,
            )


if __name__ == "__main__":
    main()
