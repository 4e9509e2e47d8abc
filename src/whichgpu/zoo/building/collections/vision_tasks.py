"""Segmentation, detection, video and text in images beyond torchvision: from transformers by configuration, or own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import torch

from whichgpu.capturing.losses import classification
from whichgpu.capturing.tracing import put
from whichgpu.zoo.building.blueprint import Blueprint, Build, Capture, inference, register, training, variants
from whichgpu.zoo.building.hugging_face import Inputs, configured, transformers
from whichgpu.zoo.building.models.text_recognition import Crnn, DbNet, crnn_loss
from whichgpu.zoo.building.models.unet import UNet, UNet3d

_OWN: Final = "adamw"


def _register(
    name: str,
    category: str,
    source: str,
    published: str,
    shape: str,
    graphs: Mapping[str, Capture],
    *,
    family: str = "transformer",
    batch: int = 8,
    optimizer: str = _OWN,
    length: int | None = None,
) -> None:
    register(
        Blueprint(
            name=name,
            category=category,
            family=family,
            source=source,
            published=published,
            graphs=graphs,
            block=category,
            input=shape,
            sequence_length=length,
            batch_size=batch,
            optimizer=optimizer,
        )
    )


def _pixels(*shape: int, **more: tuple[int, ...]) -> Inputs:
    """Images under transformers' name, and integer tensors of the shapes in ``more``."""

    def inputs(batch: int) -> dict[str, torch.Tensor]:
        found = {"pixel_values": torch.zeros(batch, *shape)}
        for name, size in more.items():
            found[name] = torch.zeros(batch, *size, dtype=torch.long)
        return found

    return inputs


def _logits_loss(output: Any) -> torch.Tensor:
    return classification(output.logits)


# -- segmentation ---------------------------------------------------------------------------------------------------

_SEGFORMER: Final = {
    # widths, depths, width of the decoder, published parameters (Xie 2021, table 1)
    "b0": ((32, 64, 160, 256), (2, 2, 2, 2), 256, "3.8M"),
    "b1": ((64, 128, 320, 512), (2, 2, 2, 2), 256, "13.7M"),
    "b2": ((64, 128, 320, 512), (3, 4, 6, 3), 768, "27.5M"),
    "b3": ((64, 128, 320, 512), (3, 4, 18, 3), 768, "47.3M"),
    "b4": ((64, 128, 320, 512), (3, 8, 27, 3), 768, "64.1M"),
    "b5": ((64, 128, 320, 512), (3, 6, 40, 3), 768, "84.7M"),
}


def _register_segmentation() -> None:
    for size, (widths, depths, decoder, published) in _SEGFORMER.items():
        build = configured(
            "SegformerForSemanticSegmentation",
            "SegformerConfig",
            _pixels(3, 512, 512),
            hidden_sizes=list(widths),
            depths=list(depths),
            decoder_hidden_size=decoder,
            num_labels=150,
        )
        graphs = variants(build, _logits_loss)
        _register(f"segformer-{size}", "segmentation", "Xie 2021, arXiv:2105.15203", published, "3x512x512", graphs)

    def unet(batch: int) -> tuple[torch.nn.Module, torch.Tensor]:
        return UNet(), torch.zeros(batch, 1, 572, 572)

    def unet3d(batch: int) -> tuple[torch.nn.Module, torch.Tensor]:
        return UNet3d(4, 4), torch.zeros(batch, 4, 128, 128, 128)

    source = "Ronneberger 2015, arXiv:1505.04597"
    graphs = variants(unet, classification)
    _register("unet", "segmentation", source, "31030658", "1x572x572", graphs, family="cnn", optimizer="momentum")
    source, graphs = "Isensee 2021, doi:10.1038/s41592-020-01008-z", variants(unet3d, classification)
    _register(
        "nnunet-3d", "segmentation", source, "", "4x128x128x128", graphs, family="cnn", batch=2, optimizer="momentum"
    )


# -- detection ------------------------------------------------------------------------------------------------------


class _Finite:
    """The answer to whether activations are finite, as a real run gives it."""

    @staticmethod
    def all() -> bool:
        return True


