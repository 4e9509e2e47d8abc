"""Models of the zoo beside their counts by hand: forward and training, every family of models that people run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.contract.counts import decisions, generative, images, language, sequences, tasks
from tests.contract.counts.ledger import Tally

from whichgpu import zoo
from whichgpu.capturing import CaptureRequest
from whichgpu.costing import cost_table
from whichgpu.graph import Phase
from whichgpu.workload import Adapters, Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A model and its hand-made tally: of a training step, and of a forward pass where that is another.

    ``adapters`` are asked of the model beside its phase.
    """

    name: str
    family: str
    source: str
    tally: Tally
    inference: Tally | None = None
    adapters: Adapters | None = None
    shown: str = ""

    @property
    def label(self) -> str:
        """The model's name with what is asked of it."""
        return self.shown or self.name

    def workload(self, phase: str, batch_size: int = 1) -> Workload:
        """What the package captures for a phase."""
        asked = CaptureRequest(phase=phase, batch_size=batch_size, adapters=self.adapters)
        return zoo.requested(self.name, asked)

    @property
    def infers(self) -> bool:
        """Whether the model has a forward pass of its own: a step of two networks has none."""
        return "infer" in zoo.entry(self.name).kinds and self.adapters is None


def products(workload: Workload, phase: Phase) -> float:
    """Multiply-adds of the products of a workload in one phase, as the package counts them."""
    return cost_table(workload).product_flops(phase) / 2


def _cases(family: str, *rows: tuple[str, str, Callable[[], Tally]]) -> tuple[Case, ...]:
    return tuple(Case(name=name, family=family, source=source, tally=made()) for name, source, made in rows)


_IMAGES = (
    *_cases(
        "convolutions",
        ("alexnet", "Krizhevsky 2014", images.alexnet),
        ("vgg16", "Simonyan 2014", images.vgg16),
        ("squeezenet1_0", "Iandola 2016", images.squeezenet),
        ("resnet18", "He 2015", images.resnet18),
        ("resnet50", "He 2015, v1.5", images.resnet50),
        ("densenet121", "Huang 2016", images.densenet121),
        ("mnist-cnn", "Chollet 2017", images.mnist_cnn),
    ),
    *_cases("grouped convolutions", ("resnext50_32x4d", "Xie 2016", images.resnext50)),
    *_cases(
        "depthwise convolutions",
        ("mobilenet_v2", "Sandler 2018", images.mobilenet_v2),
        ("efficientnet_b0", "Tan 2019", images.efficientnet_b0),
        ("convnext_tiny", "Liu 2022", images.convnext_tiny),
    ),
    *_cases(
        "vision transformers",
        ("vit_b_16", "Dosovitskiy 2020", images.vit_b_16),
        ("swin_t", "Liu 2021", images.swin_t),
    ),
    *_cases(
        "frozen backbones",
        ("resnet50-frozen", "He 2015", images.resnet50_frozen),
        ("mobilenet_v2-frozen", "Sandler 2018", images.mobilenet_v2_frozen),
        ("vit_b_16-frozen", "Dosovitskiy 2020", images.vit_b_16_frozen),
        ("vgg16-transfer", "Simonyan 2014", images.vgg16_transfer),
        ("vgg16-cached-features", "Simonyan 2014", images.vgg16_cached),
        ("bert-base-frozen", "Devlin 2018", language.bert_base_frozen),
    ),
)

_TASKS = (
    *_cases(
        "detection",
        ("yolov3", "Redmon 2018", tasks.yolov3),
        ("detr-r50", "Carion 2020", tasks.detr_r50),
    ),
    Case(
        name="yolov8n",
        family="detection",
        source="ultralytics, yolov8.yaml",
        tally=tasks.yolov8n(decoded=False),
        inference=tasks.yolov8n(decoded=True),
    ),
    *_cases(
        "segmentation",
        ("unet", "Ronneberger 2015", tasks.unet),
        ("fcn_resnet50", "Long 2014", tasks.fcn_resnet50),
        ("deeplabv3_resnet50", "Chen 2017", tasks.deeplabv3_resnet50),
        ("segformer-b0", "Xie 2021", tasks.segformer_b0),
    ),
    *_cases("text in images", ("crnn", "Shi 2017", tasks.crnn)),
    *_cases("video", ("r3d_18", "Tran 2017", tasks.r3d_18), ("videomae-base", "Tong 2022", tasks.videomae_base)),
)


def _elman() -> Tally:
    return sequences.keras_recurrent(gates=1, biases=1)


def _lstm() -> Tally:
    return sequences.keras_recurrent(gates=4, biases=1)


def _gru() -> Tally:
    return sequences.keras_recurrent(gates=3, biases=2)


