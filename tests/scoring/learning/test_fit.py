"""Training: both tracks from few people, the encoder, and going on where it was cut off."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import xgboost as xgb

from patients.domain.recording import Family
from scoring.domain.pat_window import WEEK_MINUTES, Reference, pat_week
from scoring.domain.vector_names import OWN_VECTOR_NAMES
from scoring.engines.artifacts import sha256_of
from scoring.engines.importing import import_pat, store
from scoring.engines.mania import ManiaEngine, load_booster
from scoring.engines.pat import SIZES
from scoring.engines.pat_h5 import layout
from scoring.learning.calibrate import TooFewPositives
from scoring.learning.cohort import (
    FIRST_DAY,
    TIMING_SD_HOURS,
    PersonDays,
    Weeks,
    a_member,
    recorded,
    simulate_person_days,
    simulate_weeks,
    varied,
)
from scoring.learning.episodes import Rates
from scoring.learning.fit_depression import Plan, augmented, fit_depression, trained
from scoring.learning.fit_mania import FALLING, fit_mania
from scoring.learning.people import HYPOMANIA, MANIA
from scoring.learning.references import fitted
from tests.scoring.engines import recipe

NATURAL = np.array([0.974, 0.0, 0.02, 0.006])  # well, depressed, hypomanic, manic days
LEVELS = {Family.ACTIGRAPH_COUNTS: 2000.0, Family.STEPS: 1.0}


def made_up_days(people: int = 60, each: int = 40) -> PersonDays:
    """Days on which little sleep goes with mania and, less so, with hypomania."""
    rng = np.random.default_rng(0)
    n = people * each
    who = np.repeat(np.arange(people), each)
    inputs = rng.normal(size=(n, len(OWN_VECTOR_NAMES)))
    sleep = inputs[:, OWN_VECTOR_NAMES.index("ST_long_Zscore")]
    chance = rng.random(n)
    kinds = np.where(chance < 0.5 / (1 + np.exp(4 + 3 * sleep)), MANIA, 0)
    kinds = np.where(
        (kinds == 0) & (chance > 1 - 0.6 / (1 + np.exp(3 + 2 * sleep))), HYPOMANIA, kinds
    )
    nothing = np.empty((0, WEEK_MINUTES), np.float16)
    return PersonDays(
        inputs, kinds.astype(np.int8), np.zeros(n), who, np.tile(np.arange(each), people),
        np.ones(n), nothing, np.empty(0, np.int64), dict.fromkeys(range(people)),  # type: ignore[arg-type]
    )  # fmt: skip


@pytest.fixture(scope="module")
def boosters(tmp_path_factory: pytest.TempPathFactory) -> tuple[PersonDays, Path, list[object]]:
    days, folder = made_up_days(), tmp_path_factory.mktemp("mania")
    return days, folder, fit_mania(days, NATURAL, folder, seed=1, trials=2)  # type: ignore[return-value]


def test_boosters_see_the_51_columns_and_are_calibrated_for_the_natural_prevalence(
    boosters: tuple[PersonDays, Path, list[object]],
) -> None:
    days, folder, made = boosters
    engine = ManiaEngine(folder / "boosted_mania.json", folder / "boosted_hypomania.json")
    assert engine.names == OWN_VECTOR_NAMES
    for artifact in made:
        training = artifact.training  # type: ignore[attr-defined]
        assert training["people"] == 60 and len(training["trials"]) == 2
        assert max(training["calibrator"]["calibrated"]) < 0.9
    mania, _ = engine.probabilities(days.inputs)
    ill = days.kinds == MANIA
    assert mania[ill].mean() > 2 * mania[~ill].mean()


@pytest.mark.parametrize("name", ["mania", "hypomania"])
def test_less_sleep_than_usual_never_lowers_either(
    boosters: tuple[PersonDays, Path, list[object]], name: str
) -> None:
    booster = load_booster(boosters[1] / f"boosted_{name}.json")
    rng = np.random.default_rng(3)
    for column in FALLING[name]:
        rows = np.repeat(rng.normal(size=(40, 51)), 9, axis=0)
        rows[:, OWN_VECTOR_NAMES.index(column)] = np.tile(np.linspace(-4, 4, 9), 40)
        matrix = xgb.DMatrix(rows, feature_names=list(OWN_VECTOR_NAMES))
        told = booster.predict(matrix).reshape(40, 9)
        assert (np.diff(told, axis=1) <= 1e-6).all(), column


def test_shap_of_both_boosters_sums_to_their_margins(
    boosters: tuple[PersonDays, Path, list[object]],
) -> None:
    days, folder, _ = boosters
    engine = ManiaEngine(folder / "boosted_mania.json", folder / "boosted_hypomania.json")
    rows = days.inputs[:50]
    for shap, margin in zip(engine.margin_contributions(rows), engine.margins(rows), strict=True):
        assert shap.shape == (50, 52)
        assert np.allclose(shap.sum(axis=1), margin, atol=1e-4)


def test_a_mania_model_without_episodes_is_refused_calibration(tmp_path: Path) -> None:
    days = made_up_days(people=12, each=10)
    with pytest.raises(TooFewPositives, match="positive days"):
        fit_mania(days, NATURAL, tmp_path, seed=1, trials=1)


@pytest.fixture(scope="module")
def references() -> dict[Family, Reference]:
    rng, made = np.random.default_rng(0), []
    for _ in range(24):
        member = a_member(rng, 9, LEVELS, Rates())
        made.append(pat_week(recorded(rng, member), FIRST_DAY + timedelta(days=8)))
    return dict.fromkeys(LEVELS, fitted(made, "test").reference)


@pytest.fixture(scope="module")
def weeks(references: dict[Family, Reference]) -> Weeks:
    return simulate_weeks(5, 60, references, LEVELS)


def test_weeks_are_the_same_from_the_seed_and_go_on_where_others_ended(
    weeks: Weeks, references: dict[Family, Reference]
) -> None:
    assert weeks.inputs.shape[1] == WEEK_MINUTES and np.isfinite(weeks.inputs).all()
    assert 0 < weeks.labels.mean() < 0.7 and len(set(weeks.people)) == len(weeks.people) <= 60
    later = simulate_weeks(5, 20, references, LEVELS, first=40)
    assert (later.people >= 40).all()
    assert (later.inputs == weeks.inputs[np.isin(weeks.people, later.people)]).all()


def test_people_to_learn_from_live_at_more_various_hours() -> None:
    rng = np.random.default_rng(4)
    members = [a_member(rng, 9, LEVELS, Rates()) for _ in range(400)]
    usual, shifted = (
        np.array([m.person.midsleep_hours for m in people])
        for people in (members, [varied(rng, m) for m in members])
    )
    assert np.corrcoef(usual, shifted - usual)[0, 1] == pytest.approx(0, abs=0.15)
    assert (shifted - usual).std() == pytest.approx(TIMING_SD_HOURS, rel=0.15)


def test_half_of_those_to_learn_from_have_a_bare_recorder(
    references: dict[Family, Reference],
) -> None:
    """Stillness by day then looks unworn, which a heart rate would have shown to be worn."""
    plain = simulate_weeks(5, 80, references, LEVELS)
    learned = simulate_weeks(5, 80, references, LEVELS, to_learn=True)
    unknown = [(w.inputs == 0).mean() for w in (plain, learned)]
    assert unknown[1] > unknown[0]


def test_another_sensor_scales_and_shifts_a_week(weeks: Weeks) -> None:
    rng = np.random.default_rng(1)
    moved = augmented(rng, weeks.inputs[:4].astype(np.float32))
    assert ((moved == 0) == (weeks.inputs[:4] == 0)).all() and not np.allclose(
        moved, weeks.inputs[:4]
    )


def part(weeks: Weeks, rows: slice) -> Weeks:
    return Weeks(weeks.inputs[rows], weeks.labels[rows], weeks.people[rows])


def test_a_depression_model_of_too_few_is_refused_calibration(weeks: Weeks, tmp_path: Path) -> None:
    train, stop, held = (part(weeks, rows) for rows in (slice(0, 16), slice(16, 20), slice(20, 24)))
    with pytest.raises(TooFewPositives, match="too few to calibrate"):
        fit_depression(train, stop, held, Plan(epochs=1, batch=8), tmp_path, seed=1)


def test_the_encoder_learns_to_fill_in_what_was_masked(weeks: Weeks, tmp_path: Path) -> None:
    from scoring.engines.pat import SIZES, build_encoder
    from scoring.engines.pat_h5 import load_encoder, save_encoder
    from scoring.learning.pretrain import MaskedAutoencoder, pretrained
    from scoring.learning.pretrain import Plan as PretrainPlan

    encoder, losses = pretrained(
        weeks.inputs[:32], weeks.inputs[32:40], PretrainPlan(epochs=3, batch=8), seed=1
    )
    assert losses.epochs == 3 and losses.loss[-1] < losses.loss[0]
    save_encoder(encoder, SIZES["S"], tmp_path / "encoder.h5")
    loaded = build_encoder(SIZES["S"])
    load_encoder(loaded, SIZES["S"], tmp_path / "encoder.h5")
    rows = weeks.inputs[:2].astype(np.float32)
    assert np.allclose(encoder(rows), loaded(rows), atol=1e-5)
    model = MaskedAutoencoder(SIZES["S"])
    told = np.asarray(model(rows))
    assert told.shape == rows.shape and np.abs(told).max() <= 2.0  # tanh times two
    assert model.visible == 56 and model.count_params() == 549_458  # as published
    # Each sample draws a permutation of its own: equal samples come out differently.
    both = np.asarray(model(np.repeat(rows[:1], 2, axis=0)))
    assert not np.allclose(both[0], both[1])


def test_fine_tuning_begins_from_the_encoder(weeks: Weeks, tmp_path: Path) -> None:
    from scoring.engines.pat import SIZES, build_encoder
    from scoring.engines.pat_h5 import save_encoder

    encoder = build_encoder(SIZES["S"])
    path = tmp_path / "encoder.h5"
    save_encoder(encoder, SIZES["S"], path)
    train, held = part(weeks, slice(0, 8)), part(weeks, slice(8, 16))
    tuned, _ = trained(train, held, Plan(epochs=1, batch=8, rate=1e-6, encoder=path), seed=1)
    found = tuned.get_layer("encoder_model").get_layer("dense").get_weights()[0]
    assert np.allclose(found, encoder.get_layer("dense").get_weights()[0], atol=1e-4)


def test_person_days_hold_nobody_twice_and_weeks_of_their_rows(weeks: Weeks) -> None:
    rng = np.random.default_rng(0)
    made = [
        pat_week(recorded(rng, a_member(rng, 9, LEVELS, Rates())), FIRST_DAY + timedelta(days=8))
        for _ in range(24)
    ]
    references = dict.fromkeys(LEVELS, fitted(made, "test").reference)
    sedentary = {Family.ACTIGRAPH_COUNTS: 2860.0, Family.STEPS: 1.0}
    one, other = (
        simulate_person_days(3, 4, 30, references, LEVELS, Rates(6.0), sedentary, shares)
        for shares in ((), (0.9, 0.3, 0.0))
    )
    assert np.array_equal(one.inputs, other.inputs, equal_nan=True)
    assert len(set(zip(one.people.tolist(), one.days.tolist(), strict=True))) == len(one.days)
    assert one.inputs.shape[1] == 51 and (one.days >= 11).all()
    # Nights taken away change nobody's recording, and only every tenth day is told of them.
    tenth, mean = other.days % 10 == 0, OWN_VECTOR_NAMES.index("ST_long_MN")
    assert tenth.any() and not one.fewer and list(other.fewer) == [0.9, 0.3, 0.0]
    for share, inputs in other.fewer.items():
        assert (np.isnan(inputs).all(axis=1) == ~tenth).all(), share
    alone, some = other.fewer[0.0][tenth], other.fewer[0.3][tenth]
    assert np.isnan(alone[:, mean + 1]).all() and np.isnan(alone[:, mean + 2]).all()  # no SD, no Z
    assert (some[:, mean] != other.inputs[tenth, mean]).any()
    assert len(one.weeks) == len(one.week_rows) and (one.worn[one.week_rows] >= 0.3).all()


@pytest.mark.parametrize("is_imported", [False, True])
def test_a_fine_tuned_model_says_from_which_encoder_and_stays_one_of_simulated_people(
    weeks: Weeks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_imported: bool
) -> None:
    arrays = recipe.recipe_arrays(layout(SIZES["S"]))
    path = recipe.write_legacy_h5(tmp_path / "weights.h5", arrays)
    if is_imported:
        path = next(store(import_pat(path), tmp_path / "models")[0].glob("*.h5"))
    monkeypatch.setattr("scoring.learning.calibrate.MIN_POSITIVES", 1)
    monkeypatch.setattr("scoring.learning.calibrate.MIN_POSITIVE_PEOPLE", 1)
    parts = [part(weeks, rows) for rows in (slice(0, 16), slice(16, 24), slice(24, 48))]
    made = fit_depression(*parts, Plan(epochs=1, batch=8, encoder=path), tmp_path, seed=1)
    assert made.training["encoder"] == path.name
    assert made.training["encoder_sha256"] == sha256_of(path)
    assert made.training["fine_tuned"] == f"from {path.name} on simulated people"
    licence = made.training["encoder_licence"]
    assert ("CC BY 4.0" in licence) if is_imported else (licence == "unknown: as the encoder's")
    assert made.licence.endswith(f"; of the encoder {path.name}: {licence}")
    assert made.is_simulated and str(tmp_path) not in str(made.training)