def _checked(layer: torch.nn.Module) -> None:
    """Let a layer that looks for overflows in training look, and find none."""
    forward, look = layer.forward, torch.isfinite

    def finite(x: torch.Tensor) -> type[_Finite]:
        look(x).all()
        return _Finite

    def checked(*arguments: Any, **options: Any) -> Any:
        with put([(torch, "isfinite", finite)]):
            return forward(*arguments, **options)

    layer.forward = checked


def _detr(batch: int) -> tuple[torch.nn.Module, Mapping[str, torch.Tensor]]:
    library = transformers()
    backbone = library.ResNetConfig(out_features=["stage4"])
    config = library.DetrConfig(
        use_timm_backbone=False, use_pretrained_backbone=False, backbone_config=backbone, num_labels=91
    )
    module = library.DetrForObjectDetection(config)
    # The authors train all but the stem and the first stage; transformers freezes a backbone of its own whole.
    for name, parameter in module.model.backbone.named_parameters():
        parameter.requires_grad_("embedder" not in name and "stages.0" not in name)
    for layer in module.model.encoder.layers:
        _checked(layer)
    return module, _pixels(3, 800, 1120)(batch)


def _register_detection() -> None:
    graphs = variants(_detr)
    _register("detr-r50", "detection", "Carion 2020, arXiv:2005.12872", "41M", "3x800x1120", graphs, batch=2)
    # The tiny one has no positions between its layers; the small one has some for images of 512x864.
    tiny = {"hidden_size": 192, "num_attention_heads": 3, "intermediate_size": 768, "image_size": [800, 1333]}
    small = {"hidden_size": 384, "num_attention_heads": 6, "intermediate_size": 1536, "image_size": [512, 864]}
    yolos: tuple[tuple[str, dict[str, Any], str], ...] = (("tiny", tiny, "6.5M"), ("small", small, "30.7M"))
    for size, sizes, published in yolos:
        build = configured(
            "YolosForObjectDetection",
            "YolosConfig",
            _pixels(3, 800, 1333),
            num_labels=91,
            use_mid_position_embeddings=size != "tiny",
            **sizes,
        )
        source = "Fang 2021, arXiv:2106.00666"
        _register(f"yolos-{size}", "detection", source, published, "3x800x1333", variants(build), batch=2)


# -- video ----------------------------------------------------------------------------------------------------------


def _register_video() -> None:
    frames = _pixels(16, 3, 224, 224)
    build = configured("VideoMAEForVideoClassification", "VideoMAEConfig", frames, num_labels=400)
    graphs, shape = variants(build, _logits_loss), "16x3x224x224"
    _register("videomae-base", "video", "Tong 2022, arXiv:2203.12602", "87M", shape, graphs)
    build = configured(
        "TimesformerForVideoClassification",
        "TimesformerConfig",
        _pixels(8, 3, 224, 224),
        attention="eager",
        num_labels=400,
    )
    graphs, shape = variants(build, _logits_loss), "8x3x224x224"
    _register("timesformer-base", "video", "facebook/timesformer-base-finetuned-k400", "121M", shape, graphs)
    build = configured("VivitForVideoClassification", "VivitConfig", _pixels(32, 3, 224, 224), num_labels=400)
    graphs, shape = variants(build, _logits_loss), "32x3x224x224"
    _register("vivit-base", "video", "Arnab 2021, arXiv:2103.15691", "89M", shape, graphs)


# -- text in images -------------------------------------------------------------------------------------------------


def _reader(encoder: Mapping[str, Any], decoder: Mapping[str, Any], kind: str = "TrOCR", size: int = 384) -> Build:
    """TrOCR: a vision transformer whose patches a text decoder reads; a line of 32 tokens."""

    def build(batch: int) -> tuple[torch.nn.Module, Mapping[str, torch.Tensor]]:
        library = transformers()
        seeing = (
            library.DeiTConfig(image_size=size, **encoder)
            if kind == "DeiT"
            else library.ViTConfig(image_size=size, qkv_bias=False, **encoder)
        )
        writing = library.TrOCRConfig(is_decoder=True, add_cross_attention=True, use_cache=False, **decoder)
        config = library.VisionEncoderDecoderConfig.from_encoder_decoder_configs(seeing, writing)
        config.decoder_start_token_id, config.pad_token_id = 2, 1
        given = _pixels(3, size, size, decoder_input_ids=(32,))(batch)
        return library.VisionEncoderDecoderModel(config=config), given

    return build


