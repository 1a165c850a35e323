"""Train both tracks on simulated people and write the artefacts with their manifest."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, roc_auc_score

from scoring.domain.calibration import LogitCalibrator, expected_calibration_error
from scoring.domain.vector_names import VECTOR_NAMES
from scoring.engines.artifacts import Artifact, sha256_of
from scoring.learning.cohort import Vectors, Weeks
from scoring.learning.people import HYPOMANIA, MANIA

LICENCE = "same as the project; trained on simulated people only"
MADE_BY = "make train"
BATCH = 32
SPLIT = (0.7, 0.15)  # train, calibrate; the rest tests


@dataclass(frozen=True)
class Parts:
    """Rows for training, for calibration and early stopping, and for testing; by person."""

    train: NDArray[np.bool_]
    calibrate: NDArray[np.bool_]
    test: NDArray[np.bool_]


def split_by_person(people: NDArray[np.int64], seed: int) -> Parts:
    """Nobody is in two parts."""
    ids = np.random.default_rng(seed).permutation(np.unique(people))
    edges = (np.cumsum(SPLIT) * len(ids)).astype(int)
    groups = np.split(ids, edges)
    return Parts(*(np.isin(people, group) for group in groups))


def fitted_calibrator(labels: NDArray[np.floating], raw: NDArray[np.float64]) -> LogitCalibrator:
    """Platt's two numbers from people that did not train the model."""
    p = np.clip(raw, 1e-6, 1 - 1e-6)
    logits = np.log(p / (1 - p)).reshape(-1, 1)
    model = LogisticRegression(C=1e6).fit(logits, labels)
    return LogitCalibrator(float(model.coef_[0, 0]), float(model.intercept_[0]))


def measured(
    labels: NDArray[np.floating], raw: NDArray[np.float64], calibrator: LogitCalibrator
) -> dict[str, float]:
    """Discrimination and calibration on the test people."""
    p = np.array([calibrator(float(x)) for x in raw])
    return {
        "auroc": round(float(roc_auc_score(labels, p)), 4),
        "brier": round(float(brier_score_loss(labels, p)), 4),
        "ece": round(expected_calibration_error([bool(y) for y in labels], p.tolist()), 4),
        "prevalence": round(float(labels.mean()), 4),
        "n": int(len(labels)),
    }


def fit_depression(weeks: Weeks, folder: Path, size_name: str, seed: int, epochs: int) -> Artifact:
    """Train PAT with its head from scratch on the weeks; keep the best epoch."""
    from scoring.engines.depression import DepressionEngine
    from scoring.engines.pat import SIZES, build_classifier
    from scoring.engines.pat_h5 import save_classifier
    from scoring.engines.quiet_tensorflow import keras

    keras.utils.set_random_seed(seed)
    size, parts = SIZES[size_name], split_by_person(weeks.people, seed)
    model = build_classifier(size)
    steps = int(parts.train.sum()) // BATCH * epochs
    # The published rate for random weights; the published 1e-5 is for fine-tuning.
    rate = keras.optimizers.schedules.CosineDecay(0.0, steps, warmup_target=1e-3, warmup_steps=100)
    model.compile(keras.optimizers.Adam(rate), "binary_crossentropy")
    stop = keras.callbacks.EarlyStopping("val_loss", patience=4, restore_best_weights=True)
    history = model.fit(
        weeks.inputs[parts.train],
        weeks.labels[parts.train],
        validation_data=(weeks.inputs[parts.calibrate], weeks.labels[parts.calibrate]),
        batch_size=BATCH,
        epochs=epochs,
        callbacks=[stop],
        verbose=2,
    )
    path = folder / f"pat_{size_name.lower()}_depression.h5"
    save_classifier(model, size, path)
    engine = DepressionEngine(path, size)
    calibrator = fitted_calibrator(
        weeks.labels[parts.calibrate], engine.probabilities(weeks.inputs[parts.calibrate])
    )
    metrics = measured(
        weeks.labels[parts.test], engine.probabilities(weeks.inputs[parts.test]), calibrator
    )
    training = {
        "seed": seed,
        "size": size_name,
        "people": int(len(weeks.labels)),
        "epochs": len(history.history["loss"]),
        "calibrator": {"slope": calibrator.slope, "intercept": calibrator.intercept},
        "label": "PHQ-8 >= 10 on the scored day",
    }
    return artifact(path, "depression", "pat_classifier", training, metrics)


def fit_mania(vectors: Vectors, folder: Path, seed: int) -> list[Artifact]:
    """Train one booster for mania and one for hypomania on the vectors."""
    import xgboost as xgb

    parts = split_by_person(vectors.people, seed)
    artifacts = []
    for name, kind in (("mania", MANIA), ("hypomania", HYPOMANIA)):
        labels = (vectors.moods == kind).astype(np.float64)

        def matrix(rows: NDArray[np.bool_], y: NDArray[np.float64] = labels) -> xgb.DMatrix:
            return xgb.DMatrix(vectors.inputs[rows], y[rows], feature_names=list(VECTOR_NAMES))

        booster = xgb.train(
            {
                "objective": "binary:logistic",
                "eval_metric": "logloss",
                "max_depth": 4,
                "eta": 0.05,
                "min_child_weight": 10,
                "subsample": 0.8,
                "colsample_bytree": 0.5,
                "seed": seed,
                "nthread": 2,
            },
            matrix(parts.train),
            num_boost_round=400,
            evals=[(matrix(parts.calibrate), "calibrate")],
            early_stopping_rounds=30,
            verbose_eval=False,
        )
        booster = booster[: booster.best_iteration + 1]
        path = folder / f"boosted_{name}.json"
        booster.save_model(path)
        raw = booster.predict(matrix(parts.calibrate)).astype(np.float64)
        calibrator = fitted_calibrator(labels[parts.calibrate], raw)
        test = booster.predict(matrix(parts.test)).astype(np.float64)
        training = {
            "seed": seed,
            "people": int(len(np.unique(vectors.people))),
            "days": int(len(labels)),
            "trees": booster.num_boosted_rounds(),
            "calibrator": {"slope": calibrator.slope, "intercept": calibrator.intercept},
            "label": f"simulated {name} on the scored day",
        }
        metrics = measured(labels[parts.test], test, calibrator)
        artifacts.append(artifact(path, name, "booster", training, metrics))
    return artifacts


def artifact(
    path: Path, name: str, kind: str, training: dict[str, Any], metrics: dict[str, Any]
) -> Artifact:
    """The manifest's entry for a file just written."""
    return Artifact(
        folder=path.parent,
        name=name,
        file=path.name,
        sha256=sha256_of(path),
        kind=kind,
        version=f"sim-{training['seed']}",
        trained_on="simulated",
        training=training,
        licence=LICENCE,
        metrics=metrics,
        made_by=MADE_BY,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
