"""The training commands: all files or none, refusals in a sentence, and a model's whole way."""

from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from scoring import resources
from scoring.engines.artifacts import MANIFEST, ArtifactError, load_manifest, verified_path
from scoring.engines.importing import import_mania, import_pat, store
from scoring.engines.pat import SIZES
from scoring.engines.pat_h5 import layout
from scoring.learning.encoder import encoder_told
from scoring.learning.references import SEED
from scoring.learning.train import Sizes
from scoring.management.commands import train_depression, train_mania, train_models
from scoring.management.training import TrainingCommand, publish
from scoring.models import ModelVersion
from tests.model_folders import leaning
from tests.scoring.engines import recipe
from tests.scoring.engines.boosters import classifier

SMALL = ("--weeks=64", "--patients=6", "--days=20", "--test-people=4", "--seed=3")


def test_what_cannot_be_calibrated_leaves_no_file(tmp_path: Path) -> None:
    before = load_manifest(resources.ARTIFACTS)
    with pytest.raises(CommandError, match="positive days of .* are too few to calibrate"):
        call_command("train_mania", *SMALL, f"--out={tmp_path / 'made'}", stdout=StringIO())
    assert not (tmp_path / "made").exists()
    assert load_manifest(resources.ARTIFACTS) == before


def test_what_is_published_is_whole_and_leaves_nothing_beside(tmp_path: Path) -> None:
    shipped = load_manifest(resources.ARTIFACTS)
    publish(resources.ARTIFACTS, shipped.values(), tmp_path)
    names = {a.file for a in shipped.values()} | {MANIFEST}
    assert {p.name for p in tmp_path.iterdir()} == names
    for artifact in load_manifest(tmp_path).values():
        verified_path(artifact)
    gone = [replace(next(iter(shipped.values())), file="gone.json")]
    before = (tmp_path / MANIFEST).read_bytes()
    with pytest.raises(FileNotFoundError):
        publish(resources.ARTIFACTS, gone, tmp_path)
    assert (tmp_path / MANIFEST).read_bytes() == before
    assert {p.name for p in tmp_path.iterdir()} == names


def test_an_encoder_of_another_size_is_refused_before_anybody_is_simulated(tmp_path: Path) -> None:
    from scoring.engines.pat import SIZES, build_encoder
    from scoring.engines.pat_h5 import save_encoder

    path = tmp_path / "medium.h5"
    save_encoder(build_encoder(SIZES["M"]), SIZES["M"], path)
    with pytest.raises(CommandError, match="M"):
        call_command("train_depression", *SMALL, f"--encoder={path}", f"--out={tmp_path / 'made'}")
    with pytest.raises(CommandError, match="no file nowhere.h5"):
        call_command("train_depression", *SMALL, "--encoder=nowhere.h5")
    assert not (tmp_path / "made").exists()


def test_an_encoder_that_was_changed_since_it_was_imported_is_refused_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrays = recipe.recipe_arrays(layout(SIZES["S"]))
    given = recipe.write_legacy_h5(tmp_path / "weights.h5", arrays)
    kept = next(store(import_pat(given), tmp_path / "models")[0].glob("*.h5"))
    changed = arrays | {"dense/dense/bias:0": arrays["dense/dense/bias:0"] + 1}
    recipe.write_legacy_h5(kept, changed)
    command = ("train_depression", f"--encoder={kept}", f"--out={tmp_path / 'made'}")
    said = refused(monkeypatch, *command)
    assert said.startswith(f"{kept.name} has hash ") and "its manifest says" in said
    (tmp_path / "link.h5").symlink_to(kept)  # by another name it is the same file
    said = refused(monkeypatch, "train_depression", f"--encoder={tmp_path / 'link.h5'}")
    assert said.startswith(f"{kept.name} has hash ")
    (kept.parent / MANIFEST).write_text("{")
    assert refused(monkeypatch, *command).startswith(f"{MANIFEST} in {kept.parent.name}/ is absent")
    with pytest.raises(ArtifactError):
        encoder_told(kept)


def test_comparing_leaves_the_shipped_files_alone() -> None:
    call_command("compare_pat_sizes", *SMALL, "--sizes", "S", stdout=(told := StringIO()))
    assert "PAT-S: AUROC" in told.getvalue() and " min" in told.getvalue()
    for artifact in load_manifest(resources.ARTIFACTS).values():
        verified_path(artifact)


def test_training_alone_writes_where_it_does_not_decide() -> None:
    from scoring.management.commands.train_depression import Command as Depression
    from scoring.management.commands.train_mania import Command as Mania
    from scoring.management.commands.train_models import Command as Everything

    assert Everything.out == resources.ARTIFACTS
    assert {Depression.out, Mania.out} == {Path("candidate")} and Sizes().patients > 1_000


EVERY = ("train_models", "train_mania", "train_depression", "compare_pat_sizes", "pretrain_pat")
TUNED = ("train_depression", "compare_pat_sizes", "pretrain_pat")


def refused(monkeypatch: pytest.MonkeyPatch, *words: str) -> str:
    """The one sentence of a command that may simulate nobody; exit code 2."""

    def simulated(*_: object, **__: object) -> None:
        raise AssertionError("somebody was simulated")

    for name in ("simulate_weeks", "simulate_person_days", "simulated_references"):
        monkeypatch.setattr(f"scoring.learning.train.{name}", simulated)
    with pytest.raises(CommandError) as refusal:
        call_command(*words)
    assert refusal.value.returncode == 2 and "\n" not in str(refusal.value)
    return str(refusal.value)


