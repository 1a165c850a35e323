"""The app's rule files and models, read once a process."""

from functools import cache
from pathlib import Path

from patients.domain.recording import Family
from scoring.domain.baseline_rules import BaselineRules, load_baseline_rules
from scoring.domain.circumstances import CircumstanceRules, load_circumstance_rules
from scoring.domain.clinical_flags import FlagRules, load_flag_rules
from scoring.domain.explain import Label, load_labels
from scoring.domain.model_facts import ModelFacts, load_model_facts
from scoring.domain.rules import (
    RouterRules,
    family_values,
    load_router_rules,
    load_window_days,
)
from scoring.engines.models import Models, Source, load_models

HERE = Path(__file__).resolve().parent
DATA = HERE / "data"
ARTIFACTS = HERE / "artifacts"


@cache
def router_rules() -> RouterRules:
    """router.toml."""
    return load_router_rules(DATA / "router.toml")


@cache
def feature_labels() -> dict[str, Label]:
    """features.toml: what each index is called, and its unit."""
    return load_labels(DATA / "features.toml")


@cache
def sedentary_thresholds() -> dict[Family, float]:
    """families.toml: activity of a minute in each unit family from which it is active."""
    return family_values(DATA / "families.toml", "sedentary_below")


@cache
def window_days() -> int:
    """window.toml: the days, the last of them the day itself, with which a day is compared."""
    return load_window_days(DATA / "window.toml")


@cache
def flag_rules() -> FlagRules:
    """flags.toml."""
    return load_flag_rules(DATA / "flags.toml")


@cache
def baseline_rules() -> BaselineRules:
    """baselines.toml."""
    return load_baseline_rules(DATA / "baselines.toml")


@cache
def circumstance_rules() -> CircumstanceRules:
    """circumstances.toml: how what goes on in a person's life words and weighs reasons."""
    return load_circumstance_rules(DATA / "circumstances.toml")


@cache
def model_facts() -> ModelFacts:
    """model_facts.toml: what models are for and where they are known to fail."""
    return load_model_facts(DATA / "model_facts.toml")


def models(depression: Source | None = None, mania: Source | None = None) -> Models:
    """The shipped models, or with a track's from elsewhere. What a server uses is for
    ``scoring.selectors.models_in_use`` to say; without a database it is the shipped ones.
    """
    return load_models(ARTIFACTS, depression, mania)
