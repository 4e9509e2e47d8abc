"""Scripts that name models and data sets of Hugging Face: parameters as published, sizes by hand, nothing fetched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.contract.tracing_cases import flops

from whichgpu.capturing import CaptureRequest, capture
from whichgpu.errors import Untraceable
from whichgpu.workload import Adapters, Precision, Workload

pytestmark = pytest.mark.keras
pytest.importorskip("torch")


@pytest.fixture
def read(tmp_path: Path) -> Any:
    """Reads a script given as text."""

    def call(text: str, **options: Any) -> Workload:
        path = tmp_path / "train.py"
        path.write_text(text, encoding="utf-8")
        return capture(str(path), CaptureRequest(cache=False, **options))

    return call


def said(workload: Workload) -> dict[str, Any]:
    return {assumption.code: assumption.values for assumption in workload.assumptions}


ROWS = """
import torch
from datasets import load_dataset
from accelerate import Accelerator
accelerator = Accelerator(mixed_precision="fp16")
rows = load_dataset("stanfordnlp/imdb", split="train[:10%]")
kinds = rows.features["label"].num_classes
assert rows.column_names == ["text", "label"] and set(rows["label"]) == {0, 1}
rows = rows.map(lambda batch: {"ids": [[1] * 20 for _ in batch["text"]]}, batched=True, remove_columns=["text"])
# every text in two pieces: twice as many rows
rows = rows.map(lambda batch: {"ids": batch["ids"] * 2, "label": batch["label"] * 2}, batched=True).with_format("torch")
parts = rows.train_test_split(test_size=0.2)
model = torch.nn.Sequential(torch.nn.EmbeddingBag(100, 8), torch.nn.Linear(8, kinds))
optimizer = torch.optim.AdamW(model.parameters())
loader = torch.utils.data.DataLoader(parts["train"], batch_size=16)
model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
for epoch in range(2):
    for batch in loader:
        loss = torch.nn.functional.cross_entropy(model(batch["ids"]), batch["label"])
        accelerator.backward(loss)
        optimizer.step()
        optimizer.zero_grad()
"""


def test_a_data_set_has_its_published_size_through_what_is_done_with_it(read: Any) -> None:
    found = read(ROWS)
    # 25 000 reviews, a tenth of them, each in two pieces, four fifths to train on
    assert (found.samples, found.batch_size, found.epochs) == (4_000, 16, 2)
    assert found.precision is Precision.AMP_FP16
    assert flops(found.graph)[0] == 16 * 2 * 8 * 2
    assert said(found)["public_data_assumed"] == {"names": ["stanfordnlp/imdb"]}


def test_a_data_set_that_nobody_knows_is_one_line(read: Any) -> None:
    with pytest.raises(Untraceable, match="line 3: the data set me/secret is on the network") as caught:
        read("import torch\nfrom datasets import load_dataset\nload_dataset('me/secret')\n")
    assert "data_files" in (caught.value.hint or "")


def test_a_module_of_the_scripts_own_is_no_library(read: Any, tmp_path: Path) -> None:
    (tmp_path / "datasets.py").write_text("ROWS = 24\n", encoding="utf-8")
    found = read(
        """
import torch
from datasets import ROWS
model = torch.nn.Linear(2, 3)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for x in torch.utils.data.DataLoader(torch.rand(ROWS, 2), batch_size=6):
    model(x).sum().backward()
    optimizer.step()
"""
    )
    assert (found.samples, found.batch_size) == (24, 6)


def test_rows_of_a_file_beside_the_script(read: Any, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("a,b,label\n" + "1.5,2.5,1\n" * 30, encoding="utf-8")
    found = read(
        """
import torch
from datasets import load_dataset
rows = load_dataset("csv", data_files="rows.csv")["train"]
rows = rows.map(lambda row: {"x": [row["a"], row["b"]]}).with_format("torch")
model = torch.nn.Linear(2, 3)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for batch in torch.utils.data.DataLoader(rows, batch_size=10):
    torch.nn.functional.cross_entropy(model(batch["x"]), batch["label"]).backward()
    optimizer.step()
"""
    )
    assert (found.samples, found.batch_size, flops(found.graph)[0]) == (30, 10, 10 * 2 * 6)


TRAINER = """
from datasets import load_dataset
from transformers import AutoModelForSequenceClassification, AutoTokenizer, Trainer, TrainingArguments
tokenizer = AutoTokenizer.from_pretrained("NAME")
rows = load_dataset("glue", "mrpc").map(
    lambda batch: tokenizer(batch["sentence1"], batch["sentence2"], truncation=True, max_length=64), batched=True
)
settings = TrainingArguments(
    "out", per_device_train_batch_size=4, gradient_accumulation_steps=3, num_train_epochs=2, bf16=True,
    evaluation_strategy="epoch", optim="adafactor", OPTION
)
model = AutoModelForSequenceClassification.from_pretrained("NAME", num_labels=2)
trainer = Trainer(model, settings, train_dataset=rows["train"], tokenizer=tokenizer)
trainer.train()
"""


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        # published parameters of the encoders with a classifier of two labels
        ("bert-base-uncased", 109_483_778),
        ("distilbert/distilbert-base-uncased", 66_955_010),
        ("FacebookAI/roberta-base", 124_647_170),
    ],
)
def test_a_trainer_with_a_model_by_name(read: Any, name: str, parameters: int) -> None:
    pytest.importorskip("transformers")
    found = read(TRAINER.replace("NAME", name).replace(", OPTION", ""))
    assert found.parameters == found.trainable_parameters == parameters
    assert (found.samples, found.epochs, found.batch_size, found.gradient_accumulation) == (3_668, 2, 4, 3)
    assert (found.precision, found.optimizer, found.sequence_length) == (Precision.AMP_BF16, "adafactor", 64)
    assert said(found)["models_by_configuration"] == {"models": [name]}
    assert "text_length_assumed" not in said(found)


def test_checkpointing_that_a_trainer_is_asked_for_computes_blocks_twice(read: Any) -> None:
    pytest.importorskip("transformers")
    text = TRAINER.replace("NAME", "distilbert-base-uncased")
    plain = read(text.replace(", OPTION", ""))
    found = read(text.replace("OPTION", "gradient_checkpointing=True"))
    assert (plain.gradient_checkpointing, found.gradient_checkpointing) == (False, True)
    forward, backward = flops(plain.stages[0].graph)
    again, more = flops(found.stages[0].graph)
    assert again == forward
    assert backward < more <= backward + forward


def test_supervised_fine_tuning_of_few_bits_with_adapters(read: Any) -> None:
    pytest.importorskip("transformers")
    found = read(
        """