_SEQUENCES = (
    *_cases(
        "recurrent",
        ("simple-rnn", "Elman 1990", _elman),
        ("lstm", "Hochreiter 1997", _lstm),
        ("gru", "Cho 2014", _gru),
        ("deepar", "Salinas 2020", sequences.deepar),
        ("dle-gnmt", "Wu 2016", sequences.gnmt),
        ("world-model-rnn", "Ha 2018", sequences.world_model_rnn),
    ),
    *_cases("series", ("n-beats", "Oreshkin 2020", sequences.n_beats), ("tcn", "Bai 2018", sequences.tcn)),
    *_cases(
        "sound",
        ("deepspeech2", "Amodei 2015", sequences.deepspeech2),
        ("whisper-tiny", "Radford 2022", sequences.whisper_tiny),
        ("wav2vec2-base", "Baevski 2020", sequences.wav2vec2_base),
        ("ast-base", "Gong 2021", sequences.ast_base),
    ),
    *_cases(
        "tables",
        ("mlp-higgs", "Gorishniy 2021", sequences.mlp_higgs),
        ("ft-transformer-higgs", "Gorishniy 2021", sequences.ft_transformer_higgs),
    ),
)


def _bert_base() -> Tally:
    return language.bert(layers=12, width=768, tokens=128)


def _roberta_base() -> Tally:
    return language.bert(layers=12, width=768, tokens=128, words=50_265, places=514, kinds=1)


_LANGUAGE = (
    *_cases(
        "encoders",
        ("bert-base", "Devlin 2018", _bert_base),
        ("bert-large-squad", "Devlin 2018", language.bert_squad),
        ("roberta-base", "Liu 2019", _roberta_base),
        ("distilbert-base", "Sanh 2019", language.distilbert_base),
        ("albert-base-v2", "Lan 2019", language.albert_base),
    ),
    *_cases("decoders", ("gpt2", "Radford 2019", language.gpt2), ("llama-3-8b", "Dubey 2024", language.llama_3_8b)),
    *_cases("state space", ("mamba-130m", "Gu 2023", language.mamba_130m)),
    *_cases(
        "mixtures of experts",
        ("mixtral-8x7b", "Jiang 2024", language.mixtral_8x7b),
        ("qwen3-30b-a3b", "Yang 2025", language.qwen3_30b_a3b),
    ),
    *_cases(
        "encoder-decoders",
        ("t5-small", "Raffel 2020", language.t5_small),
        ("bart-base", "Lewis 2019", language.bart_base),
    ),
    *_cases("adapters", ("litgpt-tiny-llama-lora", "Hu 2021; LitGPT's recipe", language.tiny_llama_lora)),
    Case(
        name="llama-3-8b",
        shown="llama-3-8b, adapters of 16",
        family="adapters",
        source="Hu 2021",
        tally=language.llama_3_8b_lora(),
        adapters=Adapters(rank=16, targets=("q_proj", "v_proj")),
    ),
)

_GENERATIVE = (
    *_cases(
        "adversaries",
        ("gan-mnist", "Goodfellow 2014", generative.gan_mnist),
        ("dcgan-64", "Radford 2015", generative.dcgan),
        ("cyclegan-256", "Zhu 2017", generative.cyclegan),
    ),
    *_cases(
        "autoencoders",
        ("vae-mnist", "Kingma 2013", generative.vae_mnist),
        ("beta-vae-64", "Higgins 2017", generative.beta_vae),
    ),
    Case(
        name="vq-vae-32",
        family="autoencoders",
        source="van den Oord 2017",
        tally=generative.vq_vae(train=True),
        inference=generative.vq_vae(train=False),
    ),
    *_cases("diffusion", ("dit-xl-2-256", "Peebles 2022", generative.dit_xl_2)),
    Case(
        name="stable-diffusion-v1-unet",
        family="diffusion",
        source="Rombach 2021",
        tally=generative.stable_diffusion_unet(),
        # Guidance: the prompt and the empty one in one batch.
        inference=2 * generative.stable_diffusion_unet(),
    ),
)

_DECISIONS = (
    *_cases(
        "recommenders",
        ("neumf", "He 2017", decisions.neumf),
        ("dlrm-criteo-kaggle", "Naumov 2019", decisions.dlrm),
        ("deepfm", "Guo 2017", decisions.deepfm),
        ("dcn-v2", "Wang 2021", decisions.dcn_v2),
    ),
    *_cases(
        "graphs",
        ("gcn-cora", "Kipf 2017", decisions.gcn_cora),
        ("gat-cora", "Veličković 2018", decisions.gat_cora),
        ("graphsage-ogbn-products", "Hamilton 2017", decisions.graphsage),
        ("gin-ogbg-molhiv", "Xu 2019", decisions.gin),
        ("pointnet", "Qi 2017", decisions.pointnet),
    ),
    *_cases(
        "agents",
        ("dqn-atari", "Mnih 2015", decisions.dqn_atari),
        ("ppo-atari", "Schulman 2017", decisions.ppo_atari),
        ("ppo-walker", "Schulman 2017", decisions.ppo_walker),
        ("sac-half-cheetah", "Haarnoja 2018", decisions.sac_half_cheetah),
    ),
)

CASES = (*_IMAGES, *_TASKS, *_SEQUENCES, *_LANGUAGE, *_GENERATIVE, *_DECISIONS)
