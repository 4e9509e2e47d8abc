"""Code written for a GPU is followed on fake tensors of the CPU; needs torch."""

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.keras

from torch import nn  # noqa: E402

from whichgpu.capturing.tracing import fake_mode  # noqa: E402
from whichgpu.capturing.tracing.devices import on_a_gpu  # noqa: E402


def test_devices_and_transfers():
    with fake_mode(), on_a_gpu():
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        model = nn.Sequential(nn.Linear(4, 5), nn.LSTM(5, 6)).to(device).cuda()
        x = torch.randn(3, 4, device="cuda:0").cuda(non_blocking=True).to(device).to("cuda", torch.float16).float()
        assert model[0](x).device.type == "cpu"
        assert torch.arange(3, device=torch.device("cuda", 0)).device.type == "cpu"
        assert torch.device("cuda", 0).type == "cuda"
        assert torch.cuda.device_count() == 1
        torch.cuda.synchronize()
    assert not torch.cuda.is_available()


def test_modules_change_their_type_with_their_ties_kept():
    with fake_mode(), on_a_gpu():
        model = nn.Sequential(nn.Linear(4, 4), nn.LSTM(4, 6), nn.Linear(4, 4), nn.BatchNorm1d(4))
        model[2].weight = model[0].weight
        model[0].requires_grad_(False)
        model.half()
        assert {parameter.dtype for parameter in model.parameters()} == {torch.float16}
        assert model[3].running_mean.dtype == torch.float16
        assert model[2].weight is model[0].weight
        assert not model[0].bias.requires_grad
        assert model[1]._flat_weights[0] is model[1].weight_ih_l0
        assert model.to("cuda:0", torch.float32)[0].weight.dtype == torch.float32


@pytest.mark.parametrize(
    ("context", "precision"),
    [
        (lambda: torch.autocast("cuda"), "amp-fp16"),
        (lambda: torch.autocast(device_type="cuda", dtype=torch.bfloat16), "amp-bf16"),
        (lambda: torch.cuda.amp.autocast(), "amp-fp16"),
        (lambda: torch.amp.autocast("cuda", torch.bfloat16), "amp-bf16"),
        (lambda: torch.autocast("cuda", enabled=False), None),
    ],
)
def test_autocast_changes_nothing_and_is_noted(context, precision):
    with fake_mode(), on_a_gpu() as noted:
        with context():
            assert nn.Linear(4, 5)(torch.empty(3, 4)).dtype == torch.float32
        assert noted.precision == precision


def test_autocast_decorates_and_scalers_hand_the_loss_on():
    with fake_mode(), on_a_gpu() as noted:

        @torch.autocast("cuda", dtype=torch.bfloat16)
        def forward(x):
            return x * 2

        loss = forward(torch.empty(3))
        assert torch.amp.GradScaler("cuda").scale(loss) is loss
        assert noted.precision == "amp-bf16"


def test_everything_is_put_back():
    before = (nn.Module._apply, nn.Module.cuda, torch.autocast, torch.amp.GradScaler, torch.compile, torch.cuda.Stream)
    with on_a_gpu():
        assert torch.compile(before[0]) is before[0]
    after = (nn.Module._apply, nn.Module.cuda, torch.autocast, torch.amp.GradScaler, torch.compile, torch.cuda.Stream)
    assert after == before
