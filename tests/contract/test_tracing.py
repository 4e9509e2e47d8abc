"""Traces against published counts and closed forms; needs torch."""

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.keras

from tests.contract.tracing_cases import Calls, flops, saved_bytes, traced  # noqa: E402
from torch import nn  # noqa: E402

from whichgpu.capturing.tracing import fake_mode, trace, trace_scalable  # noqa: E402
from whichgpu.graph import Kind, Phase, from_document, to_document  # noqa: E402
from whichgpu.units import GIGA, MIB  # noqa: E402


class Vgg16(nn.Module):
    """VGG16 (Simonyan and Zisserman 2014, configuration D) without its top, under Flatten-128-10."""

    def __init__(self, frozen):
        super().__init__()
        layers, channels = [], 3
        for width in (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0):
            if width:
                layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
                channels = width
            else:
                layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers).requires_grad_(not frozen)
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(25088, 128), nn.ReLU(), nn.Linear(128, 10))

    def forward(self, x):
        return self.head(self.features(x))


class Bottleneck(nn.Module):
    """A residual block of ResNet-50 v1.5 (He 2015; the stride in the 3x3 convolution)."""

    def __init__(self, channels, width, stride):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, width, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 3, stride, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, 4 * width, 1, bias=False),
            nn.BatchNorm2d(4 * width),
        )
        self.short = nn.Identity()
        if stride != 1 or channels != 4 * width:
            self.short = nn.Sequential(nn.Conv2d(channels, 4 * width, 1, stride, bias=False), nn.BatchNorm2d(4 * width))

    def forward(self, x):
        return torch.relu(self.body(x) + self.short(x))


def resnet50():
    """ResNet-50 v1.5 by hand: 25 557 032 parameters."""
    layers = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)]
    channels = 64
    for width, blocks, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        for block in range(blocks):
            layers.append(Bottleneck(channels, width, stride if block == 0 else 1))
            channels = 4 * width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2048, 1000))


def test_frozen_vgg16_trains_its_head_alone():
    graph = traced(lambda b: (Vgg16(frozen=True), torch.empty(b, 3, 224, 224)), 32)
    forward, backward = flops(graph)
    assert forward / GIGA == pytest.approx(982.4, abs=0.05)
    assert backward / GIGA == pytest.approx(0.2, abs=0.05)
    assert saved_bytes(graph) / MIB == pytest.approx(3.1, abs=0.05)
    assert (graph.parameters, graph.trainable_parameters) == (17_927_370, 3_212_682)


def test_unfrozen_vgg16_has_no_input_gradient_of_its_first_convolution():
    graph = traced(lambda b: (Vgg16(frozen=False), torch.empty(b, 3, 224, 224)), 32)
    assert sum(flops(graph)) / GIGA == pytest.approx(2941.6, abs=0.05)


def test_resnet50_training_counts():
    graph = traced(lambda b: (resnet50(), torch.empty(b, 3, 224, 224)), 64)
    forward, backward = flops(graph)
    assert graph.parameters == 25_557_032
    assert forward / GIGA == pytest.approx(523.4, abs=0.1)
    assert backward / GIGA == pytest.approx(1031.7, abs=0.1)
    assert not [o.name for o in graph.operators if o.kind is Kind.UNKNOWN]


def test_resnet50_with_only_its_last_stage_trained():
    def build(batch):
        model = resnet50().requires_grad_(False)
        for layer in list(model)[-6:]:  # three blocks, pooling, flattening, classifier
            layer.requires_grad_(True)
        return model, torch.empty(batch, 3, 224, 224)

    assert flops(traced(build, 64))[1] / GIGA == pytest.approx(181.4, abs=0.1)


def test_resnet50_keeps_its_published_activations():
    graph = traced(lambda b: (resnet50(), torch.empty(b, 3, 224, 224)), 32)
    assert saved_bytes(graph) / MIB == pytest.approx(2622, rel=0.02)


class Recurrent(nn.Module):
    """A recurrent layer over sequences of ten features."""

    def __init__(self, kind):
        super().__init__()
        self.layer = kind(10, 64, batch_first=True)

    def forward(self, x):
        return self.layer(x)[0][:, -1]


