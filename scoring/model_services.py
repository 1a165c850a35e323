"""Writes about models: one of each track decides, the others wait in shadow or are kept.

A model is known by the hash of its files. The shipped one lies in the project and is known
from its first use; any other lies in a folder with a manifest and is registered, then promoted.
"""

from collections.abc import Mapping
from pathlib import Path

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from patients.domain.errors import InputError
from patients.models import User
from patients.services import SYSTEM, audit_record
from scoring import resources
from scoring.engines.artifacts import Artifact, ArtifactError
from scoring.engines.models import PARTS, Models, TrackFacts, digest_of, facts_of, verified_parts
from scoring.engines.trial import ONE_TWICE, trial_trouble
from scoring.model_identity import check_files_known, check_model_known, shipped_facts
from scoring.models import ModelVersion, Track
from scoring.resources import model_facts, models

ENCODER = "pat_encoder"  # the kind of an artefact that must be fine-tuned before it scores
MOST_REASON = 300
MOST = {"version": 60, "trained_on": 40, "folder": 500}  # characters, as the columns have them
DESCRIBED = ("trained_on", "facts", "intended_use", "known_failures")
State = ModelVersion.State


@transaction.atomic
def model_register(*, folder: Path, track: str, by: User | str) -> ModelVersion:
    """Take the model of a folder in as a shadow; the same files are registered once.

    The folder must stay where it is: the model is read from there (registered again elsewhere,
    it is read from there once the first folder holds it no more). Its manifest names either
    the artefacts that make up the track (depression: "depression" and "references"; mania:
    "mania" and "hypomania") or others, such as an encoder, which are kept but score nobody.
    Raises InputError for a manifest or a file that cannot be trusted, for files that are known
    as trained on other data or under another licence, and for one booster given twice. A model
    that cannot be loaded and run once is kept with the reason and scores nobody.
    """
    folder = folder.resolve()
    try:
        parts = verified_parts(folder, track)
    except ArtifactError as error:
        raise InputError(str(error)) from None
    if not parts:
        raise InputError(f"The manifest in {folder.name}/ names no model: there is none to take.")
    facts = facts_of(track, parts)
    _check_lengths(facts, folder)
    check_model_known(track, facts, folder)
    not_usable = _not_usable({part.name: part for part in parts}, folder, track)
    if not_usable == ONE_TWICE:
        raise InputError(f"{folder.name}/ cannot be registered: {not_usable}.")
    if not not_usable:
        check_files_known(track, facts, folder)
    version, is_new = ModelVersion.objects.get_or_create(
        sha256=facts.sha256,
        defaults=_described(track, facts, by)
        | {
            "state": State.SHADOW,
            "folder": str(folder),
            "not_usable": not_usable[:MOST_REASON],
        },
    )
    moved = version.folder not in ("", str(folder)) and files_trouble(version)
    if moved:
        version.folder = str(folder)
        version.save(update_fields=["folder"])
    if is_new or moved:
        audit_record(by=by, action="model registered", model=version.version, sha256=facts.sha256)
    return version


@transaction.atomic
def model_promote(*, version: ModelVersion, by: User | str) -> None:
    """Let this version decide its track from the next scored day on; the one before is kept.

    Raises InputError where it can score nobody or cannot be loaded and run once, its files are
    not as registered, or it decides already.
    """
    reason = version.not_usable or _load_trouble(version)  # slow: before any row is locked
    current = _locked(version.track).filter(state=State.CURRENT).first()
    version.refresh_from_db()
    if version.state == State.CURRENT:
        raise InputError(f"{version.version} decides already: there is nothing to promote.")
    if not version.folder:
        raise InputError(
            f"{version.version} came with a release: install that release, or roll back to the "
            "model of this one."
        )
    if reason:
        raise InputError(f"{version.version} cannot be promoted: {reason}.")
    _decides(version, current, promoted_at=timezone.now(), promoted_by=_name(by))
    before = current.version if current else ""
    audit_record(by=by, action="model promoted", model=version.version, before=before)


@transaction.atomic
def model_rollback(*, track: str, by: User | str) -> ModelVersion:
    """Let the model decide that did before the current one; the shipped one if none is left.

    One whose files are no longer as registered, or cannot be loaded and run once, is passed
    over. Raises InputError where the shipped model decides already or is the only one left and
    cannot be loaded either.
    """
    rows = _locked(track)
    current = rows.filter(state=State.CURRENT).exclude(folder="").first()
    if current is None:
        raise InputError(f"The shipped {track} model decides: there is none to go back to.")
    earlier = rows.filter(promoted_at__lt=current.promoted_at).exclude(folder="")
    good = (v for v in earlier.order_by("-promoted_at") if not _load_trouble(v))
    version = next(good, None) or _shipped(track)
    if not version.folder and (reason := trial_trouble(resources.ARTIFACTS, track)):
        raise InputError(f"The shipped {track} model cannot be gone back to: {reason}.")
    # Out of the row of those promoted: going back once more must not lead to it.
    ModelVersion.objects.filter(pk=current.pk).update(promoted_at=None, promoted_by="")
    _decides(version, current)
    audit_record(by=by, action="model rolled back", model=version.version, before=current.version)
    return version


