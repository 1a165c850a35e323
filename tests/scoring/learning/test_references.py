"""Reference statistics: by hand from people's weeks, and as shipped from the seed."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patients.domain.errors import InputError
from patients.domain.recording import Family
from scoring.domain.pat_window import WEEK_MINUTES, PatWeek
from scoring.engines.artifacts import ArtifactError, load_manifest, write_manifest
from scoring.engines.models import Models
from scoring.learning.references import (
    MIN_PEOPLE,
    SEED,
    Fitted,
    fitted,
    read_references,
    save_references,
    simulated_references,
)
from scoring.resources import ARTIFACTS, DATA

SHIPPED = {
    Family.ACTIWATCH_COUNTS, Family.ACTIGRAPH_COUNTS, Family.CONDOR_PIM, Family.MIMS, Family.STEPS,
}  # fmt: skip


def weeks(count: int = MIN_PEOPLE, seed: int = 0) -> list[PatWeek]:
    rng = np.random.default_rng(seed)
    worn = np.ones(WEEK_MINUTES, dtype=bool)
    return [PatWeek(rng.gamma(1, 100, WEEK_MINUTES).astype(np.float32), worn) for _ in range(count)]


def test_mean_and_sd_are_of_each_minute_over_people() -> None:
    people = weeks()
    table = np.stack([w.activity for w in people]).astype(np.float64)
    fit = fitted(people, "cohort")
    assert fit.reference.mean == pytest.approx(table.mean(axis=0), rel=1e-6)
    assert fit.reference.sd == pytest.approx(table.std(axis=0), rel=1e-5)  # ddof 0
    assert (fit.people, fit.source) == (20, "cohort")
    assert fit.level_range == pytest.approx((table.mean(axis=1).min(), table.mean(axis=1).max()))
    days = table.reshape(-1, 1440).mean(axis=1)
    assert fit.daily_p95 == pytest.approx(np.percentile(days, 95))


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_minutes_not_worn_do_not_count() -> None:
    people = weeks()
    worn = np.ones(WEEK_MINUTES, dtype=bool)
    worn[:1440] = False
    worn[5000] = False
    away = [PatWeek(np.where(worn, w.activity, 0).astype(np.float32), worn) for w in people[1:]]
    fit = fitted([people[0], *away], "cohort")
    assert fit.reference.mean[700] == people[0].activity[700] and fit.reference.sd[700] == 0
    nobody = [PatWeek(w.activity, worn) for w in people]
    fit, table = fitted(nobody, "c"), np.stack([w.activity[worn] for w in people])
    assert fit.reference.mean[5000] == pytest.approx(table.mean(dtype=np.float64))
    assert fit.reference.sd[5000] == pytest.approx(table.std(dtype=np.float64))
    assert np.isfinite([fit.reference.mean, fit.reference.sd]).all()


@settings(max_examples=5, deadline=None)
@given(st.permutations(range(MIN_PEOPLE)))
def test_the_order_of_people_changes_nothing(order: list[int]) -> None:
    people = weeks()
    one, other = fitted(people, "c"), fitted([people[i] for i in order], "c")
    assert one.inputs_sha256 == other.inputs_sha256 and one.level_range == other.level_range
    assert one.reference.mean == pytest.approx(other.reference.mean, rel=1e-6)


@pytest.mark.parametrize("count", [0, MIN_PEOPLE - 1])
def test_too_few_people_are_refused_with_their_number(count: int) -> None:
    with pytest.raises(InputError, match=f"^{count} people .* at least {MIN_PEOPLE}"):
        fitted(weeks(count), "cohort")


@pytest.fixture(scope="module")
def from_the_seed() -> dict[Family, Fitted]:
    return simulated_references(SEED, DATA / "families.toml")


def test_the_shipped_references_come_from_the_seed_again(
    from_the_seed: dict[Family, Fitted], tmp_path: Path
) -> None:
    shipped = load_manifest(ARTIFACTS)["references"]
    made = save_references(from_the_seed, tmp_path, SEED, "make train")
    told = {"created": shipped.created, "folder": shipped.folder}
    assert replace(made, **told) == replace(shipped, **told)  # the hash of the file among them
    assert set(from_the_seed) == SHIPPED == set(Models(ARTIFACTS).references)


def test_what_is_written_is_read_again(from_the_seed: dict[Family, Fitted], tmp_path: Path) -> None:
    mims = fitted(weeks(), "clinic A")
    made = save_references(from_the_seed | {Family.MIMS: mims}, tmp_path, SEED, "test")
    assert made.trained_on == "simulated" and made.version.startswith("own-")
    write_manifest(tmp_path, [made])
    found = read_references(load_manifest(tmp_path)["references"])
    assert found.keys() == from_the_seed.keys()
    for family, fit in (from_the_seed | {Family.MIMS: mims}).items():
        again = found[family]
        assert np.array_equal(again.reference.mean, fit.reference.mean)
        assert np.array_equal(again.reference.sd, fit.reference.sd)
        assert replace(again, reference=fit.reference) == fit
    models = Models(tmp_path)
    assert np.array_equal(models.references[Family.MIMS].mean, mims.reference.mean)
    assert models.references[Family.STEPS].mean.shape == (WEEK_MINUTES,)
    assert models.level_range(Family.MIMS) == mims.level_range


def test_references_of_people_alone_are_of_their_cohort(tmp_path: Path) -> None:
    made = save_references({Family.MIMS: fitted(weeks(), "clinic A")}, tmp_path, SEED, "test")
    assert made.trained_on == "clinic A"
    assert made.training["sources"]["mims"]["people"] == MIN_PEOPLE


def test_references_that_do_not_say_whose_are_refused(
    from_the_seed: dict[Family, Fitted], tmp_path: Path
) -> None:
    made = save_references(from_the_seed, tmp_path, SEED, "test")
    told = {k: v for k, v in made.training.items() if k != "sources"}
    with pytest.raises(ArtifactError, match="does not say whose"):
        read_references(replace(made, training=told))
