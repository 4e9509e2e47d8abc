"""Models that transformers builds from a configuration, against published and hand-made counts; needs transformers."""

import warnings

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytestmark = [pytest.mark.keras, pytest.mark.filterwarnings("ignore")]

from tests.contract.tracing_cases import flops, rows  # noqa: E402

from whichgpu.capturing.huggingface.adapting import Lora  # noqa: E402
from whichgpu.capturing.huggingface.configuring import Configuration  # noqa: E402
from whichgpu.capturing.huggingface.reading import by_dimensions  # noqa: E402
from whichgpu.capturing.huggingface.working import generation, workload  # noqa: E402
from whichgpu.capturing.request import CaptureRequest  # noqa: E402
from whichgpu.errors import InvalidValue, Untraceable  # noqa: E402
from whichgpu.graph import Kind, Phase, Role  # noqa: E402

SMALL = {
    "hidden_size": 256,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 512,
    "vocab_size": 1000,
    "tie_word_embeddings": False,
}


def configuration(model_type, architecture=None, **fields):
    named = {} if architecture is None else {"architectures": [architecture]}
    return Configuration(fields={"model_type": model_type, **named, **fields}, name=model_type, file="config.json")


def asked(**options):
    return CaptureRequest(**{"batch_size": 2, "sequence_length": 16, **options})


def steps(found):
    """The first pass and the token in the middle of eight."""
    return [generation(found, asked(new_tokens=8, step=step)) for step in ("prefill", "decode")]


@pytest.mark.parametrize(
    ("model_type", "architecture", "parameters"),
    [
        ("bert", "BertModel", 109_482_240),
        ("gpt2", "GPT2LMHeadModel", 124_439_808),
        ("t5", "T5ForConditionalGeneration", 60_506_624),
        ("vit", "ViTModel", 86_389_248),
        ("clip", "CLIPModel", 151_277_313),
        ("whisper", "WhisperForConditionalGeneration", 37_760_640),
        ("wav2vec2", "Wav2Vec2Model", 94_371_712),
        ("mamba", "MambaForCausalLM", None),
    ],
)
def test_published_parameter_counts(model_type, architecture, parameters):
    length = 16_000 if model_type == "wav2vec2" else 16  # samples of sound, or tokens
    graph = workload(configuration(model_type, architecture), asked(batch_size=1, sequence_length=length)).graph
    assert parameters is None or graph.parameters == parameters
    assert not rows(graph, Kind.UNKNOWN)


@pytest.mark.parametrize("phase", ["infer", "train"])
@pytest.mark.parametrize("model_type", ["llama", "mixtral"])
def test_the_library_and_the_dimensions_agree(model_type, phase):
    found = configuration(model_type, **SMALL)
    mine, theirs = workload(found, asked(phase=phase)), by_dimensions(found, asked(phase=phase))
    assert mine.graph.parameters == theirs.graph.parameters
    assert flops(mine.graph)[0] == pytest.approx(flops(theirs.graph)[0], rel=1e-6)


@pytest.mark.parametrize("model_type", ["llama", "gpt2", "mamba", "mamba2"])
def test_generation_is_a_prefill_and_a_token(model_type):
    fields = SMALL if model_type == "llama" else {}
    prefill, decode = steps(configuration(model_type, **fields))
    assert (prefill.step, decode.step) == ("prefill", "decode")
    assert flops(decode.graph)[0] < flops(prefill.graph)[0]
    assert decode.graph.scalable


def test_a_decoded_token_attends_to_all_before_it_and_copies_only_itself():
    _, decode = steps(configuration("llama", **SMALL))
    attention = rows(decode.graph, Kind.ATTENTION)
    assert [row[1][:2] for row in attention] == [[(2, 4, 1, 64), (2, 2, 16 + 4 + 1, 64)]] * 2
    copies = [row for row in rows(decode.graph, Kind.COPY) if row[0] == "cache"]
    assert [row[2] for row in copies] == [[(2, 2, 1, 64)]] * 4


def test_an_encoder_and_decoder_generate_too():
    prefill, decode = steps(configuration("t5", num_layers=1, num_decoder_layers=1))
    assert sum(o.kind is Kind.ATTENTION for o in prefill.graph.operators) == 3
    assert sum(o.kind is Kind.ATTENTION for o in decode.graph.operators) == 2


def test_experts_are_grouped_products():
    graph = workload(configuration("mixtral", **SMALL, num_local_experts=8), asked(phase="train")).graph
    forward, backward = rows(graph, Kind.EXPERTS, Phase.FORWARD), rows(graph, Kind.EXPERTS, Phase.BACKWARD)
    assert [row[1] for row in forward[:2]] == [[(64, 256), (8, 256, 1024)], [(64, 512), (8, 512, 256)]]
    assert len(backward) == 2 * len(forward) == 8


