"""Traced operators follow the conventions of docs/graph.md, shape by shape; needs torch."""

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.keras

import torch.nn.functional as F  # noqa: E402, N812
from tests.contract.tracing_cases import Calls, flops, functional, rows, saved_bytes, traced  # noqa: E402
from torch import nn  # noqa: E402
from torch.utils.checkpoint import checkpoint  # noqa: E402

from whichgpu.capturing.tracing import Recorder, fake_mode, trace  # noqa: E402
from whichgpu.errors import Untraceable  # noqa: E402
from whichgpu.graph import Kind, Phase, Role  # noqa: E402

FORWARD, BACKWARD = Phase.FORWARD, Phase.BACKWARD


# -- products ---------------------------------------------------------------------------------------------------


def test_a_linear_layer_is_a_product_with_its_bias_and_two_products_backward():
    graph = traced(lambda b: (nn.Sequential(nn.Linear(5, 7), nn.Linear(7, 11)), torch.empty(b, 5)))
    forward = [(inputs, outputs) for _, inputs, outputs, _ in rows(graph, Kind.GEMM, FORWARD)]
    backward = [(inputs, outputs) for _, inputs, outputs, _ in rows(graph, Kind.GEMM, BACKWARD)]
    assert forward == [([(3, 5), (5, 7), (7,)], [(3, 7)]), ([(3, 7), (7, 11), (11,)], [(3, 11)])]
    # dy·wᵀ and xᵀ·dy of the second layer, and no input gradient of the first
    assert sorted(backward) == sorted(
        [
            ([(3, 11), (11, 7)], [(3, 7)]),
            ([(11, 3), (3, 7)], [(11, 7)]),
            ([(7, 3), (3, 5)], [(7, 5)]),
        ]
    )
    assert flops(graph) == (2 * 3 * (5 * 7 + 7 * 11), 2 * 3 * (2 * 7 * 11 + 5 * 7))


def test_frozen_layers_make_no_gradients_and_keep_nothing():
    def build(batch):
        model = nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 11))
        model[0].requires_grad_(False)
        return model, torch.empty(batch, 5)

    graph = traced(build)
    assert [outputs for _, _, outputs, _ in rows(graph, Kind.GEMM, BACKWARD)] == [[(11, 7)]]
    assert saved_bytes(graph) == 3 * 7 * 4  # what the second layer multiplies its gradient with
    assert (graph.parameters, graph.trainable_parameters) == (5 * 7 + 7 + 7 * 11 + 11, 7 * 11 + 11)


def test_a_frozen_layer_above_a_trained_one_hands_its_gradient_on():
    def build(batch):
        model = nn.Sequential(nn.Linear(5, 7), nn.Linear(7, 11))
        model[1].requires_grad_(False)
        return model, torch.empty(batch, 5)

    shapes = [outputs for _, _, outputs, _ in rows(traced(build), Kind.GEMM, BACKWARD)]
    assert shapes == [[(3, 7)], [(7, 5)]]


def test_a_weight_used_twice_adds_its_gradients_and_counts_once():
    graph = traced(lambda b: (Calls(lambda m, x: m.m[0](m.m[0](x)), nn.Linear(5, 5, bias=False)), torch.empty(b, 5)))
    adds = rows(graph, Kind.ELEMENTWISE, BACKWARD)
    assert [(name, outputs) for name, _, outputs, _ in adds] == [("aten.add", [(5, 5)])]
    assert graph.parameters == 25


