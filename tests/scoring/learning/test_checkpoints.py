"""A training that was cut off goes on where it was, once and as one training."""

import json
import signal
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from scoring.domain.pat_window import WEEK_MINUTES
from scoring.engines.artifacts import load_manifest, verified_path
from scoring.engines.quiet_tensorflow import keras
from scoring.learning import fit_depression, keras_run, train
from scoring.learning.checkpoints import STATE, Checkpoints, Progress
from scoring.learning.cohort import Weeks
from scoring.learning.encoder import encoder_told
from scoring.learning.keras_run import fit, shuffled
from scoring.learning.references import read_references
from scoring.resources import ARTIFACTS

ROWS = np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32)
TOLD = (ROWS.sum(axis=1) > 0).astype(np.float32)
BATCHES = 5  # an epoch


class CutOff(RuntimeError):
    """In place of a plug that is pulled."""


class Run:
    """A small training that is cut off when batch ``until`` is asked for."""

    def __init__(self, folder: Path | None, until: int | None = None) -> None:
        self.seen: list[list[int]] = []
        self.until, self.kept = until, Checkpoints(folder, "a test") if folder else None
        keras.utils.set_random_seed(1)
        self.model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(1, "sigmoid")])
        self.model.compile(keras.optimizers.Adam(0.1), "binary_crossentropy")

    def go(self, epochs: int, patience: int = 9, held: Any = TOLD) -> Progress:
        data = shuffled(self.take, len(ROWS), 8, 1, ((None, 6), (None,)))
        return fit(self.model, data, (ROWS, held), epochs, patience, self.kept)

    def take(self, rows: Any) -> tuple[Any, Any]:
        if self.until is not None and len(self.seen) >= self.until:
            raise CutOff
        self.seen.append(rows.tolist())
        return ROWS[rows], TOLD[rows]


@pytest.fixture(autouse=True)
def each_batch_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keras_run, "KEPT_EVERY", 1)


def same(one: keras.Model, other: keras.Model) -> bool:
    pairs = zip(one.get_weights(), other.get_weights(), strict=True)
    return all(np.allclose(a, b, atol=1e-6) for a, b in pairs)


@pytest.mark.parametrize("until", [3, 5, 8, 14])
def test_what_was_cut_off_ends_as_if_it_had_not_been(tmp_path: Path, until: int) -> None:
    whole = Run(None)
    progress = whole.go(3)
    with pytest.raises(Exception, match="CutOff"):
        Run(tmp_path, until).go(3)
    kept = json.loads((tmp_path / STATE).read_text())
    done = BATCHES * len(kept["val_loss"]) + kept["batch"]
    assert until - 2 <= done <= until
    again = Run(tmp_path)
    told = again.go(3)
    assert again.seen == whole.seen[done:]  # no batch twice, none left out
    assert again.model.optimizer.iterations.numpy() == 3 * BATCHES
    assert told.epochs == 3 and told.val_loss == pytest.approx(progress.val_loss, abs=1e-6)
    assert same(again.model, whole.model)
    assert not list(tmp_path.iterdir())  # it ended


def test_the_best_epoch_and_how_long_ago_it_was_outlive_the_cut(tmp_path: Path) -> None:
    """On people whose answers are the other way round each epoch is worse than the one before."""
    first = Run(None)
    first.go(1, held=1 - TOLD)
    with pytest.raises(Exception, match="CutOff"):
        Run(tmp_path, until=2 * BATCHES + 1).go(9, 2, 1 - TOLD)
    again = Run(tmp_path)
    told = again.go(9, 2, 1 - TOLD)
    assert told.epochs == 3 and told.best_epoch == 0  # two epochs since the best: stopped
    assert len(again.seen) <= BATCHES and same(again.model, first.model)


def test_another_training_s_folder_is_refused_and_other_files_in_it_are_left(
    tmp_path: Path,
) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(Exception, match="CutOff"):
        Run(tmp_path, until=3).go(2)
    words = ("--weeks=64", "--epochs=1", f"--resume={tmp_path}", f"--out={tmp_path / 'made'}")
    for command in ("pretrain_pat", "train_depression"):
        with pytest.raises(CommandError, match="keeps another training .a test.: give the options"):
            call_command(command, *words)
    (tmp_path / STATE).write_text("[1]")
    with pytest.raises(CommandError, match="no kept training: give --resume a new folder"):
        call_command("pretrain_pat", *words)
    (tmp_path / STATE).unlink()
    Run(tmp_path).go(1)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def weeks(count: int) -> Weeks:
    rng = np.random.default_rng(2)
    inputs = rng.normal(size=(count, WEEK_MINUTES)).astype(np.float16)
    return Weeks(inputs, np.arange(count) % 2 == 0, np.arange(count))


def test_one_epoch_of_the_depression_track_goes_on_within_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One epoch, as it is shipped."""
    plan = fit_depression.Plan(epochs=1, batch=8, resume=Checkpoints(tmp_path, "this"))
    noise, taken = fit_depression.augmented, 0

    def cut(rng: np.random.Generator, rows: Any) -> Any:
        nonlocal taken
        taken += 1
        if taken == 4:
            raise CutOff
        return noise(rng, rows)

    with monkeypatch.context() as patched:
        patched.setattr(fit_depression, "augmented", cut)
        with pytest.raises(Exception, match="CutOff"):
            fit_depression.trained(weeks(40), weeks(8), plan, seed=1)
    kept = json.loads((tmp_path / STATE).read_text())
    assert kept["val_loss"] == [] and 0 < kept["batch"] <= 3
    model, epochs = fit_depression.trained(weeks(40), weeks(8), plan, seed=1)
    assert epochs == 1 and model.optimizer.iterations.numpy() == BATCHES


KILLED = """
import os, signal, sys
import django
django.setup()
from django.core.management import call_command
from scoring.engines.artifacts import load_manifest
from scoring.learning import train
from scoring.learning.checkpoints import Checkpoints
from scoring.learning.references import read_references
from scoring.resources import ARTIFACTS
known = read_references(load_manifest(ARTIFACTS)["references"])
train.simulated_references = lambda *_: known  # minutes, else
save = Checkpoints.save
def killed(self, *given):
    save(self, *given)
    os.kill(os.getpid(), signal.SIGKILL)
Checkpoints.save = killed
call_command(*sys.argv[1:])
"""


def test_a_killed_pre_training_goes_on_from_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = read_references(load_manifest(ARTIFACTS)["references"])
    monkeypatch.setattr(train, "simulated_references", lambda *_: known)  # minutes, else
    words = ("pretrain_pat", "--weeks=64", "--epochs=2", "--seed=3", f"--out={tmp_path / 'made'}")
    resume = f"--resume={tmp_path / 'kept'}"
    killed = subprocess.run([sys.executable, "-c", KILLED, *words, resume], capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()[-2000:]
    kept = json.loads((tmp_path / "kept" / STATE).read_text())
    assert len(kept["val_loss"]) == 1 and not (tmp_path / "made").exists()
    call_command(*words, resume, stdout=(told := StringIO()))
    assert "pat_s_encoder.h5: 2 epochs" in told.getvalue()
    made = load_manifest(tmp_path / "made")["encoder_s"]
    path = verified_path(made)
    assert made.training["epochs"] == 2 and made.made_by.startswith("manage.py pretrain_pat --seed")
    beside = encoder_told(path)  # what a fine-tuning from it will say
    assert beside["encoder_trained_on"] == "simulated"
    assert beside["encoder_licence"].startswith("no licence given yet: ask the makers")
    assert not list((tmp_path / "kept").iterdir())