def test_adapters_train_alone():
    found = configuration("llama", **SMALL)
    graph = workload(found, asked(phase="train"), Lora(rank=4, targets=("q_proj", "v_proj"))).graph
    assert graph.trainable_parameters == 2 * 4 * (256 + 256 + 256 + 128)
    full = workload(found, asked(phase="train")).graph
    assert flops(graph)[1] < 0.6 * flops(full)[1]
    with pytest.raises(InvalidValue, match="q_porj") as refused:
        workload(found, asked(phase="train"), Lora(targets=("q_porj",)))
    assert "q_proj" in refused.value.hint


def test_an_adapter_beside_the_configuration_trains():
    adapter = {"peft_type": "LORA", "r": 4, "target_modules": "all-linear"}
    found = Configuration(fields={"model_type": "llama", **SMALL}, name="x", file="config.json", adapter=adapter)
    graph = workload(found, asked(phase="train")).graph
    layer = (256 + 256) + 2 * (256 + 128) + (256 + 256) + 3 * (256 + 512)  # q, k and v, o, feed-forward
    assert graph.trainable_parameters == 2 * 4 * layer


@pytest.mark.parametrize(
    ("model_type", "architecture"),
    [
        ("convnext", "ConvNextForImageClassification"),
        ("swin", "SwinForImageClassification"),
        ("segformer", "SegformerForSemanticSegmentation"),
        ("wav2vec2", "Wav2Vec2ForCTC"),
        ("bert", "BertForQuestionAnswering"),
        ("llava", "LlavaForConditionalGeneration"),
    ],
)
def test_every_modality_trains(model_type, architecture):
    found = workload(
        configuration(model_type, architecture),
        asked(phase="train", sequence_length=16_000 if "wav2vec" in model_type else 16),
    )
    forward, backward = flops(found.graph)
    assert backward > forward > 0
    assert not rows(found.graph, Kind.UNKNOWN)


def test_the_precision_of_the_checkpoint_is_that_of_inference():
    found = configuration("llama", **SMALL, torch_dtype="bfloat16")
    assert workload(found, asked()).precision == "bf16"
    assert workload(found, asked(phase="train")).precision == "default"


def test_what_cannot_be_built_says_why():
    with pytest.raises(Untraceable, match="knows no model type no_such_type"):
        workload(configuration("no_such_type"), asked())
    with pytest.raises(Untraceable, match="does not build this model"):
        workload(configuration("llama", **{**SMALL, "num_attention_heads": 0}), asked())
    with pytest.raises(InvalidValue, match="generates no text"):
        generation(configuration("vit"), asked())


def test_warnings_of_the_library_stay_in_it():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        generation(configuration("llama", **SMALL), asked(new_tokens=2))


def cache(graph):
    sizes = {}
    for tensor in graph.tensors:
        if tensor.role is Role.CACHE:
            sizes[tensor.storage] = max(tensor.elements, sizes.get(tensor.storage, 0))
    return sum(sizes.values())


@pytest.mark.parametrize("fields", [{}, {"sliding_window": 8}], ids=["full", "window"])
def test_a_generation_is_the_one_of_its_dimensions(fields):
    found = configuration("mistral", **{**SMALL, "head_dim": 64, "sliding_window": None, **fields})
    mine, theirs = generation(found, asked(new_tokens=5)), by_dimensions(found, asked(phase="generate", new_tokens=5))
    assert [(s.name, s.repetitions) for s in mine.parts()] == [(s.name, s.repetitions) for s in theirs.parts()]
    for ours, other in zip(mine.parts(), theirs.parts(), strict=True):
        assert flops(ours.graph)[0] == pytest.approx(flops(other.graph)[0], rel=1e-6)
    # keys and values of 2 layers and 2 heads of 64 for both samples: all 21 tokens, or the 8 of the window
    tokens = fields.get("sliding_window", 21)
    assert cache(mine.parts()[-1].graph) == cache(theirs.parts()[-1].graph) == 2 * 2 * 2 * 64 * 2 * tokens


def test_an_encoder_runs_once_and_its_decoder_for_every_token():
    sizes = {"num_layers": 1, "num_decoder_layers": 1, "d_model": 32, "num_heads": 2, "d_kv": 16, "d_ff": 64}
    found = generation(configuration("t5", **sizes), asked(new_tokens=4))
    assert [(stage.name, stage.repetitions) for stage in found.parts()] == [("encode", 1), ("decode", 3), ("decode", 1)]
    # of 2 heads of 16 in keys and values: 5 tokens of the decoder, and the 16 of the encoder that are looked back at
    assert cache(found.parts()[-1].graph) == 2 * 2 * 2 * 16 * (5 + 16)