@pytest.mark.parametrize(
    ("word", "commands"),
    [
        ("--patients=0", EVERY),
        ("--days=-3", EVERY),
        ("--seed=-4", EVERY),
        ("--weeks=0", EVERY),
        ("--test-people=0", EVERY),
        ("--epochs=0", TUNED),
        ("--rate=-1", ["train_depression"]),
        ("--rate=nan", ["train_depression"]),
        ("--rate=0", ["train_depression"]),
    ],
)
def test_odd_sizes_are_refused_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str, commands: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    for command in commands:
        said = refused(monkeypatch, command, word)
        assert said.startswith(word.partition("=")[0] + " ")
        assert said.endswith((" or more.", "up to 1."))
    assert not list(tmp_path.iterdir())


def test_a_place_without_room_for_a_folder_is_refused_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file" / "made", Path("/proc/x/made")):  # not even root may there
        for command in ("train_mania", "pretrain_pat"):
            said = refused(monkeypatch, command, f"--out={place}")
            assert said == "made/ cannot be made or written: give --out another folder."
        said = refused(monkeypatch, "train_depression", f"--resume={place}", f"--out={tmp_path}")
        assert said == "made/ cannot be made or written: give --resume another folder."
    with pytest.raises(AssertionError, match="somebody was simulated"):
        refused(monkeypatch, "train_mania", f"--out={tmp_path / 'new' / 'made'}")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]  # trying left nothing


@pytest.mark.parametrize("seed", [SEED - 3, SEED - 2, SEED - 1, SEED + 1, SEED + 4])
def test_a_seed_that_measures_on_people_of_the_shipped_models_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    for command in ("train_models", "train_mania", "train_depression"):
        said = refused(monkeypatch, command, f"--seed={seed}", f"--out={tmp_path / 'made'}")
        assert "training has seen" in said and said.startswith(f"The seed {seed} ")


@pytest.mark.parametrize("seed", [SEED, SEED - 4, SEED + 5, 3])
def test_a_seed_of_other_people_and_the_shipped_one_itself_may_train(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    with pytest.raises(AssertionError, match="somebody was simulated"):
        refused(monkeypatch, "train_mania", f"--seed={seed}", f"--out={tmp_path / 'made'}")


def test_calibrating_looks_at_its_folder_and_seed_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    out = f"--out={tmp_path / 'made'}"
    said = refused(monkeypatch, "calibrate_model", str(tmp_path / "empty"), out)
    assert said.startswith("manifest.json in empty/ is absent")
    folder = leaning(tmp_path / "seeded", 0.2)
    said = refused(monkeypatch, "calibrate_model", str(folder), out, f"--seed={SEED - 4}")
    assert "training has seen" in said


def test_a_manifest_names_the_command_that_made_it() -> None:
    def line(command: TrainingCommand, *words: str) -> str:
        parser = command.create_parser("manage.py", "x")
        return command.command_line(vars(parser.parse_args(list(words))))

    assert line(train_models.Command()) == "make train"
    assert line(train_models.Command(), "--seed=9") == "manage.py train_models --seed 9"
    assert line(train_mania.Command(), "--out=x") == "manage.py train_mania"
    told = line(train_depression.Command(), "--encoder=a/b.h5", "--epochs=2", "--resume=kept")
    assert told == "manage.py train_depression --epochs 2 --encoder b.h5"


@pytest.mark.django_db
def test_a_candidate_goes_from_its_folder_to_deciding_by_commands_alone(tmp_path: Path) -> None:
    folder = leaning(tmp_path / "candidate", 0.2)
    call_command("register_model", str(folder), "mania", stdout=(told := StringIO()))
    [version] = ModelVersion.objects.filter(folder=str(folder))
    assert version.state == "shadow" and version.version in told.getvalue()
    call_command("promote_model", version.version, stdout=StringIO())
    version.refresh_from_db()
    assert version.state == "current"


@pytest.mark.django_db
def test_imported_boosters_are_calibrated_registered_and_promoted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, seed in (("ME", 0), ("HME", 1)):
        classifier(seed).save_model(tmp_path / f"{name}.json")
    imported, _ = import_mania({name: tmp_path / f"{name}.json" for name in ("ME", "HME")})
    folder, _ = store(imported, tmp_path / "kept")
    made = tmp_path / "calibrated"
    monkeypatch.setattr("scoring.learning.calibrate.MIN_POSITIVES", 5)
    monkeypatch.setattr("scoring.learning.calibrate.MIN_POSITIVE_PEOPLE", 1)
    few = ("--test-people=40", "--seed=3")
    call_command("calibrate_model", str(folder), *few, f"--out={made}", stdout=StringIO())
    with pytest.raises(CommandError, match="give --out a new folder"):
        call_command("calibrate_model", str(folder), *few, f"--out={made}")
    for part in load_manifest(made).values():
        verified_path(part)
        assert part.is_simulated and "simulated people" in part.training["calibrated_on"]
        assert part.metrics["people"] and "reliability" in part.metrics
        assert "not calibrated" not in str(part.training)
        assert part.training["published_as"] in ("ME", "HME")
    call_command("register_model", str(made), "mania", stdout=StringIO())
    [version] = ModelVersion.objects.filter(folder=str(made))
    assert version.not_usable == ""
    call_command("promote_model", version.version, stdout=StringIO())
    version.refresh_from_db()
    assert version.state == "current" and version.trained_on == "simulated"
