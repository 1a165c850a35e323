"""The depression track: PAT with its head, trained or fine-tuned on weeks, then calibrated."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.engines.artifacts import Artifact
from scoring.learning.calibrate import calibrator_of
from scoring.learning.checkpoints import Checkpoints
from scoring.learning.cohort import Weeks
from scoring.learning.encoder import encoder_told, licence_with, verified_encoder
from scoring.learning.fit import artifact

BATCH = 32
WARM_UP_STEPS = 100
PATIENCE = 3  # epochs
FINE_TUNING_RATE = 1e-5  # as published for S and M
# Real sensors are scaled and noisier than simulated ones: assumption.
SCALE_SD, SHIFT_SD = 0.15, 0.02


@dataclass(frozen=True)
class Plan:
    """How a training runs. ``rate`` is the highest learning rate, 1e-3 for random weights (the
    published one of pre-training); the published 1e-5 is for fine-tuning.
    """

    size: str = "S"
    epochs: int = 1  # simulated people are cheap: new ones teach more than the same again
    rate: float = 1e-3
    batch: int = BATCH
    encoder: Path | None = None
    resume: Checkpoints | None = None
    mixed_precision: bool = False


def fit_depression(
    train: Weeks, stop: Weeks, calibrate: Weeks, plan: Plan, folder: Path, seed: int
) -> Artifact:
    """Train on ``train``, stop early by ``stop``, calibrate on ``calibrate``: all other people."""
    from scoring.engines.depression import DepressionEngine
    from scoring.engines.pat import SIZES
    from scoring.engines.pat_h5 import save_classifier

    size = SIZES[plan.size]
    model, epochs = trained(train, stop, plan, seed)
    path = folder / f"pat_{plan.size.lower()}_depression.h5"
    save_classifier(model, size, path)
    raw = DepressionEngine(path, size).probabilities(calibrate.inputs.astype(np.float32))
    calibrator = calibrator_of(calibrate.labels.astype(np.float64), raw, calibrate.people)
    training = {
        "seed": seed,
        "size": plan.size,
        "people": int(len(train.labels)),
        "epochs": epochs,
        "rate": plan.rate,
        "calibrator": calibrator.as_dict(),
        "calibrated_on": f"{len(calibrate.labels)} people that it was not trained on",
        "label": "PHQ-8 >= 10 on the scored day",
    }
    if plan.encoder is None:
        return artifact(path, "depression", "pat_classifier", training, {})
    told = encoder_told(plan.encoder)
    made = artifact(path, "depression", "pat_classifier", training | told, {})
    # "simulated" stays: whatever the encoder saw, a probability means what it does of these.
    return replace(made, licence=licence_with(made.licence, told))


def trained(train: Weeks, held: Weeks, plan: Plan, seed: int) -> tuple[Any, int]:
    """The Keras classifier with its best epoch's weights, and how many epochs it took.

    With ``resume`` the training is kept there, and one that was cut off goes on; its earlier
    epochs count. Several GPUs share a batch where TensorFlow sees them.
    """
    from scoring.engines.pat import SIZES, build_classifier
    from scoring.engines.pat_h5 import load_encoder
    from scoring.engines.quiet_tensorflow import keras
    from scoring.learning.keras_run import fit, precision, shuffled, strategy

    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)

    def take(rows: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        return augmented(rng, train.inputs[rows].astype(np.float32)), train.labels[rows]

    with precision(plan.mixed_precision):
        with strategy().scope():
            model = build_classifier(SIZES[plan.size])
            if plan.encoder:
                encoder = model.get_layer("encoder_model")
                load_encoder(encoder, SIZES[plan.size], verified_encoder(plan.encoder))
            steps = max(len(train.labels) // plan.batch * plan.epochs, WARM_UP_STEPS + 1)
            rate = keras.optimizers.schedules.CosineDecay(
                0.0, steps - WARM_UP_STEPS, warmup_target=plan.rate, warmup_steps=WARM_UP_STEPS
            )
            model.compile(keras.optimizers.Adam(rate), "binary_crossentropy")
        shapes = ((None, train.inputs.shape[1]), (None,))
        progress = fit(
            model,
            shuffled(take, len(train.labels), plan.batch, seed, shapes),
            (held.inputs.astype(np.float32), held.labels),
            plan.epochs,
            PATIENCE,
            plan.resume,
        )
    return model, progress.epochs


def fine_tuned(
    weights: Path, size: str, weeks: NDArray[np.float16], labels: NDArray[np.bool_], seed: int
) -> Any:
    """The classifier of those weights after one epoch over weeks (n, 10080) and their labels."""
    from scoring.engines.pat import SIZES, build_classifier
    from scoring.engines.pat_h5 import load_classifier
    from scoring.engines.quiet_tensorflow import keras

    keras.utils.set_random_seed(seed)
    model = build_classifier(SIZES[size])
    load_classifier(model, SIZES[size], weights)
    model.compile(keras.optimizers.Adam(FINE_TUNING_RATE), "binary_crossentropy")
    model.fit(weeks.astype(np.float32), labels.astype(np.float32), BATCH, verbose=0)
    return model


def augmented(rng: np.random.Generator, weeks: NDArray[np.float32]) -> NDArray[np.float32]:
    """Weeks (n, 10080), each scaled and shifted as another sensor might; unworn minutes stay 0."""
    scale = np.exp(rng.normal(0, SCALE_SD, (len(weeks), 1)))
    shift = rng.normal(0, SHIFT_SD, (len(weeks), 1))
    return np.where(weeks == 0, 0, weeks * scale + shift).astype(np.float32)