import torch
from datasets import load_dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, BitsAndBytesConfig
from trl import SFTConfig, SFTTrainer
bits = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4")
model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-3.2-1B", quantization_config=bits, device_map="auto")
settings = SFTConfig(output_dir="out", per_device_train_batch_size=2, max_length=128, packing=True)
rows = load_dataset("trl-lib/Capybara", split="train")
adapters = LoraConfig(r=8, target_modules=["q_proj", "v_proj"])
SFTTrainer(model=model, args=settings, train_dataset=rows, peft_config=adapters).train()
"""
    )
    # Llama 3.2 1B as published; 16 layers, queries 2048 to 2048 and values 2048 to 512 through rank 8
    assert found.parameters == 1_235_814_400 + 16 * 8 * (4096 + 2560)
    assert found.trainable_parameters == 16 * 8 * (4096 + 2560)
    assert (found.adapters, found.weight_precision) == (Adapters(rank=8, targets=("q_proj", "v_proj")), "nf4")
    assert (found.sequence_length, found.batch_size, found.gradient_checkpointing) == (128, 2, True)


def test_a_model_that_nobody_knows_is_one_line(read: Any, tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    text = "import torch\nfrom transformers import AutoModel\nmodel = AutoModel.from_pretrained('me/berd-base')\n"
    with pytest.raises(Untraceable, match=r"line 3: .*me/berd-base") as caught:
        read(text)
    assert "config.json" in (caught.value.hint or "")
    (tmp_path / "me" / "berd-base").mkdir(parents=True)
    (tmp_path / "me" / "berd-base" / "config.json").write_text(
        '{"model_type": "bert", "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2,'
        ' "intermediate_size": 128, "vocab_size": 100, "max_position_embeddings": 32}',
        encoding="utf-8",
    )
    found = read(text + "model(torch.zeros(3, 8, dtype=torch.long))\n")
    # words, places, two kinds; norms; 2 layers of four products, two wide ones; the pooler
    layer = 4 * (64 * 64 + 64) + 2 * 64 * 128 + 128 + 64 + 2 * 128
    assert found.parameters == (100 + 32 + 2) * 64 + 128 + 2 * layer + 64 * 64 + 64


PUBLISHED = {
    # parameters of the published checkpoints without their heads
    "google-bert/bert-base-uncased": 109_482_240,
    "bert-base-cased": 108_310_272,
    "bert-large-uncased": 335_141_888,
    "bert-base-multilingual-cased": 177_853_440,
    "distilbert-base-uncased": 66_362_880,
    "roberta-base": 124_645_632,
    "roberta-large": 355_359_744,
    "distilroberta-base": 82_118_400,
    "xlm-roberta-base": 278_043_648,
    "albert-base-v2": 11_683_584,
    "google/electra-base-discriminator": 108_891_648,
    "microsoft/deberta-v3-base": 183_831_552,
    "microsoft/deberta-v3-small": 141_304_320,
    "t5-small": 60_506_624,
    "t5-base": 222_903_552,
    "t5-large": 737_668_096,
    "google/flan-t5-small": 76_961_152 - 32_128 * 512,
    "google/flan-t5-base": 247_577_856 - 32_128 * 768,
    "facebook/bart-base": 139_420_416,
    "facebook/bart-large": 406_291_456,
    "gpt2": 124_439_808,
    "distilgpt2": 81_912_576,
    "facebook/opt-125m": 125_239_296,
    "facebook/opt-350m": 331_196_416,
    "EleutherAI/gpt-neo-125m": 125_198_592,
    "bigscience/bloom-560m": 559_214_592,
    "google/vit-base-patch16-224-in21k": 86_389_248,
    "openai/whisper-tiny": 37_760_640,
    "openai/whisper-small": 241_734_912,
    "facebook/wav2vec2-base": 94_371_712,
    "sentence-transformers/all-MiniLM-L6-v2": 22_713_216,
    "answerdotai/ModernBERT-base": 149_014_272,
    "microsoft/swin-tiny-patch4-window7-224": 27_519_354,
}


def test_known_models_have_their_published_parameters() -> None:
    transformers = pytest.importorskip("transformers")
    import torch

    from whichgpu.capturing.pytorch_scripts.hub.known import fields_of

    found = {}
    for name in PUBLISHED:
        fields = dict(fields_of(name) or {})
        kind = transformers.models.auto.configuration_auto.CONFIG_MAPPING[fields["model_type"]]
        with torch.device("meta"):
            model = transformers.AutoModel.from_config(kind.from_dict(fields))
        found[name] = sum(parameter.numel() for parameter in model.parameters())
    assert found == PUBLISHED
