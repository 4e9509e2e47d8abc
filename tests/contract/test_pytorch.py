"""capture(module, inputs): a user's own module becomes a workload and stays as it is; needs torch."""

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.keras

from tests.contract.tracing_cases import flops  # noqa: E402
from torch import nn  # noqa: E402

from whichgpu.capturing.pytorch import capture, optimizer_name  # noqa: E402
from whichgpu.capturing.request import CaptureRequest  # noqa: E402
from whichgpu.errors import InvalidValue, Untraceable  # noqa: E402
from whichgpu.workload import Precision  # noqa: E402


def model():
    layers = nn.Sequential(nn.Linear(4, 5), nn.Dropout(0.1), nn.BatchNorm1d(5), nn.Linear(5, 3))
    layers.eval()
    layers[0].weight.grad = torch.ones(5, 4)
    layers[3].kept_aside = torch.zeros(3)
    return layers


def test_training_counts_what_arithmetic_says_and_changes_nothing():
    module, x, labels = model(), torch.randn(7, 4), torch.zeros(7, dtype=torch.long)
    optimizer = torch.optim.SGD(module.parameters(), 0.1, momentum=0.9)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    random = torch.get_rng_state()
    loss = nn.functional.cross_entropy
    found = capture(module, x, train=True, loss=loss, targets=labels, optimizer=optimizer)
    assert flops(found.graph) == (2 * 7 * (20 + 15), 2 * 7 * (20 + 2 * 15))
    assert (found.phase, found.step, found.batch_size, found.optimizer) == ("train", "full", 7, "momentum")
    assert found.graph.trainable_parameters == found.graph.parameters == 4 * 5 + 5 + 2 * 5 + 5 * 3 + 3
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert not module.training
    assert torch.equal(module[0].weight.grad, torch.ones(5, 4))
    assert module[3].weight.grad is None
    assert torch.equal(torch.get_rng_state(), random)


def test_a_batch_that_was_not_given_scales():
    found = capture(model(), torch.randn(7, 4), request=CaptureRequest(batch_size=100))
    assert (found.phase, found.batch_size) == ("infer", 100)
    assert flops(found.graph) == (2 * 100 * (20 + 15), 0)


def test_arguments_by_position_and_by_name():
    attention = nn.MultiheadAttention(8, 2, batch_first=True)
    x = torch.randn(3, 5, 8)
    by_name = capture(attention, {"query": x, "key": x, "value": x, "need_weights": False})
    by_position = capture(attention, (x, x, x, None, False))
    assert by_name.graph.operators == by_position.graph.operators


class Casting(nn.Module):
    """A module with a device and an autocast of its own."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 4)
        self.device = "cuda"

    def forward(self, x):
        with torch.autocast("cuda", torch.float16):
            return self.layer(x.to(self.device)) * torch.ones(4, device="cuda")


def test_precision_is_what_autocast_or_the_weights_say():
    x = torch.randn(3, 4)
    assert capture(Casting(), x).precision is Precision.AMP_FP16
    assert capture(nn.Linear(4, 4).bfloat16(), x.bfloat16()).precision is Precision.BF16
    assert capture(nn.Linear(4, 4), x).precision is Precision.DEFAULT
    assert capture(nn.Linear(4, 4), x, request=CaptureRequest(precision=Precision.FP64)).precision is Precision.FP64


def test_tied_weights_stay_tied():
    tied = nn.Sequential(nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False))
    tied[1].weight = tied[0].weight
    assert capture(tied, torch.randn(3, 4), train=True).graph.parameters == 16


class Deciding(nn.Module):
    """A module that looks at values."""

    def forward(self, x):
        return x if x.sum() > 0 else -x


@pytest.mark.parametrize(
    ("module", "inputs", "match"),
    [
        (Deciding(), torch.randn(3, 4), "reads the values"),
        (nn.Linear(5, 3), torch.randn(3, 4), "Linear does not run on shapes alone"),
    ],
)
def test_what_cannot_be_followed_says_why(module, inputs, match, capfd):
    with pytest.raises(Untraceable, match=match):
        capture(module, inputs)
    assert capfd.readouterr() == ("", "")


def test_inputs_without_a_batch_and_phases_without_a_meaning_are_refused():
    with pytest.raises(InvalidValue, match="no tensor with a batch dimension"):
        capture(nn.Linear(4, 4), torch.tensor(1.0))
    with pytest.raises(InvalidValue, match="generate"):
        capture(nn.Linear(4, 4), torch.randn(3, 4), request=CaptureRequest(phase="generate"))


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda p: torch.optim.SGD(p, 0.1), "sgd"),
        (lambda p: torch.optim.SGD(p, 0.1, momentum=0.9), "momentum"),
        (lambda p: torch.optim.Adam(p), "adam"),
        (lambda p: torch.optim.AdamW(p), "adamw"),
        (lambda p: torch.optim.RMSprop(p), "rmsprop"),
        (lambda p: torch.optim.Adagrad(p), "adagrad"),
        (lambda p: torch.optim.RAdam(p), "radam"),
        (lambda p: torch.optim.Rprop(p), "adam"),
        (lambda p: type("PagedAdamW8bit", (torch.optim.AdamW,), {})(p), "paged-adamw-8bit"),
        (lambda p: type("Adam8bit", (torch.optim.Adam,), {})(p), "adam-8bit"),
        (lambda p: "Adafactor", "adafactor"),
    ],
)
def test_optimizers_by_the_states_they_keep(make, name):
    assert optimizer_name(make(nn.Linear(2, 2).parameters())) == name