@pytest.mark.parametrize(
    ("function", "shapes", "flop"),
    [
        (torch.matmul, [(3, 5, 7), (7, 11)], 2 * 3 * 5 * 7 * 11),
        (torch.matmul, [(3, 2, 5, 7), (3, 2, 7, 11)], 2 * 6 * 5 * 7 * 11),
        (torch.matmul, [(3, 2, 5, 7), (7, 11)], 2 * 6 * 5 * 7 * 11),
        (torch.matmul, [(2, 5, 7), (3, 1, 7, 11)], 2 * 6 * 5 * 7 * 11),
        (torch.mv, [(5, 7), (7,)], 2 * 5 * 7),
        (torch.addbmm, [(5, 11), (3, 5, 7), (3, 7, 11)], 2 * 3 * 5 * 7 * 11),
        (torch.baddbmm, [(3, 5, 11), (3, 5, 7), (3, 7, 11)], 2 * 3 * 5 * 7 * 11),
        (lambda a, b: torch.einsum("bhqd,bhkd->bhqk", a, b), [(2, 3, 5, 7), (2, 3, 11, 7)], 2 * 6 * 5 * 7 * 11),
        (lambda a, b: torch.einsum("bcs,dc->bds", a, b), [(2, 3, 5), (7, 3)], 2 * 2 * 5 * 3 * 7),
        (F.bilinear, [(3, 4), (3, 6), (5, 4, 6)], 2 * 3 * 5 * 4 * 6),
        (torch.cdist, [(3, 40, 7), (3, 30, 7)], 2 * 3 * 40 * 30 * 7),
        (F.conv2d, [(3, 4, 9, 11), (5, 4, 3, 3)], 2 * 3 * 5 * 7 * 9 * 4 * 9),
        (lambda x, w: F.conv2d(x, w, groups=2, stride=2), [(3, 4, 9, 11), (6, 2, 3, 3)], 2 * 3 * 6 * 4 * 5 * 2 * 9),
        (F.conv1d, [(3, 4, 9), (5, 4, 3)], 2 * 3 * 5 * 7 * 4 * 3),
        (F.conv3d, [(3, 4, 5, 6, 7), (2, 4, 3, 3, 3)], 2 * 3 * 2 * 3 * 4 * 5 * 4 * 27),
        # transposed: every input element times every output channel and kernel element
        (F.conv_transpose2d, [(3, 4, 5, 7), (4, 6, 3, 3)], 2 * 3 * 4 * 5 * 7 * 6 * 9),
    ],
)
def test_products_count_what_arithmetic_says_forward_and_twice_backward(function, shapes, flop):
    forward, backward = flops(functional(function, *shapes))
    assert forward == flop
    if function not in (torch.mv, torch.cdist):  # their gradients are outer products, and distances have two passes
        assert backward == (3 if function is F.bilinear else 2) * flop  # one product an operand


def test_a_convolution_has_an_operator_for_each_gradient_that_is_asked_for():
    def build(batch):
        model = nn.Sequential(nn.Conv2d(3, 4, 3, stride=2, padding=1), nn.Conv2d(4, 6, (3, 1), dilation=2, groups=2))
        return model, torch.empty(batch, 3, 20, 20)

    geometry = {"stride": (1, 1), "padding": (0, 0), "dilation": (2, 2), "groups": 2, "transposed": False}
    forward, backward = rows(traced(build, 5), Kind.CONV, FORWARD), rows(traced(build, 5), Kind.CONV, BACKWARD)
    x, w, y = (5, 4, 10, 10), (6, 2, 3, 1), (5, 6, 6, 10)
    assert forward[1][1:] == ([x, w, (6,)], [y], {"direction": "forward", **geometry})
    assert backward[0][1:] == ([y, w], [x], {"direction": "input", **geometry})
    assert backward[1][1:] == ([y, x], [w, (6,)], {"direction": "weight", **geometry})
    assert [row[3]["direction"] for row in backward] == ["input", "weight", "weight"]


# -- attention --------------------------------------------------------------------------------------------------


def sdpa(**options):
    return lambda q, k, v, *mask: F.scaled_dot_product_attention(q, k, v, *mask, **options)


def test_attention_is_one_operator_each_way():
    shapes = [(2, 6, 5, 8), (2, 3, 7, 8), (2, 3, 7, 12)]
    graph = functional(sdpa(dropout_p=0.1, is_causal=True, enable_gqa=True), *shapes)
    (forward,) = rows(graph, Kind.ATTENTION, FORWARD)
    (backward,) = rows(graph, Kind.ATTENTION, BACKWARD)
    expected = {"causal": True, "window": 0, "dropout": True, "fused": True}
    assert forward[1:] == (shapes, [(2, 6, 5, 12), (2, 6, 5)], expected)
    assert backward[1][:5] == [(2, 6, 5, 12), *shapes, (2, 6, 5, 12)]
    assert backward[2:] == (shapes, expected)
    assert len(graph.operators) == 2


def test_attention_with_a_mask_reads_it():
    graph = functional(sdpa(), (2, 6, 5, 8), (2, 6, 7, 8), (2, 6, 7, 8), (2, 1, 5, 7))
    assert rows(graph, Kind.ATTENTION, FORWARD)[0][1][3] == (2, 1, 5, 7)


