"""The file that says what models are for and where they fail."""

from pathlib import Path

import pytest

from scoring.domain.model_facts import TRACKS, load_model_facts
from scoring.domain.rules import RuleFileError
from scoring.resources import DATA

FILE = DATA / "model_facts.toml"


@pytest.mark.parametrize("track", TRACKS)
def test_the_shipped_file_names_the_people_models_fail_on(track: str) -> None:
    found = load_model_facts(FILE).purpose(track, "simulated", {})
    assert found.known_failures[0].startswith("Trained on simulated people only")
    text = " ".join(found.known_failures).lower()
    for hard in ("shift work", "newborn", "travel", "physical"):
        assert hard in text
    assert "never a diagnosis" in found.intended_use


def test_what_the_simulator_leaves_out_and_which_inputs_there_are_is_said() -> None:
    facts = load_model_facts(FILE)
    for track in TRACKS:
        text = " ".join(facts.purpose(track, "simulated", {}).known_failures)
        assert "no medication and their records stay in one time zone" in text
        assert "goes beyond what was published" in text
    mania = " ".join(facts.tracks["mania"].known_failures)
    assert "Light enters neither model" in mania and "activity or light" not in mania


@pytest.mark.parametrize("line", ["[mania]", "intended_use", "[trained_on.simulated]"])
def test_a_file_without_a_part_is_refused_by_name(tmp_path: Path, line: str) -> None:
    path = tmp_path / "model_facts.toml"
    path.write_text(FILE.read_text().replace(line, line.replace("a", "b").replace("i", "j"), 1))
    with pytest.raises(RuleFileError, match=r"model_facts\.toml: .* (unknown field|is missing)"):
        load_model_facts(path)
