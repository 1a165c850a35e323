"""The app's rule files and models, read once a process."""

from functools import cache
from pathlib import Path

from scoring.domain.explain import Label
from scoring.domain.rules import PROVENANCE, RouterRules, load_router_rules, read_rule_file
from scoring.engines.models import Models, load_models

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
    table, _ = read_rule_file(DATA / "features.toml")
    return {k: Label(v["label"], v["unit"]) for k, v in table.items() if k not in PROVENANCE}


def models() -> Models:
    """The models in use."""
    return load_models(ARTIFACTS)
