"""Uploads: read by a process of their own, never as programs, and never a path of the client's."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
from tests.server.asking import Client

from whichgpu.capturing.request import CaptureRequest
from whichgpu.errors import Busy, SourceUnreadable
from whichgpu.server.problems import bare
from whichgpu.server.settings import Settings
from whichgpu.server.uploads import Reading, kept_name, shown_name

CONFIG = json.dumps(
    {
        "model_type": "llama",
        "architectures": ["LlamaForCausalLM"],
        "hidden_size": 256,
        "intermediate_size": 512,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 4,
        "vocab_size": 1000,
        "max_position_embeddings": 512,
    }
).encode()
# embedding and head 2 × 1000 × 256; a layer: four projections 256², three of 256 × 512, two norms; a last norm
PARAMETERS = 2 * 1000 * 256 + 2 * (4 * 256**2 + 3 * 256 * 512 + 2 * 256) + 256


def test_a_configuration_becomes_a_capture_that_is_a_source(client: Client) -> None:
    answer = client.post("/api/v1/capture", files={"file": ("config.json", CONFIG)})
    assert answer.status_code == 200, answer.text
    capture = answer.json()
    assert (capture["schema"], capture["parameters"]) == ("whichgpu/capture/1", PARAMETERS)
    assert capture["workload"]["name"] == "llama"
    question = {"capture": capture, "money": {"budget": "900usd"}}
    found = client.post("/api/v1/recommend", json=question)
    assert found.status_code == 200, found.text
    assert found.json()["workload"]["source_hash"] == capture["workload"]["source_hash"]
    estimate = client.post("/api/v1/estimate", json={"capture": capture, "gpus": ["rtx-4090"]}).json()
    assert [each["gpu"] for each in estimate["estimates"]] == ["rtx-4090"]


def test_a_file_on_the_page_is_answered_with_the_question_beside_it(client: Client) -> None:
    answer = client.post(
        "/ja/recommend",
        files={"file": ("tiny.json", CONFIG)},
        data={"money.budget": "900usd", "workload.phase": "infer"},
    )
    assert answer.status_code == 200
    assert "tiny" in answer.text
    wrong = client.post("/ja/recommend", files={"file": ("tiny.json", CONFIG)}, data={"money.budget": "9"})
    assert wrong.status_code == 422
    assert 'id="money.budget-error"' in wrong.text


@pytest.mark.parametrize(
    "name",
    ["model.py", "model.ipynb", "model.txt", "model.pt", "model.pkl", "model", "", "x.json.py", "config.json\x00.py"],
)
def test_programs_are_never_taken(client: Client, name: str) -> None:
    with pytest.raises(SourceUnreadable):
        kept_name(name)
    answer = client.post("/api/v1/capture", files={"file": (name or "blank", b"import os")})
    assert answer.status_code == 422
    assert client.post("/en/recommend", files={"file": (name or "blank", b"import os")}).status_code == 422


@pytest.mark.parametrize(
    ("given", "kept", "shown"),
    [
        ("../../etc/cron.d/x.json", "capture.json", "x"),
        ("C:\\models\\net.onnx", "model.onnx", "net"),
        ("/abs/olute.GGUF", "model.gguf", "olute"),
        ("line\nbreak.h5", "model.h5", "line?break"),
        (".keras", "model.keras", "upload"),
        ("a" * 500 + ".json.gz", "capture.json.gz", "a" * 80),
    ],
)
def test_names_are_shown_and_never_paths(given: str, kept: str, shown: str) -> None:
    assert kept_name(given) == kept
    assert shown_name(given) == shown


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("x.json", b""),
        ("x.json", b"\xff\xfe"),
        ("x.json", b"[" * 100_000),
        ("x.json", b'{"schema": "whichgpu/capture/1", "capture": {}}'),
        ("x.json.gz", b"\x1f\x8b" + b"\x00" * 40),
        ("x.gguf", b"GGUF" + b"\xff" * 200),
        ("x.safetensors", b"\xff" * 64),
        ("x.keras", b"PK\x03\x04" + b"\x00" * 100),
        ("x.h5", b"\x89HDF\r\n\x1a\n" + b"\xff" * 100),
    ],
)
def test_damaged_files_are_said_to_be(client: Client, name: str, data: bytes) -> None:
    answer = client.post("/api/v1/capture", files={"file": (name, data)})
    assert answer.status_code in (422, 501), answer.text
    assert answer.json()["code"] in ("source_unreadable", "missing_extra", "untraceable")
    assert tempfile.gettempdir() not in answer.text


def test_nothing_is_left_of_an_upload(client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for data in (CONFIG, b"{"):
        client.post("/api/v1/capture", files={"file": ("config.json", data)})
    assert list(tmp_path.iterdir()) == []


def test_a_reading_that_takes_too_long_is_ended() -> None:
    answer = Client(Settings(read_s=0.01)).post("/api/v1/capture", files={"file": ("config.json", CONFIG)})
    assert (answer.status_code, answer.json()["code"]) == (422, "script_limit")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--x",
        b"--x\r\n\r\n\r\n--x--\r\n",
        b"--y\r\nContent-Disposition: form-data; name=file; filename=a.json\r\n\r\n{}\r\n--y--",
        b'--x\r\nContent-Disposition: form-data; name="\xff"\r\n\r\n\xff\r\n--x--\r\n',
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.json"\r\n\r\n{',
        b"".join(b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' for _ in range(300)) + b"--x--\r\n",
    ],
)
@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=x", "multipart/form-data"])
@pytest.mark.parametrize("path", ["/api/v1/capture", "/en/recommend"])
def test_broken_multipart_is_refused(client: Client, body: bytes, kind: str, path: str) -> None:
    answer = client.post(path, content=body, headers={"Content-Type": kind})
    assert 400 <= answer.status_code < 500, answer.text


def test_a_form_without_a_file_or_of_another_kind(client: Client) -> None:
    assert client.post("/api/v1/capture", data={"file": "x"}).status_code == 415
    assert client.post("/api/v1/capture", files={"other": ("config.json", CONFIG)}).json()["field"] == "file"


def test_without_a_free_place_a_file_is_told_to_come_again() -> None:
    reading = Reading(Settings(read_s=0.09, reads_at_once=1))
    with reading._place(), pytest.raises(Busy):
        reading.read(CONFIG, "config.json", CaptureRequest())
    answer = bare(Busy("the server is reading too many files already"), "/api/v1/capture")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
