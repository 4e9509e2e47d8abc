"""Results that the tracer makes itself against those of PyTorch's fake tensors; needs torch."""

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.keras

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from tests.contract.tracing_cases import Calls  # noqa: E402
from torch import nn  # noqa: E402

from whichgpu.capturing.tracing import fake_mode, trace  # noqa: E402
from whichgpu.capturing.tracing.foreseeing import foresee  # noqa: E402
from whichgpu.capturing.tracing.remembering import Memory  # noqa: E402
from whichgpu.capturing.tracing.results import make  # noqa: E402
from whichgpu.graph import to_document  # noqa: E402

aten = torch.ops.aten
SIZES = st.integers(1, 4)
LAYOUTS = st.sampled_from(["contiguous", "channels last", "turned", "expanded"])
DTYPES = st.sampled_from([torch.float32, torch.float64, torch.bfloat16, torch.int64])


def laid(shape, layout, dtype=torch.float32):
    """A tensor of four dimensions in a layout."""
    if layout == "channels last":
        return torch.empty(shape, dtype=dtype).contiguous(memory_format=torch.channels_last)
    if layout == "turned":
        return torch.empty(shape[::-1], dtype=dtype).permute(3, 2, 1, 0)
    if layout == "expanded":
        return torch.empty(1, *shape[1:], dtype=dtype).expand(shape)
    return torch.empty(shape, dtype=dtype)


def described(out):
    """All that a graph can see of results."""
    return [
        None if t is None else (tuple(t.shape), t.stride(), t.storage_offset(), t.dtype, t.device)
        for t in (out if isinstance(out, list | tuple) else (out,))
    ]


def agrees(func, args):
    """Whether a rule gives what PyTorch gives, or leaves the call to it; True where it gave something."""
    with fake_mode() as mode, torch.no_grad():
        real = args()
        recipe = foresee(func, real)
        if recipe is not None:
            assert described(make(recipe, real, mode)) == described(func(*real))
        return recipe is not None


@given(shape=st.tuples(SIZES, SIZES, SIZES, SIZES), layout=LAYOUTS, dtype=DTYPES, affine=st.booleans())
@settings(max_examples=80, deadline=None)
def test_batch_norm_is_foreseen_as_pytorch_gives_it(shape, layout, dtype, affine):
    def args(training=True):
        with_one = [torch.empty(shape[1], dtype=dtype) if affine else None for _ in range(4)]
        return (laid(shape, layout, dtype), *with_one, training, 0.1, 1e-5)

    found = agrees(aten.native_batch_norm.default, args)
    if layout == "contiguous":
        several = shape[0] * shape[2] * shape[3] > 1  # PyTorch refuses a deviation of one value
        assert found == (several and dtype in (torch.float32, torch.float64))
    assert not agrees(aten.native_batch_norm.default, lambda: args(False))


@given(
    shape=st.tuples(SIZES, SIZES, SIZES, SIZES),
    layouts=st.tuples(LAYOUTS, LAYOUTS),
    mask=st.tuples(*[st.booleans()] * 2),
)
@settings(max_examples=60, deadline=None)
def test_its_gradients_are_foreseen_as_pytorch_gives_them(shape, layouts, mask):
    def args():
        vectors = [torch.empty(shape[1]) for _ in range(5)]
        pair = [laid(shape, layout) for layout in layouts]
        return (*pair, *vectors, True, 1e-5, [True, *mask])

    found = agrees(aten.native_batch_norm_backward.default, args)
    assert found or layouts != ("contiguous", "contiguous")


@given(
    shapes=st.tuples(*[st.tuples(SIZES, SIZES, SIZES, SIZES)] * 2),
    same=st.booleans(),
    layouts=st.tuples(LAYOUTS, LAYOUTS),
)
@settings(max_examples=60, deadline=None)
@pytest.mark.parametrize("func", [aten.add.Tensor, aten.mul.Tensor, aten.threshold_backward.default])
def test_elementwise_results_are_foreseen_as_pytorch_gives_them(func, shapes, same, layouts):
    second = shapes[0] if same else shapes[1]
    rest = (0,) if func is aten.threshold_backward.default else ()
    found = agrees(func, lambda: (laid(shapes[0], layouts[0]), laid(second, layouts[1]), *rest))
    assert found or not same or layouts != ("contiguous", "contiguous")


def test_numbers_that_are_equal_are_told_apart_by_their_type():
    memory = Memory()
    with fake_mode():
        x = torch.empty(3, dtype=torch.int64)
        results = [memory.result(aten.add.Tensor, (x, one), {}) for one in (1, 1.0, 1, 1.0)]
    assert [result.dtype for result in results] == [torch.int64, torch.float32] * 2


def test_what_is_made_again_shares_storage_as_the_first_time():
    memory = Memory()
    with fake_mode():
        for _ in range(2):
            x = torch.empty(4, 6)
            assert memory.result(aten.relu_.default, (x,), {}) is x
            column = memory.result(aten.select.int, (x, 1, 2), {})
            assert (tuple(column.shape), column.stride(), column.storage_offset()) == ((4,), (6,), 2)
            assert column.untyped_storage()._cdata == x.untyped_storage()._cdata
            copy = memory.result(aten.clone.default, (x,), {})
            assert copy.untyped_storage()._cdata != x.untyped_storage()._cdata


def test_what_is_refused_once_is_refused_again():
    memory = Memory()
    with fake_mode():
        for _ in range(2):
            with pytest.raises(RuntimeError):
                memory.result(aten.mm.default, (torch.empty(2, 3), torch.empty(4, 5)), {})


def test_known_values_stay_known():
    memory = Memory()
    with fake_mode():
        for _ in range(2):
            doubled = memory.result(aten.mul.Tensor, (torch.tensor(21), 2), {})
            assert doubled.item() == 42


def convolutions(batch):
    def block(channels, width):
        return nn.Sequential(nn.Conv2d(channels, width, 3), nn.BatchNorm2d(width), nn.ReLU(inplace=True))

    return nn.Sequential(block(3, 8), block(8, 8), block(8, 8), nn.Flatten()), torch.empty(batch, 3, 12, 12)


def encoders(batch):
    layers = [nn.TransformerEncoderLayer(16, 2, 32, batch_first=True, activation="gelu") for _ in range(3)]
    return nn.Sequential(*layers), torch.empty(batch, 8, 16)


def recurrences(batch):
    return Calls(lambda m, x: m.m[1](m.m[0](x)[0][:, -1]), nn.LSTM(5, 8, 2), nn.Linear(8, 3)), torch.empty(batch, 7, 5)


@pytest.mark.parametrize("build", [convolutions, encoders, recurrences])
@pytest.mark.parametrize("train", [True, False])
def test_a_graph_is_the_same_without_the_memory(build, train, monkeypatch):
    def graph():
        with fake_mode():
            return to_document(trace(*build(4), train=train, batch_size=4))

    remembered = graph()
    monkeypatch.setattr(Memory, "result", lambda self, func, args, kwargs: func(*args, **kwargs))
    assert remembered == graph()