@pytest.mark.parametrize(("kind", "gates"), [(nn.RNN, 1), (nn.GRU, 3), (nn.LSTM, 4)])
def test_a_recurrent_layer_is_one_operator_each_way(kind, gates):
    graph = traced(lambda b: (Recurrent(kind), torch.empty(b, 100, 10)), 32)
    layers = [o for o in graph.operators if o.kind is Kind.RNN]
    assert [o.phase for o in layers] == [Phase.FORWARD, Phase.BACKWARD]
    # 2 * B * T * G * H * (I + H) forward; backward the chain again, both weight gradients, no input gradient.
    forward = 2 * 32 * 100 * gates * 64 * (10 + 64)
    chain = 2 * 32 * 100 * gates * 64 * 64
    assert flops(graph) == (forward, forward + chain)


def test_bert_base_forward():
    """12 layers of 768 with 12 heads at 128 tokens, and a pooler: 22.35 GFLOP."""

    def build(batch):
        layer = nn.TransformerEncoderLayer(768, 12, 3072, activation="gelu", batch_first=True)
        body = nn.TransformerEncoder(layer, 12, enable_nested_tensor=False)
        return Calls(lambda m, x: m.m[1](m.m[0](x)[:, 0]), body, nn.Linear(768, 768)), torch.empty(batch, 128, 768)

    graph = traced(build, 1)
    forward, backward = flops(graph)
    assert forward / GIGA == pytest.approx(22.35, abs=0.005)
    # Twice the products without an input gradient of the first layer's projections; attention computes scores again.
    products, attention = 12 * (8 * 128 * 768**2 + 4 * 128 * 768 * 3072) + 2 * 768**2, 12 * 4 * 128**2 * 768
    assert backward == 2 * products - 6 * 128 * 768**2 + 2.5 * attention
    assert sum(operator.kind is Kind.ATTENTION for operator in graph.operators) == 24


def mlp(batch):
    return nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Dropout(0.1), nn.Linear(8, 2)), torch.empty(batch, 5)


def images(batch):
    layers = [nn.Conv2d(3, 8, 3, stride=2), nn.BatchNorm2d(8), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(8, 8)), torch.empty(batch, 3, 8, 8)


def sequences(batch):
    return Recurrent(nn.LSTM), torch.empty(batch, 8, 10)


def encoders(batch):
    return nn.TransformerEncoderLayer(16, 2, 8, batch_first=True), torch.empty(batch, 8, 16)


@pytest.mark.parametrize("build", [mlp, images, sequences, encoders])
@pytest.mark.parametrize("train", [True, False])
def test_slopes_predict_other_batches_exactly(build, train):
    """At 8, where other sizes are 8 too, and from there to 3 and 24."""
    graph = trace_scalable(build, 8, train=train)
    for batch in (3, 24):
        direct, scaled = traced(build, batch, train), graph.at_batch(batch)
        assert [(o.name, o.attributes) for o in scaled.operators] == [(o.name, o.attributes) for o in direct.operators]
        assert shapes(scaled) == shapes(direct)
        assert flops(scaled) == flops(direct)
        assert saved_bytes(scaled) == saved_bytes(direct)


def shapes(graph):
    """Operand shapes of every operator."""
    return [[graph.tensors[index].shape for index in (*o.inputs, *o.outputs)] for o in graph.operators]


def test_a_model_that_does_other_work_at_another_batch_is_for_one_batch_only():
    def build(batch):
        return nn.Sequential(*(nn.Linear(5, 5) for _ in range(batch))), torch.empty(batch, 5)

    graph = trace_scalable(build, 4, train=True)
    assert not graph.scalable
    assert graph.batch_size == 4


def test_a_model_that_refuses_another_batch_is_for_one_batch_only():
    graph = trace_scalable(lambda b: (nn.Linear(5, 5), torch.empty(b, 5).view(4, 5)), 4, train=True)
    assert not graph.scalable


def test_a_trace_survives_its_json_form():
    graph = traced(lambda b: (Recurrent(nn.GRU), torch.empty(b, 5, 10)), 3)
    again = from_document(to_document(graph))
    assert again == graph
    assert again.content_hash() == graph.content_hash()


def test_tracing_allocates_no_weights():
    with fake_mode():
        huge = nn.Linear(1_000_000, 1_000_000)  # four terabytes
        graph = trace(huge, torch.empty(1, 1_000_000), train=False, batch_size=1)
    assert graph.parameters == 1_000_000_000_000 + 1_000_000
