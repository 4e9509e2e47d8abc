"""State-space language models (Gu 2023), as ``transformers`` builds them from the sizes of their repositories."""

from __future__ import annotations

from whichgpu.capturing.huggingface.configuring import Configuration
from whichgpu.capturing.huggingface.working import workload
from whichgpu.capturing.request import CaptureRequest
from whichgpu.graph import OperatorGraph
from whichgpu.zoo.building.blueprint import Blueprint, Capture, register
from whichgpu.zoo.building.hugging_face import transformers


def _capture(fields: dict[str, int], phase: str, length: int) -> Capture:
    def captured(batch: int) -> OperatorGraph:
        transformers()
        named = {"model_type": "mamba", "architectures": ["MambaForCausalLM"], **fields}
        request = CaptureRequest(batch_size=batch, sequence_length=length, phase=phase)
        return workload(Configuration(fields=named, name="mamba", file="config.json"), request).graph

    return captured


def _register(size: str, published: str, *, width: int, layers: int) -> None:
    fields = {"hidden_size": width, "num_hidden_layers": layers, "time_step_rank": width // 16}

    def at_length(length: int) -> dict[str, Capture]:
        return {phase: _capture(fields, phase, length) for phase in ("train", "infer")}

    register(
        Blueprint(
            name=f"mamba-{size}",
            category="language-model",
            family="state-space",
            source=f"state-spaces/mamba-{size}-hf",
            published=published,
            at_length=at_length,
            block="state-space",
            input="2048 tokens",
            sequence_length=2048,
            batch_size=8,
            optimizer="adamw",
            precision="bf16",
        )
    )


def _register_all() -> None:
    """Counts are those of the published weights: the head is the table of words."""
    _register("130m", "129135360", width=768, layers=24)
    _register("370m", "371516416", width=1024, layers=48)
    _register("790m", "793204224", width=1536, layers=48)
    _register("1.4b", "1372178432", width=2048, layers=48)
    _register("2.8b", "2768345600", width=2560, layers=64)


_register_all()
