"""Both models: PAT beside onnxruntime, the boosters on many vectors, one patient explained.

python -m tests.bench models
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np

from tests.bench.environments import COMPARATORS, environment
from tests.conftest import ROOT

SIZE, WEEKS, THREADS, ROUNDS = "M", 100, 2, 9
CHUNKS = (1, 4)  # weeks at once in onnxruntime: which is faster depends on the machine
MOST_TIMES, MOST_MB, MOST_APART = 1.25, 1200, 1e-4
VECTORS, MOST_VECTORS_S = 10_000, 10
PATIENT_DAYS, MOST_PATIENT_S = 7, 1


def main() -> None:
    """Print each figure with its limit, and how busy the machine is with other things."""
    print(f"load before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as folder:
        weights = random_weights(Path(folder) / f"pat_{SIZE.lower()}.h5")
        bench_weeks(weights)
        bench_vectors()
        bench_patient(Path(folder) / "models", weights)


def random_weights(path: Path) -> Path:
    """PAT with its head, biases too, from a seed, in the published layout."""
    from scoring.engines.pat import SIZES, build_classifier
    from scoring.engines.pat_h5 import save_classifier

    rng, model = np.random.default_rng(12345), build_classifier(SIZES[SIZE])
    for weight in model.weights:
        if len(weight.shape) > 1:
            read = weight.shape[:-1] if "attention_output" in weight.path else weight.shape[:1]
            weight.assign(rng.normal(0, np.sqrt(1.5 / np.prod(read)), weight.shape))
        else:
            weight.assign(rng.normal("gamma" in weight.path, 0.05, weight.shape))
    save_classifier(model, SIZES[SIZE], path)
    return path


def random_weeks(path: Path) -> Path:
    """Standardised weeks of people who move little to people who move much."""
    noise = np.random.default_rng(1).standard_normal((WEEKS, 10_080))
    np.save(path, (noise * np.linspace(0.1, 3, WEEKS)[:, None]).astype(np.float32))
    return path


def bench_weeks(weights: Path) -> None:
    """The engine and onnxruntime in turn, so that what others do on the machine slows both."""
    from scoring.engines.pat import SIZES

    weeks = random_weeks(weights.with_name("weeks.npy"))
    commands = {
        "own": [sys.executable, "-m", "tests.bench.own_weeks", weights, weeks, THREADS, SIZE]
    }
    python = environment("onnxruntime")
    if python is None:
        print("  onnxruntime: cannot be installed here")
    else:
        model = weights.with_suffix(".onnx")
        heads = str(SIZES[SIZE].heads)
        subprocess.run([python, COMPARATORS / "pat_to_onnx.py", weights, model, heads], check=True)
        script = COMPARATORS / "onnxruntime_weeks.py"
        for chunk in CHUNKS:
            commands[f"onnxruntime by {chunk}"] = [python, script, model, weeks, THREADS, chunk]
    print_weeks(in_turn(commands))


def in_turn(commands: dict[str, list[Any]]) -> dict[str, "Turns"]:
    """Run each ROUNDS times, one after another; each in a process of its own."""
    everyone = {name: Turns(command) for name, command in commands.items()}
    for _ in range(ROUNDS):
        for turns in everyone.values():
            turns.take()
    for turns in everyone.values():
        turns.end()
    return everyone


class Turns:
    """A process as comparators/turns.py describes it."""

    def __init__(self, command: Sequence[Any]) -> None:
        self._process = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            text=True,
        )
        self.outputs = np.array(self._line())
        self.seconds: list[float] = []
        self.peak_mb = 0.0

    def take(self) -> None:
        """Run once more."""
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        self.seconds.append(self._line())

    def end(self) -> None:
        """Nothing more is asked of it."""
        self._process.stdin.close()
        self.peak_mb = self._line()
        self._process.wait()

    def _line(self) -> Any:
        return json.loads(self._process.stdout.readline())


def print_weeks(everyone: dict[str, Turns]) -> None:
    """The fastest run of each, and their ratio: the median of the rounds is there for honesty."""
    own = everyone.pop("own")
    print(f"PAT-{SIZE}, {WEEKS} weeks, {THREADS} threads: {min(own.seconds):.2f} s", end="")
    print(f", peak RSS {own.peak_mb:.0f} MB (at most {MOST_MB})")
    for name, other in everyone.items():
        apart = np.abs(own.outputs - other.outputs).max()
        print(f"  {name}: {min(other.seconds):.2f} s, peak RSS {other.peak_mb:.0f} MB;", end=" ")
        print(f"outputs of SD {own.outputs.std():.2f} differ by {apart:.0e} (at most {MOST_APART})")
    if everyone:
        others = np.min([other.seconds for other in everyone.values()], axis=0)
        rounds = np.array(own.seconds) / others
        print(f"  {min(own.seconds) / others.min():.2f} times its faster one", end="")
        print(f" (at most {MOST_TIMES}); median of {ROUNDS} rounds {np.median(rounds):.2f}")


def bench_vectors() -> None:
    """The shipped boosters' probabilities and contributions, one thread."""
    from scoring.engines.mania import load_booster
    from scoring.resources import ARTIFACTS, models

    rng = np.random.default_rng(2)
    engine = models().mania_engine
    vectors = rng.standard_normal((VECTORS, len(engine.names)))
    vectors[rng.random(vectors.shape) < 0.1] = np.nan
    began = time.perf_counter()
    engine.probabilities(vectors)
    engine.margin_contributions(vectors)
    seconds = time.perf_counter() - began
    trees = " and ".join(
        str(load_booster(ARTIFACTS / f"boosted_{name}.json").num_boosted_rounds())
        for name in ("mania", "hypomania")
    )
    print(f"mania and hypomania with contributions, {VECTORS:,} vectors, {trees} trees:", end=" ")
    print(f"{seconds:.1f} s (under {MOST_VECTORS_S})")


