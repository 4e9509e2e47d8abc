"""The program from Python: the same answers as the command line, as objects."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import whichgpu
from whichgpu import zoo
from whichgpu.capturing.request import CaptureRequest
from whichgpu.errors import InvalidValue, SourceNotFound, UnknownName, WhichGpuError


def test_a_recommendation_is_the_command_lines() -> None:
    answer = whichgpu.recommend("bert-base", phase="train", budget="1500usd", os="linux")
    words = ["recommend", "bert-base", "--phase", "train", "--budget", "1500usd", "--os", "linux", "--json"]
    program = [sys.executable, "-c", "from whichgpu.cli.main import main; main()"]
    done = subprocess.run([*program, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    document = json.loads(answer.to_json())
    assert [row["gpu"] for row in document["ranked"]] == [row["gpu"] for row in json.loads(done.stdout)["ranked"]]
    assert answer.best is not None
    assert answer.best.gpu.id == document["ranked"][0]["gpu"]


def test_rows_hold_the_figures() -> None:
    answer = whichgpu.recommend("resnet50", gpus=["rtx-3090", "rx-6800"])
    rows = answer.to_rows()
    assert {row["gpu"] for row in rows} == {"rtx-3090", "rx-6800"}
    first = answer.ranked[0].estimate
    assert first is not None
    assert float(rows[0]["latency_s"]) == first.latency_s.mid


def test_a_notebook_gets_a_table_without_scripts() -> None:
    shown = whichgpu.recommend("resnet50", vendors=["AMD"])._repr_html_()
    assert "<table>" in shown
    assert "<script" not in shown


def test_estimates_by_gpu() -> None:
    found = whichgpu.predict("resnet50", ["rtx-3090", "tesla-t4"], phase="infer", batch_size=8)
    assert found["rtx-3090"].latency_s.mid < found["tesla-t4"].latency_s.mid


def test_a_workload_of_ones_own_is_a_source() -> None:
    answer = whichgpu.recommend(zoo.workload("lstm"), goal="fastest", gpus=["rtx-2070"])
    assert answer.recommendation.workload.name == "lstm"
    assert repr(answer) == "<whichgpu: lstm: rtx-2070, 1 qualify, 292 do not>"


def test_several_workloads() -> None:
    works = [{"source": "resnet50", "weight": 0.3}, {"source": "bert-base", "weight": 0.7}]
    answer = whichgpu.recommend(requirements={"workloads": works, "gpus": ["rtx-3090"]})
    assert len(answer.recommendation.parts) == 2


def test_what_is_wrong_is_said() -> None:
    with pytest.raises(UnknownName) as caught:
        whichgpu.recommend("resnet50", budjet="900usd")
    assert "budget" in (caught.value.hint or "")
    with pytest.raises(SourceNotFound):
        whichgpu.recommend("resnet5000000")
    with pytest.raises(InvalidValue):
        whichgpu.recommend()


def test_the_import_stays_light() -> None:
    code = "import sys, whichgpu; assert not {'numpy', 'torch', 'whichgpu.api'} & set(sys.modules), sys.modules.keys()"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_capture_takes_names_of_the_zoo_and_options() -> None:
    found = whichgpu.capture("resnet50", phase="infer", batch_size=4)
    assert (found.phase, found.batch_size, found.graph.parameters) == ("infer", 4, 25_557_032)
    assert whichgpu.capture("resnet50", train=True).phase == "train"


def test_a_request_and_options_are_not_both_taken() -> None:
    with pytest.raises(InvalidValue, match="batch_size"):
        whichgpu.capture("resnet50", request=CaptureRequest(), batch_size=4)


def test_a_function_of_a_file_is_no_name_of_the_zoo(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text("def model(): ...\n", encoding="utf-8")
    with pytest.raises(WhichGpuError, match="modl") as caught:
        whichgpu.predict(f"{tmp_path / 'net.py'}:modl", ["rtx-3090"])
    assert "built-in" not in caught.value.message
