"""Keeping an imported model: its folder first, then its row, or neither."""

import shutil
from pathlib import Path

from django.conf import settings

from patients.models import User
from scoring.engines.importing import Imported, store
from scoring.model_services import model_register
from scoring.models import ModelVersion


def model_import(*, imported: Imported, by: User | str) -> tuple[Path, ModelVersion]:
    """Store the model in the installation's own folder and register it as a shadow.

    The same files imported again change nothing. Raises InputError as `store` does; where the
    row cannot be written, the folder made for it is removed again.
    """
    folder, is_new = store(imported, settings.STATE_DIR / "models")
    try:
        return folder, model_register(folder=folder, track=imported.track, by=by)
    except BaseException:
        if is_new:
            shutil.rmtree(folder)
        raise