@pytest.mark.parametrize(
    ("shapes", "fused"),
    [
        ([(2, 3, 5, 64)] * 3, True),
        ([(2, 3, 5, 512)] * 3, True),
        ([(2, 3, 5, 63)] * 3, False),  # unaligned heads
        ([(6, 5, 64)] * 3, False),  # no dimension of heads
    ],
)
def test_attention_is_fused_where_a_kernel_takes_it(shapes, fused):
    (row,) = rows(functional(sdpa(), *shapes, train=False), Kind.ATTENTION)
    assert row[3]["fused"] is fused
    assert len(row[1][0]) == 4


def test_attention_in_a_checkpoint_is_computed_again():
    def build(batch):
        def run(module, x):
            def block(y):
                return F.scaled_dot_product_attention(*module.m[0](y).chunk(3, -1), dropout_p=0.1)

            return checkpoint(block, x, use_reentrant=False)

        return Calls(run, nn.Linear(8, 24)), torch.empty(batch, 2, 5, 8, requires_grad=True)

    graph = traced(build)
    phases = [operator.phase for operator in graph.operators if operator.kind is Kind.ATTENTION]
    assert phases == [FORWARD, BACKWARD, BACKWARD]
    assert saved_bytes(graph) == 0  # the block keeps only its input, which is the model's


# -- recurrent layers -------------------------------------------------------------------------------------------


class Sequences(nn.Module):
    """A recurrent layer over sequences of ten features, behind a layer that may train."""

    def __init__(self, frozen_before=True, frozen=False):
        super().__init__()
        self.before = nn.Linear(4, 10).requires_grad_(not frozen_before)
        self.layer = nn.LSTM(10, 6, num_layers=2, bidirectional=True, batch_first=True).requires_grad_(not frozen)
        self.head = nn.Linear(12, 2)

    def forward(self, x):
        return self.head(self.layer(self.before(x))[0][:, -1])


@pytest.mark.parametrize("frozen_before", [True, False])
@pytest.mark.parametrize("frozen", [True, False])
def test_a_recurrent_layer_makes_only_the_gradients_asked_for(frozen_before, frozen):
    graph = traced(lambda b: (Sequences(frozen_before, frozen), torch.empty(b, 7, 4)))
    (forward,) = rows(graph, Kind.RNN, FORWARD)
    assert forward[1][0] == (3, 7, 10)
    assert forward[2][0] == (3, 7, 12)
    assert forward[3] == {
        "cell": "lstm", "hidden": 6, "layers": 2, "directions": 2, "fused": True, "masked": False
    }  # fmt: skip
    backward = rows(graph, Kind.RNN, BACKWARD)
    if frozen and frozen_before:
        assert backward == []
        return
    assert backward[0][1][:2] == [(3, 7, 12), (3, 7, 10)]
    assert backward[0][3]["weight_gradient"] is not frozen
    assert backward[0][3]["input_gradient"] is not frozen_before


def test_packed_sequences_run_as_one_operator():
    def run(module, x, lengths):
        packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        outputs, _ = module.m[0](packed)
        return nn.utils.rnn.pad_packed_sequence(outputs, batch_first=True)[0]

    graph = traced(lambda b: (Calls(run, nn.GRU(4, 6)), (torch.empty(b, 7, 4), torch.full((b,), 7))))
    assert [row[1][0] for row in rows(graph, Kind.RNN, FORWARD)] == [(3, 7, 4)]


def test_a_recurrent_cell_is_two_products_and_one_kernel():
    graph = traced(lambda b: (nn.LSTMCell(4, 5), torch.empty(b, 4)), train=False)
    kinds = [operator.kind for operator in graph.operators if operator.kind is not Kind.FILL]
    assert kinds == [Kind.GEMM, Kind.GEMM, Kind.ELEMENTWISE]


# -- everything else --------------------------------------------------------------------------------------------


def test_dropout_is_one_kernel_with_a_mask_of_a_byte():
    graph = functional(lambda x: F.dropout(x, 0.1), (3, 5))
    (forward, backward) = graph.operators
    assert (forward.name, backward.name) == ("aten.native_dropout", "aten.native_dropout_backward")
    assert {operator.attributes["function"] for operator in graph.operators} == {"dropout"}
    assert saved_bytes(graph) == 15


def test_views_are_no_operators_and_share_their_storage():
    graph = functional(lambda x: x.view(3, 2, 5).transpose(0, 1)[1].t().relu(), (3, 10), train=False)
    (relu,) = graph.operators
    assert graph.tensors[relu.inputs[0]].shape == (5, 3)
    assert graph.tensors[relu.inputs[0]].role is Role.INPUT


def test_an_operator_in_place_writes_its_input():
    graph = functional(lambda x: (x + 1).relu_(), (3, 5), train=False)
    add, relu = graph.operators
    assert relu.outputs == relu.inputs == add.outputs


