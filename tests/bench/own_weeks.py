"""PAT in the depression engine, in turns: WEIGHTS.h5 WEEKS.npy THREADS SIZE."""

import sys
from pathlib import Path

import numpy as np

from scoring.engines.quiet_tensorflow import tf
from tests.bench.comparators.turns import take_turns


def main() -> None:
    """As `turns` says."""
    weights, weeks, threads, size = sys.argv[1:]
    tf.config.threading.set_intra_op_parallelism_threads(int(threads))
    tf.config.threading.set_inter_op_parallelism_threads(1)
    from scoring.engines.depression import DepressionEngine
    from scoring.engines.pat import SIZES

    engine, inputs = DepressionEngine(Path(weights), SIZES[size]), np.load(weeks)
    take_turns(lambda: engine.probabilities(inputs).tolist())


if __name__ == "__main__":
    main()
