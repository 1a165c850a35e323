"""How much of a local day each channel really recorded, was worn for, and was filled in."""

from datetime import datetime

import numpy as np

from patients.domain.recording import Channel
from scoring.domain.grid import Grid
from scoring.domain.types import PersonData

# Only these mean something else when the device lies on a table.
WEAR_MATTERS = (Channel.ACTIVITY, Channel.STEPS, Channel.LIGHT)

Quality = dict[str, dict[str, int | None]]


def day_quality(person: PersonData, grid: Grid, start: datetime, end: datetime) -> Quality:
    """Minutes by channel between two UTC moments: ``present``, ``worn`` and ``imputed``.

    ``present`` were recorded; ``worn`` are those of them on the wrist (None where it does not
    matter); ``imputed`` were not recorded, and yet have a value on the grid that the models
    read: steps, counted as zero while the device was worn. A channel without any is left out.
    """
    inside = slice(grid.index(start), grid.index(end))
    worn = grid.worn[inside]
    filled = ~np.isnan(grid.activity[inside])
    found: Quality = {}
    for series in person.series:
        present = ~np.isnan(series.between(start, end))
        is_activity = person.activity is not None and series.channel is person.activity.channel
        imputed = filled & ~present if is_activity else np.zeros_like(present)
        if present.any() or imputed.any():
            matters = series.channel in WEAR_MATTERS
            found[str(series.channel)] = {
                "present": int(present.sum()),
                "worn": int((present & worn).sum()) if matters else None,
                "imputed": int(imputed.sum()),
            }
    return found