def test_an_expanded_operand_is_read_at_its_own_size():
    graph = functional(lambda x, y: x + y.expand(3, 5), (3, 5), (5,), train=False)
    assert rows(graph)[0][1] == [(3, 5), (1, 5)]


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda x: x.t().contiguous(), "contiguous"),
        (lambda x: x.half(), "cast"),
        (lambda x: torch.cat([x, x]), "concatenate"),
        (lambda x: F.pad(x, (1, 1)), "pad"),
        (lambda x: x[torch.tensor([0, 2])], "gather"),
    ],
)
def test_copies_say_why(function, reason):
    graph = functional(function, (3, 5), train=False)
    assert [operator.attributes["reason"] for operator in graph.operators if operator.kind is Kind.COPY] == [reason]


@pytest.mark.parametrize(
    ("layer", "shape", "label"),
    [
        (nn.BatchNorm2d(4), (3, 4, 5, 5), "batch"),
        (nn.LayerNorm(4), (3, 5, 4), "layer"),
        (nn.GroupNorm(2, 4), (3, 4, 5, 5), "group"),
        (nn.InstanceNorm2d(4), (3, 4, 5, 5), "instance"),
        (nn.RMSNorm(4), (3, 5, 4), "rms"),
    ],
)
def test_normalisations_go_by_their_name_both_ways(layer, shape, label):
    graph = traced(lambda b: (type(layer)(*ARGUMENTS[label]), torch.empty(shape, requires_grad=True)))
    norms = [operator for operator in graph.operators if operator.kind is Kind.NORM]
    assert [(operator.phase, operator.attributes["norm"]) for operator in norms] == [
        (FORWARD, label),
        (BACKWARD, label),
    ]


ARGUMENTS = {"batch": (4,), "layer": (4,), "group": (2, 4), "instance": (4,), "rms": (4,)}


def test_batch_norm_with_its_running_statistics_does_not_train():
    graph = traced(lambda b: (nn.BatchNorm2d(4), torch.empty(b, 4, 5, 5)), train=False)
    assert rows(graph, Kind.NORM)[0][3] == {"norm": "batch", "training": False}


def test_embedding_and_its_gradients():
    def build(sparse):
        return lambda b: (nn.Embedding(10, 3, sparse=sparse), torch.empty(b, 4, dtype=torch.int64))

    dense, sparse = traced(build(False)), traced(build(True))
    assert rows(dense, Kind.EMBEDDING)[0][1:3] == ([(10, 3), (3, 4)], [(3, 4, 3)])
    assert rows(dense, Kind.SCATTER)[0][1:] == ([(3, 4, 3), (3, 4)], [(10, 3)], {"sparse": False})
    assert rows(sparse, Kind.SCATTER)[0][1:] == ([(12, 3), (1, 12)], [(12, 3)], {"sparse": True})


def test_a_bag_of_embeddings_reads_a_row_an_index():
    graph = traced(lambda b: (nn.EmbeddingBag(10, 3, mode="sum"), torch.empty(b, 4, dtype=torch.int64)))
    (row,) = rows(graph, Kind.REDUCTION, FORWARD)
    assert (row[1][0], row[2]) == ((12, 3), [(3, 3)])


UPSAMPLING = {"function": "upsample_nearest2d"}


def window(function, kernel, stride):
    """The attributes of a pooling."""
    return {"function": function, "kernel": kernel, "stride": stride}


@pytest.mark.parametrize(
    ("function", "shapes", "kind", "attributes"),
    [
        (lambda x: F.max_pool2d(x, 3, 2), [(3, 4, 9, 9)], Kind.POOLING, window("max", (3, 3), (2, 2))),
        (lambda x: F.avg_pool2d(x, 2), [(3, 4, 8, 8)], Kind.POOLING, window("average", (2, 2), (2, 2))),
        (lambda x: F.adaptive_avg_pool2d(x, 2), [(3, 4, 8, 6)], Kind.POOLING, window("average", (4, 3), (4, 3))),
        (lambda x: F.interpolate(x, scale_factor=2), [(3, 4, 8, 8)], Kind.INTERPOLATION, UPSAMPLING),
        (lambda x: x.softmax(-1), [(3, 5)], Kind.SOFTMAX, {"function": "softmax"}),
        (lambda x: torch.fft.fft(x).abs(), [(3, 8)], Kind.FFT, {"function": "fft_r2c"}),
        (lambda x: x.cumsum(1), [(3, 5)], Kind.SCAN, {"function": "cumsum"}),
        (lambda x: x.sort()[0], [(3, 5)], Kind.SORT, {"function": "sort"}),
        (lambda x: x.var(1), [(3, 5)], Kind.REDUCTION, {"function": "var"}),
        (lambda x: F.mse_loss(x, x * 2), [(3, 5)], Kind.LOSS, {"function": "mse_loss"}),
        (lambda x: F.gelu(x), [(3, 5)], Kind.ELEMENTWISE, {"function": "gelu"}),
        (lambda x: torch.rand_like(x) + x, [(3, 5)], Kind.RANDOM, {"function": "rand_like"}),
    ],
)  # fmt: skip
def test_kinds_and_their_attributes(function, shapes, kind, attributes):
    graph = functional(function, *shapes)
    assert attributes in [row[3] for row in rows(graph, kind, FORWARD)]
    assert not rows(graph, Kind.UNKNOWN)


