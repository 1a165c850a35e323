"""How the drift page names inputs and outputs and orders them."""

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from clarity_site.said import said_again
from scoring.domain.vector_names import SUFFIXES
from scoring.drift import OUTPUTS, DriftWeek
from scoring.resources import feature_labels, window_days

WORDS = dict(
    zip(
        SUFFIXES,
        (
            gettext_noop("%(label)s: mean of %(nights)s nights"),
            gettext_noop("%(label)s: spread of %(nights)s nights"),
            gettext_noop("%(label)s: the night against %(nights)s nights"),
        ),
        strict=True,
    )
)


def drift_label(name: str) -> str:
    """“ST_long_MN” is “Sleep in long windows: mean of 30 nights”."""
    if name in OUTPUTS:
        return said_again(f"{name.capitalize()} risk indicator")
    suffix = next(end for end in SUFFIXES if name.endswith(end))
    label = feature_labels()[name.removesuffix(suffix)].label
    return _(WORDS[suffix]) % {"label": said_again(label), "nights": window_days()}


def drift_rows(weeks: Sequence[DriftWeek]) -> list[dict[str, Any]]:
    """One row for each input and output, furthest from its reference in the newest week first."""
    by_name = [{line.name: line for line in week.lines} for week in weeks]
    rows = [
        {"label": drift_label(name), "cells": [lines.get(name) for lines in by_name]}
        for name in (by_name[0] if by_name else ())
    ]
    return sorted(rows, key=lambda row: -(row["cells"][0].psi or 0))