@transaction.atomic
def version_used(*, track: str, facts: TrackFacts | None) -> ModelVersion | None:
    """The row of the model that scored; that of a shipped one is made at its first use.

    None for a model that could not be named.
    """
    if facts is None:
        return None
    version = ModelVersion.objects.filter(sha256=facts.sha256).first()
    if version and version.state == State.CURRENT and version.registered_at:
        return _refreshed(version)
    version = _row(track, facts)
    version = _refreshed(version)
    current = _locked(track).filter(state=State.CURRENT).first()
    promoted = current is not None and current.folder
    if current != version and not promoted and _is_shipped(version):
        _decides(version, current, folder="")
    return version


def files_trouble(version: ModelVersion) -> str:
    """What is wrong with the files of a version, in one clause; blank where they are as then."""
    folder = Path(version.folder)
    try:
        parts = verified_parts(folder, version.track)
    except ArtifactError as error:
        return str(error).rstrip(".")
    changed = digest_of(parts) != version.sha256
    return f"{folder.name}/ holds another model now: register it" if changed else ""


def _load_trouble(version: ModelVersion) -> str:
    """What keeps a model that was registered from scoring, in one clause; blank where nothing.

    Of the shipped one, which is registered from no folder, nothing is asked.
    """
    if not version.folder:
        return ""
    return files_trouble(version) or trial_trouble(Path(version.folder), version.track)


def _locked(track: str) -> QuerySet[ModelVersion]:
    """The versions of a track, which nobody else changes until the transaction ends."""
    rows = ModelVersion.objects.filter(track=track)
    list(rows.select_for_update())
    return rows


def _decides(version: ModelVersion, before: ModelVersion | None, **more: object) -> None:
    if before:
        ModelVersion.objects.filter(pk=before.pk).update(state=State.RETIRED)
    ModelVersion.objects.filter(pk=version.pk).update(state=State.CURRENT, **more)
    version.refresh_from_db()


def _shipped(track: str) -> ModelVersion:
    try:
        return _row(track, models().facts(track))
    except ArtifactError as error:
        raise InputError(str(error)) from None


def _is_shipped(version: ModelVersion) -> bool:
    shipped = shipped_facts(version.track)
    return shipped is not None and shipped.sha256 == version.sha256


def _refreshed(version: ModelVersion) -> ModelVersion:
    """The shipped model says what its own manifest says, whoever described its files before."""
    shipped = shipped_facts(version.track)
    if shipped is None or shipped.sha256 != version.sha256 or shipped.facts == version.facts:
        return version
    described = _described(version.track, shipped, SYSTEM)
    kept = {name: described[name] for name in DESCRIBED}
    ModelVersion.objects.filter(pk=version.pk).update(**kept)
    audit_record(by=SYSTEM, action="model described anew", model=version.version)
    version.refresh_from_db()
    return version


def _row(track: str, facts: TrackFacts) -> ModelVersion:
    """The version with these facts, made or completed where it has not been described yet."""
    described = _described(track, facts, SYSTEM)
    version, _ = ModelVersion.objects.get_or_create(
        sha256=facts.sha256, defaults=described | {"state": State.RETIRED}
    )
    if version.registered_at is None:
        ModelVersion.objects.filter(pk=version.pk).update(**described)
        version.refresh_from_db()
    return version


def _described(track: str, facts: TrackFacts, by: User | str) -> dict[str, object]:
    training = next(iter(facts.facts.values()))["training"]
    purpose = model_facts().purpose(track, facts.trained_on, training)
    return {
        "track": Track(track),
        "version": facts.version,
        "trained_on": facts.trained_on,
        "facts": facts.facts,
        "intended_use": purpose.intended_use,
        "known_failures": "\n".join(purpose.known_failures),
        "registered_at": timezone.now(),
        "registered_by": _name(by),
    }


def _check_lengths(facts: TrackFacts, folder: Path) -> None:
    """InputError for what the manifest says at more length than is kept."""
    for name, text in (
        ("version", facts.version), ("trained_on", facts.trained_on), ("folder", str(folder))
    ):  # fmt: skip
        most = MOST[name]
        if len(text) > most:
            raise InputError(
                f"The {name} of {folder.name[:40]}/ makes {len(text)} characters, {most} are "
                "kept: shorten it."
            )


def _not_usable(parts: Mapping[str, Artifact], folder: Path, track: str) -> str:
    """Why this model can score nobody, in one clause; blank where it can."""
    if any(part.kind == ENCODER for part in parts.values()):
        return "it is an encoder only: fine-tune it first"
    missing = [name for name in PARTS[track] if name not in parts]
    if missing:
        return f"its manifest names no {missing[0]}: a {track} model needs it"
    for name in PARTS[track]:
        if name != "references" and (reason := _calibrator_trouble(parts[name], folder)):
            return reason
    return trial_trouble(folder, track)


def _calibrator_trouble(artifact: Artifact, folder: Path) -> str:
    if not artifact.training.get("calibrator"):
        return f"{artifact.name} has no calibrator: calibrate it first"
    try:
        Models(folder).calibrator(artifact.name)
    except ValueError as error:
        return f"the calibrator of {artifact.name} cannot be used: {error}"
    except (KeyError, TypeError, AttributeError):
        return f"the calibrator of {artifact.name} has no lists raw and calibrated of numbers"
    return ""


def _name(by: User | str) -> str:
    return by if isinstance(by, str) else by.username