def _token_loss(output: Any) -> torch.Tensor:
    return classification(output.logits.transpose(1, 2))


def _register_reading() -> None:
    small = _reader(
        {"hidden_size": 384, "num_attention_heads": 6, "intermediate_size": 1536},
        {
            "vocab_size": 64044,
            "d_model": 256,
            "decoder_layers": 6,
            "decoder_attention_heads": 8,
            "decoder_ffn_dim": 1024,
            "cross_attention_hidden_size": 384,
            "layernorm_embedding": True,
            "activation_function": "relu",
            "tie_word_embeddings": False,
        },
        "DeiT",
    )
    base = _reader({}, {"cross_attention_hidden_size": 768})
    large = _reader(
        {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16, "intermediate_size": 4096},
        {"cross_attention_hidden_size": 1024},
    )
    for size, build, published in (("small", small, "62M"), ("base", base, "334M"), ("large", large, "558M")):
        graphs = {"train": training(build, _token_loss), "infer": inference(build)}
        source = "Li 2021, arXiv:2109.10282"
        _register(f"trocr-{size}", "ocr", source, published, "3x384x384, 32 tokens", graphs, batch=16, length=32)

    def crnn(batch: int) -> tuple[torch.nn.Module, torch.Tensor]:
        return Crnn(), torch.zeros(batch, 1, 32, 100)

    def dbnet(batch: int) -> tuple[torch.nn.Module, torch.Tensor]:
        return DbNet(), torch.zeros(batch, 3, 640, 640)

    graphs = {"train": training(crnn, crnn_loss), "infer": inference(crnn)}
    source = "Shi 2017, arXiv:1507.05717"
    _register("crnn", "ocr", source, "8.3M", "1x32x100", graphs, family="rnn", batch=64, optimizer="adadelta")
    source = "Liao 2020, arXiv:1911.08947"
    _register("dbnet-r18", "ocr", source, "", "3x640x640", variants(dbnet), family="cnn", batch=16)
    build = configured("MgpstrForSceneTextRecognition", "MgpstrConfig", _pixels(3, 32, 128), attention="eager")
    _register("mgp-str-base", "ocr", "Wang 2022, arXiv:2209.03592", "148M", "3x32x128", variants(build), batch=64)
    _register_documents()


def _register_documents() -> None:
    layout = _pixels(3, 224, 224, input_ids=(512,), bbox=(512, 4), attention_mask=(512,))
    build = configured("LayoutLMv3ForTokenClassification", "LayoutLMv3Config", layout, num_labels=7)
    source, shape = "Huang 2022, arXiv:2204.08387", "512 tokens, 3x224x224"
    graphs = variants(build, _token_loss)
    _register("layoutlmv3-base", "ocr", source, "", shape, graphs, batch=4, length=512)
    _register("donut-base", "ocr", "Kim 2022, arXiv:2111.15664", "", "3x2560x1920, 128 tokens", _donut(), batch=1)


def _donut() -> Mapping[str, Capture]:
    def build(batch: int) -> tuple[torch.nn.Module, Mapping[str, torch.Tensor]]:
        library = transformers()
        seeing = library.DonutSwinConfig(
            image_size=[2560, 1920], embed_dim=128, depths=[2, 2, 14, 2], num_heads=[4, 8, 16, 32], window_size=10
        )
        writing = library.MBartConfig(
            is_decoder=True,
            add_cross_attention=True,
            decoder_layers=4,
            vocab_size=57525,
            max_position_embeddings=1536,
            scale_embedding=True,
            add_final_layer_norm=True,
            use_cache=False,
        )
        config = library.VisionEncoderDecoderConfig.from_encoder_decoder_configs(seeing, writing)
        config.decoder_start_token_id, config.pad_token_id = 2, 1
        return library.VisionEncoderDecoderModel(config=config), _pixels(3, 2560, 1920, decoder_input_ids=(128,))(batch)

    return {"train": training(build, _token_loss), "infer": inference(build)}


_REGISTRATIONS: Final[tuple[Callable[[], None], ...]] = (
    _register_segmentation,
    _register_detection,
    _register_video,
    _register_reading,
)
for _each in _REGISTRATIONS:
    _each()
