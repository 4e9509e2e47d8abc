"""``validate`` on folders of every kind: nothing is dropped in silence, and the document keeps its contract."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from whichgpu.cli.validate import command
from whichgpu.errors import InvalidFile, InvalidValue, UsageError
from whichgpu.measurements.meaning import SKIP_CODES
from whichgpu.measurements.sources import shipped_sources
from whichgpu.validating import Validation, validate
from whichgpu.validating.report import page

DATA = Path(__file__).resolve().parents[2] / "data" / "measurements"

GROUP_KEYS = (
    *("source", "level", "family", "phase", "precision", "metric", "gpu", "n_gpus", "tier"),
    *("rows", "n", "duplicates", "skipped", "skip_reasons", "fit_labels", "upper_bounds"),
    *("mape", "mape_above_context", "median_ape", "bias", "interval_coverage", "interval_width"),
    *("fit_accuracy", "upper_bounds_kept"),
)
DECISION_KEYS = ("source", "workload", "phase", "precision", "batch", "stack", "gpus", "tau", "regret")

OPERATOR: dict[str, Any] = {
    "source": "deepbench",
    "level": "op",
    "gpu": "T4",
    "n_gpus": 1,
    "model": "gemm",
    "family": "op",
    "phase": "fwd",
    "dtype": "fp32",
    "batch": 700,
    "params": '{"m": 5124, "n": 700, "k": 2048}',
    "framework": "CUDA Version=10.1.243; Cudnn Version=7.6.2.24",
    "metric": "latency",
    "value": 4.0,
    "unit": "ms",
}


def write(folder: Path, *changes: dict[str, Any], name: str = "some") -> Path:
    rows = [{**OPERATOR, **change} for change in changes]
    table = pyarrow.table({key: [row[key] for row in rows] for key in OPERATOR})
    pyarrow.parquet.write_table(table, folder / f"{name}.parquet")
    return folder


def counts(found: Validation) -> Counter[str]:
    total: Counter[str] = Counter()
    for group in found.groups:
        assert group.rows == group.n + group.fit_labels + group.upper_bounds + group.duplicates + group.skipped
        assert set(group.skip_reasons) <= set(SKIP_CODES)
        total.update({"rows": group.rows, "n": group.n, "fit": group.fit_labels, "duplicates": group.duplicates})
        total.update(group.skip_reasons)
    return +total


def test_every_row_is_counted_once_with_its_reason(tmp_path: Path) -> None:
    bad = [{"value": value} for value in (float("nan"), float("inf"), 0.0, -3.0)]
    folder = write(
        tmp_path,
        {},
        {},
        {"value": 5.0},
        {"value": None},
        *bad,
        {"gpu": "RTX 9999"},
        {"n_gpus": None},
        {"n_gpus": 8},
        {"unit": "fortnights"},
        {"metric": "joy"},
        {"model": "teleport"},
        {"params": '{"m": 5124}'},
        {"params": None},
    )
    found = validate(folder)
    assert counts(found) == {
        "rows": 16,
        "n": 2,
        "duplicates": 1,
        "fit": 1,
        "bad_value": 4,
        "gpu_unknown": 1,
        "gpus_unknown": 1,
        "several_gpus": 1,
        "not_in_vocabulary": 2,
        "workload_unknown": 1,
        "parameters_unknown": 2,
    }
    assert {(each.part, each.rows) for each in found.unmatched} == {("unit", 1), ("metric", 1)}


def test_files_that_cannot_be_read_are_named_and_the_rest_is_validated(tmp_path: Path) -> None:
    write(tmp_path, {}, name="good")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 not at all PAR1")
    pyarrow.parquet.write_table(pyarrow.table({"source": ["x"] * 3}), tmp_path / "narrow.parquet")
    (tmp_path / "README.md").write_text("ignored", encoding="utf-8")
    found = validate(tmp_path)
    assert [(each.file, each.code) for each in found.problems] == [
        ("broken.parquet", "unreadable_file"),
        ("narrow.parquet", "missing_column"),
    ]
    assert counts(found) == {"rows": 4, "n": 1, "missing_column": 3}


def test_a_folder_without_measurements_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidValue):
        validate(tmp_path)
    with pytest.raises(InvalidValue):
        validate(tmp_path / "nowhere")
    with pytest.raises(UsageError):
        validate(write(tmp_path, {}), "imaginary")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("measurements")
    for name in ("deepbench_ops", "lamikr_cnn_e2e", "zeus_power", "litgpt_finetune_memory", "detectron2_zoo"):
        shutil.copy(DATA / f"{name}.parquet", folder)
    return folder


@pytest.fixture(scope="module")
def validation(small: Path) -> Validation:
    return validate(small, "spec-only")


def test_the_document_keeps_its_contract(validation: Validation) -> None:
    document = json.loads(json.dumps(validation.document(), allow_nan=False))
    assert document["schema"] == "whichgpu/validation/1"
    assert all(set(GROUP_KEYS) <= set(group) for group in document["groups"])
    assert all(set(DECISION_KEYS) <= set(decision) for decision in document["decisions"])
    keys = [tuple(group[name] for name in GROUP_KEYS[:9]) for group in document["groups"]]
    assert len(keys) == len(set(keys))
    for group in document["groups"]:
        assert (group["mape"] is None) == (group["n"] == 0)
        assert group["tier"] in (("spec-only",) if group["n"] else ("spec-only", None))


def test_published_operators_are_scored_but_for_repeated_rows(validation: Validation) -> None:
    operators = [group for group in validation.groups if group.source == "deepbench"]
    assert sum(group.rows for group in operators) == 6228
    assert sum(group.n for group in operators) == 6228 - 77
    assert {group.family for group in operators} == {"gemm", "conv2d", "rnn", "lstm"}
    assert {group.precision for group in operators} == {"fp32", "fp16", "int8"}
    assert {"radeon", "vega-frontier-edition"} & {str(group.gpu) for group in operators}


def test_relative_rows_count_their_reference_as_a_duplicate(validation: Validation) -> None:
    groups = [group for group in validation.groups if group.source == "zeus" and group.metric == "time_per_epoch"]
    power = [group for group in validation.groups if group.source == "zeus" and group.metric == "average_power"]
    # 690 runs at nine or seven power limits: every combination of model, batch and GPU has one reference.
    assert sum(group.rows for group in groups) == sum(group.rows for group in power) == 690
    assert sum(group.duplicates for group in groups) == 90
    assert sum(group.duplicates for group in power) == 0


def test_out_of_memory_runs_are_labels_each_once(validation: Validation) -> None:
    labels = [group for group in validation.groups if group.source == "litgpt" and group.metric == "OOM"]
    assert sum(group.fit_labels for group in labels) == 7
    assert sum(group.duplicates for group in labels) == 7


def test_decisions_are_over_whole_models_on_four_gpus_or_more(validation: Validation) -> None:
    assert all(each.gpus >= 4 and each.regret >= 0 for each in validation.decisions)
    assert all(each.tau is None or -1 <= each.tau <= 1 for each in validation.decisions)
    assert {each.source for each in validation.decisions} <= {"lamikr"}


def test_the_report_names_every_source_and_reason(validation: Validation) -> None:
    text = page(validation, "somewhere")
    assert "`whichgpu validate --data somewhere --tier spec-only`" in text
    for group in validation.groups:
        assert str(group.source) in text
        assert all(code in text for code in group.skip_reasons)


def test_the_command_prints_one_document_or_tables(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write(tmp_path, {}, {"value": 5.0})
    run(["--data", str(folder), "--json", "--leave-one-gpu-out"])
    assert json.loads(capsys.readouterr().out)["tier"] == "spec-only"
    run(["--data", str(folder), "--report", str(tmp_path / "report.md")])
    assert "deepbench" in capsys.readouterr().out
    assert (tmp_path / "report.md").read_text(encoding="utf-8").startswith("# Measured against predicted")
    with pytest.raises(InvalidFile):
        run(["--data", str(folder), "--report", str(tmp_path / "no" / "such" / "folder.md")])


def run(arguments: list[str]) -> None:
    command.main(arguments, prog_name="whichgpu validate", standalone_mode=False)


def test_what_ships_is_what_may_ship_and_is_listed() -> None:
    shipped = {path.name for path in DATA.glob("*.parquet")}
    allowed = {name for source in shipped_sources() for name in source.files}
    assert shipped <= allowed
    listed = (DATA / "README.md").read_text(encoding="utf-8")
    assert all(f"`{name.removesuffix('.parquet')}`" in listed for name in shipped)
    for name in ("sources.toml", "models.toml", "vocabulary.csv"):
        assert (DATA / name).read_bytes()


def test_the_documentation_lists_every_skip_code() -> None:
    text = (DATA.parents[1] / "docs" / "validate.md").read_text(encoding="utf-8")
    assert all(f"| `{code}` |" in text for code in SKIP_CODES)
