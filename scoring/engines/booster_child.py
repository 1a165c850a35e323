"""The process in which XGBoost first meets a file that nobody trusts: bytes in, JSON out.

XGBoost's readers are native code for files one has made oneself; a crafted one ends the process
or takes its memory. This script is run by path and imports nothing of the project, so a crash
costs only itself. Standard input is a model (JSON or UBJ) or, with the argument "snapshot", the
bytes inside a pickled booster; standard output is the model as JSON.
"""

import resource
import sys
import warnings

MEMORY_BYTES = 4 << 30
CPU_SECONDS = 60
MOST_JSON_BYTES = 128 << 20
NO_MODEL, TOO_LARGE = 3, 4  # exit codes


def main() -> int:
    """Read, write, and say by the exit code why not."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # writes no file, no core dump either
    warnings.simplefilter("ignore")
    import xgboost as xgb

    xgb.set_config(verbosity=0)
    data = bytearray(sys.stdin.buffer.read())
    try:
        booster = xgb.Booster()
        if "snapshot" in sys.argv:
            booster.__setstate__({"handle": data})
        else:
            booster.load_model(data)
        model = bytes(booster.save_raw("json"))
    except (xgb.core.XGBoostError, MemoryError):
        return NO_MODEL
    if len(model) > MOST_JSON_BYTES:
        return TOO_LARGE
    sys.stdout.buffer.write(model)
    return 0


if __name__ == "__main__":
    sys.exit(main())
