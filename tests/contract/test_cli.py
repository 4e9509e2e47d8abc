"""The command line as a program: documents, tables, errors, exit statuses, in both languages."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from whichgpu.catalog import default_catalog
from whichgpu.cli.tables import width

ROOT = Path(__file__).resolve().parent.parent.parent
WHICHGPU = [sys.executable, "-c", "from whichgpu.cli.main import main; main()"]
CATALOG = default_catalog()
INTERVAL = {"low", "mid", "high", "confidence"}
WORKLOAD = {
    *("name", "source_hash", "category", "family", "phase", "step", "batch_size", "sequence_length", "precision"),
    *("weight_precision", "optimizer", "samples", "epochs", "stack"),
}
ESTIMATE = {
    *("gpu", "latency_s", "throughput_per_s", "peak_memory_bytes", "power_w", "energy_j", "fits", "fit", "evidence"),
    *("bound", "coverage"),
}


def test_recommend_prints_the_document_and_nothing_else(cli):
    done = cli("recommend", "resnet50", "--json", "--samples", "1281167", "--epochs", "90")
    assert (done.status, done.err) == (0, "")
    document = done.document
    assert document["schema"] == "whichgpu/recommendation/1"
    assert set(document["workload"]) >= WORKLOAD
    assert document["goal"] == "balanced"
    assert document["requirements"] == {}
    first = document["ranked"][0]
    assert set(first) >= {"rank", "gpu", "estimate", "reasons"}
    assert set(first["estimate"]) >= ESTIMATE
    assert set(first["estimate"]["latency_s"]) == INTERVAL
    assert set(document["baseline"]) >= ESTIMATE
    named = [row["gpu"] for row in (*document["ranked"], *document["rejected"])]
    assert sorted(named) == sorted(gpu.id for gpu in CATALOG.gpus if not gpu.is_cpu)
    assert all(row["estimate"]["time_to_finish_s"]["mid"] > 0 for row in document["ranked"])


def test_a_rejected_gpu_has_verdicts_with_what_would_flip_them(cli):
    document = cli("recommend", "resnet50", "--json", "--budget", "150000jpy", "--max-power-w", "250").document
    assert document["requirements"] == {"budget": {"amount": 150000, "currency": "JPY"}, "max_power_w": 250}
    for row in document["rejected"]:
        for verdict in row["verdicts"]:
            assert set(verdict) == {"code", "requirement", "actual", "limit", "margin", "unit", "flip"}
            assert verdict["margin"] is None or verdict["margin"] < 0
    for row in document["ranked"]:
        price = row["estimate"]["price"]
        assert price["currency"] == "JPY"
        assert price["amount"] <= 150000


def test_contradicting_filters_are_an_answer(cli):
    done = cli("recommend", "resnet50", "--json", "--min-memory-gb", "500", "--max-power-w", "50")
    assert (done.status, done.document["ranked"]) == (0, [])
    text = cli("recommend", "resnet50", "--min-memory-gb", "500", "--max-power-w", "50")
    assert text.status == 0
    assert "No GPU qualifies. The nearest ones:" in text.out


def test_estimate_of_one_and_of_several_sources(cli):
    one = cli("estimate", "resnet50", "--gpu", "rtx-3090", "--gpu", "v100-pcie-16gb", "--json").document
    assert one["schema"] == "whichgpu/estimate/1"
    assert [row["gpu"] for row in one["estimates"]] == ["rtx-3090", "v100-pcie-16gb"]
    several = cli("estimate", "resnet50", "resnet18", "--gpu", "rtx-3090", "--json").document
    assert [row["workload"]["name"] for row in several["workloads"]] == ["resnet50", "resnet18"]
    assert all(len(row["estimates"]) == 1 for row in several["workloads"])


def test_capture_counts(cli):
    document = cli("capture", "resnet50", "--batch-size", "64", "--json").document
    assert set(document) >= {
        *("schema", "workload", "assumptions", "operators", "forward_flops", "backward_flops", "parameters"),
        *("trainable_parameters", "saved_activation_bytes", "peak_memory_bytes", "coverage", "uncosted"),
    }
    # ResNet-50 v1.5: 25.56 million parameters; 523.4 and 1 031.7 GFLOP for a training step of 64 images.
    assert document["parameters"] == 25_557_032
    assert document["forward_flops"] == pytest.approx(523.4e9, rel=1e-3)
    assert document["backward_flops"] == pytest.approx(1031.7e9, rel=1e-3)


def test_gpus_lists_shows_and_compares(cli):
    document = cli("gpus", "--json").document
    assert document["schema"] == "whichgpu/gpus/1"
    assert len(document["gpus"]) == len(CATALOG.gpus) >= 150
    shown = cli("gpus", "show", "rtx-3090", "--json").document
    assert (shown["schema"], shown["id"]) == ("whichgpu/gpu/1", "rtx-3090")
    figure = shown["figures"]["memory_bytes_per_s"]
    assert (figure["value"], figure["derived"]) == (936e9, False)
    assert figure["source"]
    compared = cli("gpus", "compare", "rtx-3090", "titan-v", "--json").document
    assert set(compared) >= {"schema", "gpus", "figures", "estimates"}
    assert compared["schema"] == "whichgpu/gpus/1"
    assert {row["gpu"] for row in compared["measurements"]} == {"rtx-3090"}


def test_gpus_filters_sorts_and_chooses_columns(cli):
    wanted = ("gpus", "--vendor", "amd", "--min-memory-gb", "16", "--max-power-w", "260", "--form", "card")
    rows = cli(*wanted, "--json").document["gpus"]
    assert rows
    assert all(row["vendor"] == "AMD" and row["memory_bytes"] >= 16 * 2**30 for row in rows)
    text = cli("gpus", "--columns", "id,board_power_w", "--sort", "-board_power_w", "--vendor", "nvidia").out
    lines = text.splitlines()
    assert lines[0].split() == ["GPU", "power"]
    assert lines[2].split()[0] in ("gb300-279gb", "b300-sxm-270gb", "gb200-186gb", "gh200-144gb", "gh200-96gb")


def test_a_card_of_ones_own(cli, tmp_path):
    card = tmp_path / "mine.toml"
    card.write_text(
        '[sources]\nmine = { title = "My card", publisher = "me", year = 2026, url = "https://example.org" }\n'
        "[[gpu]]\n"
        'id = "my-card"\nname = "My Card"\nvendor = "NVIDIA"\narchitecture = "ampere"\nchip = "GA102"\nform = "card"\n'
        'market = "consumer"\nrelease_date = "2026-01-01"\nsource = "mine"\n'
        "[gpu.figures]\n"
        'fp32_flops_per_s = "71.2 TFLOPS"\nmemory_bytes = "48 GB"\nmemory_bytes_per_s = "1872 GB/s"\n'
        'board_power_w = "350 W"\nmultiprocessors = "164"\ncompute_capability = "8.6"\n',
        encoding="utf-8",
    )
    document = cli("estimate", "resnet50", "--gpu", "my-card", "--gpus-file", str(card), "--json").document
    assert document["estimates"][0]["gpu"] == "my-card"
    assert cli("gpus", "show", "my-card", "--gpus-file", str(card)).status == 0


def test_prices_and_what_one_owns(cli):
    done = cli(
        *("recommend", "resnet50", "--json", "--gpu", "titan-v", "--budget", "500usd"),
        *("--price", "titan-v=450usd", "--own", "gtx-1080-ti"),
    )
    document = done.document
    assert [row["gpu"] for row in document["ranked"]] == ["titan-v", "gtx-1080-ti"] or {
        row["gpu"] for row in document["ranked"]
    } == {"titan-v", "gtx-1080-ti"}
    assert document["own"]["gpu"] == "gtx-1080-ti"
    given = next(row for row in document["ranked"] if row["gpu"] == "titan-v")
    assert given["estimate"]["price"]["source"] == "given"


BAD = [
    (("recommend", "nosuch.py"), "source_not_found"),
    (("recommend", "resnet51"), "source_not_found"),
    (("recommend", "{tmp}"), "source_unreadable"),
    (("recommend", "{tmp}/empty.py"), "source_unreadable"),
    (("recommend", "{tmp}/binary.py"), "source_unreadable"),
    (("recommend", "{tmp}/syntax.py"), "source_syntax"),
    (("recommend", "resnet50", "--goal", "fastets"), "unknown_name"),
    (("recommend", "resnet50", "--gpu", "rtx-3900"), "unknown_name"),
    (("recommend", "resnet50", "--vendor", "nvidai"), "unknown_name"),
    (("recommend", "resnet50", "--stack", "pytroch"), "unknown_name"),
    (("recommend", "resnet50", "--os", "linxu"), "unknown_name"),
    (("recommend", "resnet50", "--precision", "fp15"), "unknown_name"),
    (("recommend", "resnet50", "--weight-precision", "int5"), "unknown_name"),
    (("recommend", "resnet50", "--acquire", "newly"), "unknown_name"),
    (("recommend", "resnet50", "--lang", "fr"), "unknown_name"),
    (("recommend", "resnet50", "--own", "rtx3090"), "unknown_name"),
    (("recommend", "resnet50", "--batch-size", "0"), "invalid_value"),
    (("recommend", "resnet50", "--batch-size", "-4"), "invalid_value"),
    (("recommend", "resnet50", "--batch-size", "1e12"), "invalid_value"),
    (("recommend", "resnet50", "--batch-size", "abc"), "invalid_value"),
    (("recommend", "resnet50", "--samples", "1.5"), "invalid_value"),
    (("recommend", "resnet50", "--budget", "900"), "invalid_value"),
    (("recommend", "resnet50", "--budget", "-900usd"), "invalid_value"),
    (("recommend", "resnet50", "--budget", "900gbp"), "invalid_value"),
    (("recommend", "resnet50", "--max-power-w", "nan"), "invalid_value"),
    (("recommend", "resnet50", "--min-memory-gb", "0"), "invalid_value"),
    (("recommend", "resnet50", "--price", "rtx-3090"), "invalid_value"),
    (("recommend", "resnet50", "--price", "rtx-3090=85000"), "invalid_value"),
    (("recommend", "resnet50", "--gpus-file", "{tmp}/empty.py"), "invalid_file"),
    (("recommend", "resnet50", "--gpus-file", "{tmp}/none.toml"), "invalid_file"),
    (("recommend", "--nope", "resnet50"), "usage"),
    (("recommend",), "usage"),
    (("recommend", "resnet50", "another"), "usage"),
    (("recommed", "resnet50"), "unknown_name"),
    (("gpus", "--sort", "speed"), "unknown_name"),
    (("gpus", "--columns", "id,speed"), "unknown_name"),
    (("gpus", "show", "h-100"), "unknown_name"),
    (("gpus", "compare"), "usage"),
    (("zoo", "--category", "vission"), "unknown_name"),
]


@pytest.fixture
def folder(tmp_path):
    """A folder with files that are no scripts."""
    (tmp_path / "empty.py").write_text("")
    (tmp_path / "binary.py").write_bytes(bytes(range(256)) * 8)
    (tmp_path / "syntax.py").write_text("import keras\nmodel = = keras.Sequential()\n")
    return tmp_path


def called(value: object) -> str | None:
    """A call as the name of its test."""
    return " ".join(value) if isinstance(value, tuple) else None


@pytest.mark.parametrize(("arguments", "code"), BAD, ids=called)
def test_bad_input_is_one_clear_line(cli, folder, arguments, code):
    given = [argument.replace("{tmp}", str(folder)) for argument in arguments]
    before = sorted(folder.iterdir())
    done = cli(*given)
    assert (done.status, done.out) == (2, "")
    lines = done.err.splitlines()
    assert lines[0].startswith("error: ")
    assert lines[0].endswith(f"[{code}]")
    assert len(lines) <= 2
    assert all(line.startswith("hint: ") for line in lines[1:])
    assert "Traceback" not in done.err
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize(("arguments", "code"), BAD[:12], ids=called)
def test_an_error_under_json_leaves_standard_output_empty(cli, folder, arguments, code):
    done = cli(*[argument.replace("{tmp}", str(folder)) for argument in arguments], "--json")
    assert (done.status, done.out) == (2, "")
    assert set(done.error) == {"schema", "code", "message", "field", "hint"}
    assert (done.error["schema"], done.error["code"]) == ("whichgpu/error/1", code)


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (("recommend", "resnet51"), "resnet50"),
        (("recommend", "resnet50", "--goal", "fastets"), "fastest"),
        (("recommend", "resnet50", "--gpu", "rtx-3900"), "rtx-3090"),
        (("recommend", "resnet50", "--vendor", "nvidai"), "nvidia"),
        (("recommend", "resnet50", "--stack", "pytroch"), "pytorch"),
        (("recommed", "resnet50"), "recommend"),
    ],
)
def test_a_misspelt_name_is_guessed(cli, arguments, meant):
    assert f"did you mean '{meant}'?" in cli(*arguments).err


JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
PROSE = re.compile(r"\b(the|of|and|is|with|not|for|only)\b")


@pytest.mark.parametrize(
    "arguments",
    [
        ("recommend", "resnet50", "--budget", "900usd", "--top", "40"),
        ("recommend", "resnet50", "--precision", "fp8", "--os", "windows", "--top", "60"),
        ("estimate", "resnet50", "--gpu", "rtx-3090"),
        ("capture", "resnet50"),
        ("gpus", "--vendor", "apple"),
        ("gpus", "show", "titan-v"),
        ("top", "--top", "5"),
        ("--help",),
        ("recommend", "--help"),
        ("gpus", "--help"),
        ("recommend",),
        ("recommend", "resnet50", "--goal", "fastets"),
        ("recommend", "resnet50", "--batch-size", "0"),
    ],
)
def test_everything_is_said_in_japanese(cli, arguments):
    done = cli(*arguments, "--lang", "ja") if "--help" not in arguments else cli("--lang=ja", *arguments)
    text = done.out + done.err
    assert JAPANESE.search(text)
    for line in text.splitlines():
        english = PROSE.search(re.sub(r"[\w.-]+: .*whitepaper.*|https?://\S+", "", line))
        sourced = "NVIDIA" in line or "PyTorch:" in line or "TensorFlow:" in line or ": " in line
        assert not english or sourced, line


def test_the_language_follows_the_locale_and_lang_overrides_it(cli, monkeypatch):
    monkeypatch.setenv("LC_ALL", "ja_JP.UTF-8")
    assert JAPANESE.search(cli("gpus", "--search", "3090").out)
    assert not JAPANESE.search(cli("gpus", "--search", "3090", "--lang", "en").out)
    monkeypatch.setenv("LC_ALL", "C")
    assert not JAPANESE.search(cli("gpus", "--search", "3090").out)


def on_a_terminal(columns: int, *arguments: str) -> str:
    """What a terminal of that width shows."""
    leader, follower = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(columns), "LC_ALL": "C.UTF-8"}
    process = subprocess.Popen([*WHICHGPU, *arguments], stdout=follower, stderr=follower, env=environment)
    os.close(follower)
    shown = b""
    while True:
        try:
            chunk = os.read(leader, 65536)
        except OSError:
            break
        if not chunk:
            break
        shown += chunk
    os.close(leader)
    assert process.wait() == 0, shown
    return shown.decode()


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("lang", ["en", "ja"])
def test_tables_and_text_fit_the_terminal(columns, lang):
    for arguments in (("recommend", "resnet50"), ("gpus", "show", "rtx-5090"), ("gpus", "--vendor", "intel")):
        text = on_a_terminal(columns, *arguments, "--lang", lang)
        assert max(width(line.rstrip("\r\n")) for line in text.splitlines()) <= columns, arguments


def test_a_pipe_gets_everything_whole():
    command = [*WHICHGPU, "recommend", "resnet50", "--lang", "en"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, "COLUMNS": "40"})
    ranked = re.findall(r"^ *\d+=?  ", done.stdout, re.MULTILINE)
    assert len(ranked) >= 150
    assert "…" not in done.stdout.replace("=…", "")


def test_a_closed_pipe_is_no_error():
    command = f"{sys.executable} -c 'from whichgpu.cli.main import main; main()' recommend resnet50 | head -1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)
    assert done.stderr == ""


def test_ctrl_c_is_one_line_and_leaves_nothing(tmp_path):
    script = tmp_path / "loop.py"
    script.write_text("import time\nwhile True:\n    time.sleep(0.1)\n")
    process = subprocess.Popen(
        [*WHICHGPU, "recommend", str(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path), "LC_ALL": "C.UTF-8"},
        start_new_session=True,
    )
    time.sleep(3)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert len(err.splitlines()) == 1
    assert err.rstrip().endswith("[interrupted]")
    assert [path.name for path in tmp_path.iterdir()] == ["loop.py"]


def test_looking_up_loads_no_array_library():
    script = (
        "import sys\nfrom whichgpu.cli.main import run\nrun(['gpus'])\n"
        "assert not {'numpy', 'torch', 'whichgpu.predicting'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)


USAGE_IN_JAPANESE = {
    ("recommend", "resnet50", "--budgt", "3"): ("オプション'--budgt'はありません", "もしかして：'--budget'"),
    ("recommend", "resnet50", "--json=3"): ("--jsonには値を付けられません", "whichgpu recommend --help"),
    ("recommend", "resnet50", "another"): ("余分な指定があります：another", "whichgpu recommend --help"),
    ("recommend", "resnet50", "--goal", "fast"): ("'fast'という目標はありません", "もしかして：'fastest'"),
    ("gpus", "show"): ("whichgpu gpus showにはIDが必要です", "whichgpu gpus show --help"),
    ("gpus", "shwo"): ("'shwo'というコマンドはありません", "もしかして：'show'"),
    ("validate",): ("whichgpu validateには--dataが必要です", "whichgpu validate --help"),
    ("serve", "--port", "abc"): ("--port が'abc'ですが、整数でなければなりません", None),
}


@pytest.mark.parametrize("arguments", USAGE_IN_JAPANESE, ids=called)
def test_what_is_wrong_with_a_command_line_is_told_in_japanese_alone(cli, arguments):
    message, hint = USAGE_IN_JAPANESE[arguments]
    first, *rest = cli(*arguments, "--lang", "ja").err.splitlines()
    assert first.rpartition(" [")[0] == f"エラー：{message}"
    assert rest == ([] if hint is None else [f"ヒント：{hint}"])


def test_an_option_at_the_end_without_its_value_is_told_in_japanese(cli):
    first, second = cli("recommend", "resnet50", "--lang", "ja", "--budget").err.splitlines()
    assert (first, second) == ("エラー：--budgetには値が必要です [usage]", "ヒント：whichgpu recommend --help")
