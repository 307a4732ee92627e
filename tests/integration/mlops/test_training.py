"""Training as a whole with the real libraries: what comes out scores as they do, the same from the same seed."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from config.monitoring import ModelSpec
from mlops.errors import BadInputError
from mlops.generators import credit_risk, housing
from mlops.models.folder import MANIFEST, load, save
from mlops.places import Places
from mlops.registry.registry import Registry
from mlops.tables.table import Table, make_table
from mlops.training.decision import decide
from mlops.training.fitting import NEEDS_FILLING, fit
from mlops.training.metrics import measure
from mlops.training.renewal import renew
from mlops.training.train import evaluate, train

ROOT = Path(__file__).parents[3]
CREDIT = ModelSpec(
    name="credit", task="classification", data="credit.csv", target="default", algorithm="linear"
)
HOUSES = ModelSpec(
    name="housing", task="regression", data="housing.csv", target="MedHouseVal", algorithm="forest"
)


def holed(table: Table, target: str, share: float = 0.05) -> Table:
    """With missing cells and a category, as real tables have them."""
    rng = np.random.default_rng(5)
    columns: dict[str, Any] = {
        name: values if name == target else np.where(rng.random(table.rows) < share, np.nan, values)
        for name, values in table.columns.items()
    }
    words = rng.choice(np.array(["own", "rent", "other", None], dtype=object), table.rows)
    return make_table({"home": words, **columns})


@pytest.fixture(scope="module")
def credit() -> Table:
    return holed(credit_risk(600), "default")


@pytest.fixture(scope="module")
def houses() -> Table:
    return holed(housing(600), "MedHouseVal")


@pytest.mark.parametrize("algorithm", ["linear", "forest", "xgboost"])
@pytest.mark.parametrize("task", ["classification", "regression"])
def test_a_model_comes_back_from_its_folder_and_rows_score_as_tables_do(
    algorithm: Any, task: Any, credit: Table, houses: Table, tmp_path: Path
) -> None:
    table, spec = (credit, CREDIT) if task == "classification" else (houses, HOUSES)
    spec = msgspec.structs.replace(spec, algorithm=algorithm)
    trained = train(spec, table, Places(tmp_path), tracking=False)
    save(trained.model, tmp_path / "models/a")
    model = load(tmp_path / "models/a", inside=tmp_path / "models")
    predictions, probabilities = model.score_table(table)
    for place in range(0, table.rows, 7):
        prediction, probability = model.score_row(table.row(place))
        assert prediction == pytest.approx(predictions[place], rel=1e-12)
        if probabilities is not None:
            assert probability == pytest.approx(probabilities[place], rel=1e-12)
    again = train(spec, table, Places(tmp_path), tracking=False)
    assert again.model.scorer.file() == trained.model.scorer.file()
    assert again.metrics == trained.metrics


def test_a_linear_model_is_the_pipeline_of_the_library(credit: Table, houses: Table, tmp_path: Path) -> None:
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    for whole, table, last in (
        (CREDIT, credit, LogisticRegression(max_iter=1000)),
        (HOUSES, houses, Ridge()),
    ):
        numbers = [name for name in table.names if name not in {"home", whole.target}]
        spec = msgspec.structs.replace(whole, algorithm="linear", features=tuple(numbers))
        trained = train(spec, table, Places(tmp_path), tracking=False)

        def matrix(part: Table, names: list[str] = numbers) -> Any:
            return np.column_stack([part.columns[name] for name in names])

        pipeline = make_pipeline(SimpleImputer(strategy="median"), StandardScaler(), last)
        pipeline.fit(matrix(trained.split.train), trained.split.train.columns[spec.target])
        held = trained.split.held_out
        told, probabilities = trained.model.score_table(held)
        if probabilities is None:
            assert np.abs(told - pipeline.predict(matrix(held))).max() < 1e-9
        else:
            assert np.abs(probabilities - pipeline.predict_proba(matrix(held))[:, 1]).max() < 1e-9


def test_a_forest_scores_as_the_library_to_1e_12() -> None:
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    from mlops.models.forest import Forest

    rng = np.random.default_rng(0)
    x = rng.normal(size=(600, 6))
    y = x[:, 0] * x[:, 1] + rng.normal(size=600)
    classifier = RandomForestClassifier(20, random_state=0).fit(x, y > 0)
    regressor = RandomForestRegressor(20, random_state=0).fit(x, y)
    probe = np.concatenate([x, rng.normal(size=(3000, 6))])
    chances, numbers = classifier.predict_proba(probe)[:, 1], regressor.predict(probe)
    assert np.abs(Forest.from_sklearn(classifier).matrix(probe) - chances).max() <= 1e-12
    assert np.abs(Forest.from_sklearn(regressor).matrix(probe) - numbers).max() <= 1e-12
    flat = Forest.from_sklearn(regressor)
    assert (
        max(abs(flat.row(row) - number) for row, number in zip(probe[:100].tolist(), numbers, strict=False))
        <= 1e-12
    )


@pytest.mark.parametrize("logistic", [True, False])
def test_a_booster_sums_to_the_last_bit_as_the_library_does(logistic: bool) -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(2000, 6)).round(2)  # rounded: many values lie on thresholds
    x[rng.random(x.shape) < 0.1] = np.nan
    y = np.nan_to_num(x[:, 0] * x[:, 1]) + rng.normal(size=2000) * 0.1
    scorer: Any = fit(
        "xgboost", x, (y > 0).astype(float) if logistic else y, logistic=logistic, seed=0
    ).scorer
    by_bits = [scorer._bits.margin(row) for row in x[:500].tolist()]
    assert np.array_equal(by_bits, scorer._by_library(x[:500]))


def test_the_seed_reaches_the_library_itself() -> None:
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(100, 4)), rng.normal(size=100)
    for algorithm in ("xgboost", "forest"):
        first, again, other = (fit(algorithm, x, y, logistic=False, seed=seed).scorer for seed in (0, 0, 1))
        assert first.file() == again.file() != other.file()


def test_metrics_are_those_of_scikit_learn() -> None:
    from sklearn import metrics as theirs

    rng = np.random.default_rng(0)
    outcome = (rng.random(500) < 0.3).astype(float)
    score = np.clip(outcome * 0.3 + rng.random(500) * 0.7, 0, 1).round(2)
    ours = {name: metric.value for name, metric in measure("classification", outcome, score).items()}
    assert ours == {
        "accuracy": pytest.approx(theirs.accuracy_score(outcome, score >= 0.5)),
        "f1": pytest.approx(theirs.f1_score(outcome, score >= 0.5)),
        "brier": pytest.approx(theirs.brier_score_loss(outcome, score)),
        "roc_auc": pytest.approx(theirs.roc_auc_score(outcome, score)),
    }
    found = {name: metric.value for name, metric in measure("regression", outcome, score).items()}
    assert found["r2"] == pytest.approx(theirs.r2_score(outcome, score))
    assert found["rmse"] == pytest.approx(theirs.root_mean_squared_error(outcome, score))


def test_the_card_says_what_it_was_trained_on_and_how_good_it_is(credit: Table, tmp_path: Path) -> None:
    trained = train(CREDIT, credit, Places(tmp_path), seed=3, tracking=False)
    card = trained.card
    assert card.metrics == evaluate(trained.model, trained.split.held_out, seed=3)
    assert card.metrics != evaluate(trained.model, trained.split.train, seed=3)
    assert (card.data.rows, card.data.trained_rows, card.data.held_out_rows) == (600, 480, 120)
    assert len(card.data.fingerprint) == 64
    assert card.metrics.keys() == {"accuracy", "f1", "brier", "roc_auc"}
    assert all(metric.low <= metric.value <= metric.high for metric in card.metrics.values())
    assert card.metrics["roc_auc"].low > 0.5
    assert {"python", "numpy", "scikit-learn"} <= card.libraries.keys()
    assert (card.seed, card.classes, card.features[0]) == (3, (0, 1), "home")


def test_the_first_version_is_champion_and_a_worse_one_becomes_challenger(
    credit: Table, tmp_path: Path
) -> None:
    places = Places(tmp_path)
    first = renew(CREDIT, credit, places, tracking=False)
    assert (first.version, first.decision.promote, first.trained.backup) == (1, True, None)
    noise = make_table(
        {**credit.columns, "default": np.random.default_rng(0).permutation(credit.columns["default"])}
    )
    honest = train(CREDIT, credit, places, seed=0, tracking=False)
    poisoned = train(CREDIT, noise, places, seed=0, tracking=False)
    registry = Registry(places, "credit")
    judged = decide(registry.load_champion(), poisoned.model, honest.split.held_out)
    assert not judged.promote
    assert judged.difference is not None
    assert judged.difference.high < 0
    second = renew(CREDIT, credit, places, tracking=False)
    assert (second.version, registry.champion()) == (2, 2)
    assert second.trained.backup is not None
    fewer = msgspec.structs.replace(CREDIT, features=("home",))
    third = renew(fewer, credit, places, tracking=False)
    assert (third.decision.promote, registry.champion(), registry.challenger()) == (False, 2, 3)
    assert "worse than the champion on the same 120 rows" in third.decision.why
    forced = renew(fewer, credit, places, tracking=False, promote=True)
    assert (registry.champion(), forced.version) == (4, 4)


def test_a_damaged_champion_does_not_stop_a_training(credit: Table, tmp_path: Path) -> None:
    places = Places(tmp_path)
    renew(CREDIT, credit, places, tracking=False)
    (places.version("credit", 1) / MANIFEST).write_bytes(b"")
    again = renew(CREDIT, credit, places, tracking=False)
    assert Registry(places, "credit").champion() == 2
    assert "cannot be loaded" in again.decision.why
    assert any("could not be backed up" in note for note in again.notes)


def test_a_champion_of_other_columns_gives_way(credit: Table, tmp_path: Path) -> None:
    places = Places(tmp_path)
    renew(CREDIT, credit, places, tracking=False)
    without = make_table({name: values for name, values in credit.columns.items() if name != "age"})
    assert "cannot score today's table" in renew(CREDIT, without, places, tracking=False).decision.why


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"default": np.ones(600)}, "only one class, '1'"),
        ({"default": np.full(600, np.nan)}, "0 rows have a target"),
        ({"age": np.full(600, np.nan)}, "column 'age': no row to learn from has a value"),
    ],
)
def test_what_cannot_be_learnt_is_told_with_its_column(
    change: dict[str, Any], told: str, credit: Table, tmp_path: Path
) -> None:
    with pytest.raises(BadInputError, match=told):
        train(CREDIT, make_table({**credit.columns, **change}), Places(tmp_path), tracking=False)
    assert not (tmp_path / "models/credit/versions").exists()


def test_one_row_and_a_copied_target_are_told(credit: Table, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="1 rows have a target"):
        train(CREDIT, credit.take(np.arange(1)), Places(tmp_path), tracking=False)
    copied = make_table({**credit.columns, "copy": credit.columns["default"] * 2})
    with pytest.raises(BadInputError, match="column 'copy': is the target 'default' in other words"):
        train(CREDIT, copied, Places(tmp_path), tracking=False)


def test_ten_thousand_columns_can_be_learnt_from(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    y = (rng.random(60) < 0.5).astype(float)
    wide = make_table({"y": y, **{f"c{n}": rng.normal(size=60) + y * (n == 7) * 4 for n in range(10_000)}})
    spec = ModelSpec(name="wide", task="classification", data="wide.csv", target="y", algorithm="linear")
    trained = train(spec, wide, Places(tmp_path), tracking=False)
    assert trained.model.score_row(wide.row(0))[1] == pytest.approx(trained.model.score_table(wide)[1][0])  # type: ignore[index]


HEAVY = ("sklearn", "pandas", "xgboost", "mlflow", "scipy", "fastapi")


@pytest.mark.parametrize("algorithm", ["linear", "xgboost", "forest"])
def test_a_process_that_scores_rows_loads_no_library_that_trained_them(
    algorithm: Any, credit: Table, tmp_path: Path
) -> None:
    places = Places(tmp_path)
    trained = train(msgspec.structs.replace(CREDIT, algorithm=algorithm), credit, places, tracking=False)
    Registry(places, "credit").register(trained)
    program = f"""
import sys
from pathlib import Path
from mlops.places import Places
from mlops.registry.registry import Registry
model = Registry(Places(Path({str(tmp_path)!r})), "credit").load_champion()
prediction, probability = model.score_row({credit.row(0)!r})
assert 0 <= probability <= 1
heavy = [name for name in {HEAVY!r} + ("pickle5", "joblib") if name in sys.modules]
print(heavy)
"""
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=30, check=False
    )
    assert (ran.stdout.strip(), ran.stderr) == ("[]", "")


def test_importing_any_part_costs_nothing_heavy() -> None:
    modules = [
        "mlops." + ".".join(path.relative_to(ROOT / "mlops").with_suffix("").parts)
        for folder in ("models", "registry", "training") for path in (ROOT / "mlops" / folder).glob("[a-z]*.py")
    ]  # fmt: skip
    program = f"import sys\nfor name in {modules!r}: __import__(name)\nprint([n for n in {HEAVY!r} if n in sys.modules])"
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=30, check=False
    )
    assert ran.stdout.strip() == "[]", ran.stderr
    assert {"linear", "forest"} == NEEDS_FILLING