def test_an_unknown_operator_is_named_and_never_dropped():
    graph = functional(torch.linalg.inv, (3, 5, 5), train=False)
    assert [operator.name for operator in graph.operators if operator.kind is Kind.UNKNOWN] == ["aten.linalg_inv_ex"]


# -- modules, phases, what cannot be followed -------------------------------------------------------------------


def test_operators_know_their_module_both_ways():
    graph = traced(lambda b: (nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 2)), torch.empty(b, 5)))
    assert [operator.module for operator in graph.operators if operator.phase is FORWARD] == ["0", "1", "2"]
    assert [operator.module for operator in graph.operators if operator.phase is BACKWARD] == ["2"] * 3 + ["1"] + [
        "0"
    ] * 2


def test_a_loss_belongs_to_the_step_and_its_own_output_is_differentiated():
    labels = lambda y: F.cross_entropy(y, torch.empty(3, dtype=torch.int64))  # noqa: E731
    graph = traced(lambda b: (nn.Linear(5, 7), torch.empty(b, 5)), loss=labels)
    assert [row[3]["function"] for row in rows(graph, Kind.LOSS)] == ["nll_loss_forward", "nll_loss"]


@pytest.mark.parametrize(
    "function", [lambda x: x if x.sum() > 0 else -x, lambda x: x[x > 0], lambda x: x * x.mean().item()]
)
def test_a_model_that_reads_values_is_refused_by_the_name_of_its_module(function):
    build = lambda b: (nn.Sequential(nn.Linear(5, 5), Calls(lambda m, x: function(x))), torch.empty(b, 5))  # noqa: E731
    with pytest.raises(Untraceable, match="1 reads the values of a tensor"):
        traced(build)


def test_a_model_without_anything_to_train_is_refused():
    with pytest.raises(Untraceable, match="nothing trains"):
        traced(lambda b: (nn.Linear(5, 7).requires_grad_(False), torch.empty(b, 5)))


def test_what_is_replaced_while_tracing_is_put_back():
    before = (F.scaled_dot_product_attention, torch.dropout, torch._VF.lstm, nn.Module.__call__)
    with fake_mode(), pytest.raises(Untraceable):
        trace(nn.Linear(5, 7).requires_grad_(False), torch.empty(3, 5), train=True, batch_size=3)
    assert (F.scaled_dot_product_attention, torch.dropout, torch._VF.lstm, nn.Module.__call__) == before


def test_fake_mode_within_fake_mode_is_the_same():
    with fake_mode() as outer, fake_mode() as inner:
        assert inner is outer


@pytest.mark.parametrize(
    ("function", "shape"),
    [
        (lambda x: x[x > 0], (15,)),
        (lambda x: x.masked_select(x > 0), (15,)),
        (lambda x: x[:, (x > 0).any(0)], (3, 5)),
        (lambda x: (x > 0).nonzero(), (15, 2)),
        (lambda x: torch.unique(x), (15,)),
    ],
)
def test_selecting_by_values_may_select_everything(function, shape):
    with fake_mode(), torch.no_grad(), Recorder(guessing=True) as recorder:
        assert function(torch.empty(3, 5)).shape == shape
    assert recorder.guessed == {"the model"}


def test_conditions_may_be_false_and_numbers_one():
    with fake_mode(), Recorder(guessing=True) as recorder:
        x = torch.empty(3, 5)
        assert not (x > 0).any()
        assert (x.sum().item(), x.argmax().item(), torch.equal(x, x)) == (1.0, 1, False)
    assert recorder.guessed == {"the model"}
