"""The shapes that INTERFACES fixes."""

import json
from dataclasses import replace

import numpy as np
import pytest

from scoring.domain.output import day_dict, decision_dict, track_dict
from scoring.domain.types import Contribution, Reason, RiskDecision, TrackOutput
from scoring.domain.vector import vector
from tests.scoring.domain.builders import a_day, features


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf"), np.float64("nan")])
def test_no_nan_and_no_infinity_reaches_json(bad: float) -> None:
    day = features(a_day(0), heart={"mean_bpm": bad}, mean=bad)
    text = json.dumps(day_dict(day, vector([day], day.day)), allow_nan=False)
    found = json.loads(text)
    assert found["heart"]["mean_bpm"] is None and found["activity"]["mean_per_minute"] is None
    contribution = Contribution("a", "A", bad, "h", bad, 1.0)
    track = TrackOutput("ok", None, 0.5, 1.0, (contribution,), {"mania_probability": bad})
    shown = json.loads(json.dumps(track_dict(track, "Low", "mania"), allow_nan=False))
    assert shown["contributions"][0]["value"] is None and shown["mania_probability"] is None


def test_day_has_the_keys_of_the_interface() -> None:
    day = features(a_day(0), flags=("partial_day",))
    found = day_dict(day, vector([day], day.day))
    assert list(found) == [
        "date", "sleep", "rhythm", "phase", "activity", "heart", "vector", "flags", "quality"
    ]  # fmt: skip
    assert found["date"] == "2024-01-08" and found["flags"] == ["partial_day"]
    assert set(found["rhythm"]) == {
        "interdaily_stability", "intradaily_variability", "relative_amplitude",
        "l5", "l5_onset_minute", "m10", "m10_onset_minute",
        "mesor", "cosinor_amplitude", "acrophase_hours",
    }  # fmt: skip
    assert len(found["vector"]) == 36


def test_day_carries_what_the_days_before_say() -> None:
    day = features(a_day(0), flags=("partial_day",))
    found = day_dict(day, vector([day], day.day), {"short_night_share": 0.5}, ("hypersomnia",))
    assert found["sleep"] == {"time_asleep_hours": 7.5, "short_night_share": 0.5}
    assert found["flags"] == ["partial_day", "hypersomnia"]


def test_unavailable_track_still_gives_its_coverage_and_reason() -> None:
    found = track_dict(TrackOutput.unavailable("too few nights.", 0.2), "Indeterminate", "mania")
    assert found == {
        "status": "unavailable", "reason": "too few nights.", "probability": None,
        "tier": "Indeterminate", "coverage": 0.2, "contributions": [],
        "mania_probability": None, "hypomania_probability": None,
    }  # fmt: skip


def test_depression_track_has_no_parts() -> None:
    found = track_dict(TrackOutput("ok", None, 0.5, 1.0), "Moderate", "depression")
    assert list(found) == ["status", "reason", "probability", "tier", "coverage", "contributions"]


def test_decision_has_the_keys_of_the_interface() -> None:
    decision = RiskDecision(
        a_day(0), "Low", 0.1, 0.4, 0.6, "Low", "Low", (Reason("weights", "Weights."),)
    )
    assert decision_dict(decision) == {
        "date": "2024-01-08", "tier": "Low", "probability": 0.1,
        "weights": {"depression": 0.4, "mania": 0.6},
        "reasons": [{"code": "weights", "text": "Weights."}],
    }  # fmt: skip
    nothing = replace(decision, probability=None, depression_weight=None, mania_weight=None)
    assert decision_dict(nothing)["weights"] == {"depression": None, "mania": None}