def bench_patient(folder: Path, weights: Path) -> None:
    """A day of one patient, both tracks explained, with the shipped models and with PAT-M."""
    import django

    django.setup()
    from scoring.resources import models

    for name, which in (("shipped models", models()), (f"PAT-{SIZE}", with_pat(folder, weights))):
        first, *seconds = patient_seconds(which)
        print(f"one patient, both tracks explained, {name}:", end=" ")
        print(
            f"{np.median(seconds):.2f} s once loaded (under {MOST_PATIENT_S}); first {first:.1f} s"
        )


def with_pat(folder: Path, weights: Path) -> Any:
    """The shipped models with other PAT weights."""
    from scoring.engines.models import load_models
    from tests.model_folders import copied, manifest_edited, rehashed

    def edit(entries: dict[str, dict[str, Any]]) -> None:
        entries["depression"]["file"] = weights.name
        entries["depression"]["training"]["size"] = SIZE

    copied(folder)
    weights.rename(folder / weights.name)
    manifest_edited(folder, edit)
    rehashed(folder)
    return load_models(folder)


def patient_seconds(which: Any) -> list[float]:
    """Seconds of so many days, from the recording's minutes and the days' features."""
    from patients.domain.days import ZoneHistory
    from scoring.domain.daily import daily_features
    from scoring.domain.router import Antidepressant
    from scoring.domain.types import PersonData
    from scoring.engines.assess import assess_day
    from scoring.resources import feature_labels, router_rules
    from tests.people import DAYS, LAST_DAY, ZONE, recording

    what = recording()
    series = {s.channel: s for s in what.series}
    person = PersonData.of(ZoneHistory.of(ZONE), series, what.family, what.sleep)
    days = [f for f, _ in daily_features(person, LAST_DAY - timedelta(days=DAYS - 1), LAST_DAY)]
    rules, labels, found = router_rules(), feature_labels(), []
    for ago in range(PATIENT_DAYS + 1):
        day = LAST_DAY - timedelta(days=ago)
        began = time.perf_counter()
        done = assess_day(person, days, day, Antidepressant.NONE, which, rules, labels)
        found.append(time.perf_counter() - began)
        tracks = (done.depression, done.mania)
        if any(track.status != "ok" or not track.contributions for track in tracks):
            raise RuntimeError("a track has no explanation, so its time says nothing")
    return found
