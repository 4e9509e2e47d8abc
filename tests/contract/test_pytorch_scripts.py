"""PyTorch scripts of many idioms, followed to their first step: counts by hand, numbers from the scripts themselves."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import pytest
from tests.contract.tracing_cases import flops

from whichgpu.capturing import CaptureRequest, capture
from whichgpu.errors import InvalidValue, MissingExtra, UnknownName, WhichGpuError
from whichgpu.workload import Precision, Workload

pytestmark = pytest.mark.keras
pytest.importorskip("torch")

SCRIPTS = Path(__file__).parents[1] / "data" / "pytorch_scripts"
LONG = pytest.mark.scripts
"""A second case of an idiom: each starts PyTorch in a process of its own, so `make check-scripts` alone runs it."""


@functools.cache
def followed(name: str, **options: Any) -> Workload:
    return capture(str(SCRIPTS / f"{name}.py"), CaptureRequest(cache=False, **options))


@pytest.fixture
def read(tmp_path: Path) -> Any:
    """Reads a script given as text."""

    def call(text: str, name: str = "script.py", **options: Any) -> Workload:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return capture(str(path), CaptureRequest(cache=False, **options))

    return call


# name: products of one sample (or of the whole batch where it cannot scale), forward and backward; batch, samples,
# epochs, optimizer, parameters. A product of a and b is 2ab FLOP; a backward pass has the gradient of the weights and,
# but for the first layer, that of the inputs.
CASES = {
    # conv 26·26·8·9, conv 11·11·16·72, linear 400·10
    "digits_cnn": (2 * (48_672 + 139_392 + 4_000), 2 * (48_672 + 2 * 139_392 + 2 * 4_000), 64, 60_000, 3, "momentum"),
    "random_tensors": (2 * (3_000 + 210), 2 * (3_000 + 420), 48, None, None, "adam"),
    # generator 16·64 + 64·1024 once; discriminator 1024·64 + 64 on real, on fake, and on fake again; its first layer
    # has no gradient of its input but where the generator learns, and there its weights get theirs too
    "gan": (
        2 * (66_560 + 3 * 65_600),
        2 * (2 * (65_536 + 2 * 64) + 2 * 65_600 + 1_024 + 2 * 65_536),
        32,
        60_000,
        4,
        "adam",
    ),
    "accumulation_amp": (2 * (800 + 200), 2 * (800 + 400), 25, 800, 6, "adamw"),
    "own_dataset": (2 * (24 + 8), 2 * (24 + 16), 4, 6, 20, "rmsprop"),
    "vae": (2 * (39_200 + 400 + 200 + 39_200), 2 * (39_200 + 2 * (400 + 200 + 39_200)), 20, 60_000, 7, "adam"),
    "distributed": (2 * 30, 2 * 30, 128, 2048, 10, "sgd"),
    # the target network answers without gradients; what acts is the simulation's, outside of the step
    "dqn": (2 * 2 * (96 + 48), 2 * (96 + 96), 32, None, None, "adamw"),
    "frozen_features": (2 * 256, 2 * 256, 30, None, 8, "adam"),
    # conv 15·15·16·75 of a frozen body (64 pixels, kernel 5, stride 4), linear 256·2
    "fine_tuning": (2 * (270_000 + 512), 2 * 512, 12, None, 25, "momentum"),
}


SECOND = {"random_tensors", "vae", "frozen_features"}
"""Scripts whose idioms other scripts or tests of this list show as well."""


def cases(*names: str) -> list[Any]:
    return [pytest.param(name, marks=LONG) if name in SECOND else name for name in names]


@pytest.mark.parametrize("name", cases(*CASES))
def test_a_script_is_followed_to_its_first_step(name: str) -> None:
    forward, backward, batch, samples, epochs, optimizer = CASES[name]
    found = followed(name)
    assert flops(found.graph) == (batch * forward, batch * backward)
    assert (found.batch_size, found.samples, found.epochs, found.optimizer) == (batch, samples, epochs, optimizer)
    assert (found.phase, found.whole_step, found.stack, found.category) == ("train", "full", "pytorch-eager", "script")


@pytest.mark.parametrize("name", cases(*(name for name in CASES if name != "frozen_features")))
def test_its_step_scales_with_the_batch(name: str) -> None:
    forward, backward, *_ = CASES[name]
    found = followed(name).at_batch(777)
    assert flops(found.graph) == (777 * forward, 777 * backward)


@LONG
def test_a_body_that_answered_once_before_is_no_part_of_the_step() -> None:
    assert followed("frozen_features").graph.parameters == 2 * 128 + 2


@LONG
def test_a_batch_that_is_written_into_the_data_alone_can_be_another(read: Any) -> None:
    text = (
        "import copy, torch\nmodel = torch.nn.Linear(30, 2)\nbest = copy.deepcopy(model.state_dict())\n"
        "optimizer = torch.optim.SGD(model.parameters(), lr=0.1)\nx, y = torch.randn(30, 30), torch.zeros((30, 2))\n"
        "for step in range(5):\n    (model(x) - y).pow(2).sum().backward()\n    optimizer.step()\n"
    )
    found = read(text)
    assert (found.batch_size, flops(found.graph)) == (30, (30 * 120, 30 * 120))
    assert flops(found.at_batch(64).graph) == (64 * 120, 64 * 120)


def test_only_what_trains_is_trainable_and_only_what_is_used_is_held() -> None:
    tuned = followed("fine_tuning").graph
    assert (tuned.parameters, tuned.trainable_parameters) == (3 * 16 * 25 + 16 + 514, 514)
    gan = followed("gan").graph
    assert gan.parameters == gan.trainable_parameters == 16 * 64 + 64 + 64 * 1024 + 1024 + 1024 * 64 + 64 + 64 + 1


def test_gradients_of_several_batches_are_passes_of_one_step() -> None:
    found = followed("accumulation_amp")
    assert (found.gradient_accumulation, found.precision) == (4, Precision.AMP_FP16)


def test_a_decoder_whose_passes_are_a_constant() -> None:
    found = followed("decoder")
    assert (found.batch_size, found.sequence_length, found.gradient_accumulation) == (6, 16, 40)
    assert (found.precision, found.optimizer) == (Precision.AMP_BF16, "adamw")
    # a token: 2 blocks of 12·32² and the head 32·65; two causal products of attention over 16 places, counted whole
    token = 2 * (2 * 12 * 32 * 32 + 32 * 65)
    attention = 2 * 2 * 2 * 16 * 16 * 32
    assert flops(found.graph)[0] == 6 * (16 * token + attention)


def test_a_recurrent_model_with_steps_in_front_and_no_optimizer() -> None:
    found = followed("character_lstm")
    assert (found.batch_size, found.sequence_length, found.epochs, found.optimizer) == (10, 12, 2, "none")
    letters = len(set("the quick brown fox jumps over the lazy dog "))
    per_step = 4 * 24 * (16 + 24) + 4 * 24 * (24 + 24) + 24 * letters
    assert flops(found.graph)[0] == 2 * 10 * 12 * per_step
    assert flops(found.at_batch(20).graph)[0] == 2 * 20 * 12 * per_step


def test_a_script_that_only_answers() -> None:
    found = followed("inference")
    assert (found.phase, found.step, found.batch_size, found.precision) == ("infer", "forward", 16, Precision.FP16)
    assert flops(found.graph) == (16 * 2 * 32 * 32 * 8 * 27, 0)
    assert flops(found.at_batch(5).graph) == (5 * 2 * 32 * 32 * 8 * 27, 0)
    with pytest.raises(InvalidValue, match="train"):
        followed("inference", phase="train")


def test_the_forward_pass_of_a_script_that_trains() -> None:
    found = followed("digits_cnn", phase="infer", batch_size=7)
    assert (found.phase, found.optimizer, found.batch_size, found.epochs) == ("infer", "none", 7, None)
    assert flops(found.graph) == (7 * CASES["digits_cnn"][0], 0)


TWO = """
import torch
first, second = torch.nn.Linear(8, 4), torch.nn.Linear(8, 2)
batch_size = 10
for model in (first, second):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for epoch in range(5):
        x = torch.rand(batch_size, 8)
        optimizer.zero_grad()
        model(x).sum().backward()
        optimizer.step()
"""


@LONG
def test_one_of_several_models_by_name(read: Any) -> None:
    assert read(TWO).graph.parameters == 36
    assert read(TWO, model="second").graph.parameters == 18
    with pytest.raises(UnknownName, match="secnd"):
        read(TWO, model="secnd")


def test_a_critic_that_steps_five_times_to_one_of_its_generator(read: Any) -> None:
    found = read(
        """
import torch
from torch.utils.data import DataLoader, TensorDataset
G, D = torch.nn.Linear(3, 6), torch.nn.Linear(6, 1)
g, d = torch.optim.RMSprop(G.parameters()), torch.optim.RMSprop(D.parameters())
loader = DataLoader(TensorDataset(torch.rand(1000, 6)), batch_size=20)
for epoch in range(3):
    for i, (real,) in enumerate(loader):
        d.zero_grad()
        (D(G(torch.rand(20, 3)).detach()).mean() - D(real).mean()).backward()
        d.step()
        if i % 5 == 4:
            g.zero_grad()
            (-D(G(torch.rand(20, 3))).mean()).backward()
            g.step()
"""
    )
    # a step takes five batches: five times a generator and two critics, once one of each
    assert (found.batch_size, found.samples, found.epochs) == (100, 1000, 3)
    assert flops(found.graph)[0] == 20 * 2 * (5 * (18 + 6 + 6) + 18 + 6)


@LONG
def test_what_a_script_tries_before_it_trains_is_no_part_of_the_step(read: Any) -> None:
    plain = read(TWO)
    tried = read(TWO.replace("for model in", "first(torch.rand(3, 8)).sum().backward()\nfor model in"))
    assert flops(tried.graph) == flops(plain.graph)


def long(*values: str) -> Any:
    return pytest.param(*values, marks=LONG)


ONE = "import torch\nmodel = torch.nn.Linear(4, 2)\noptimizer = torch.optim.Adam(model.parameters())\n"


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        (ONE, "no_model", "before its optimizer makes a step"),
        long("import torch\nx = torch.rand(3)\n", "no_model", "without running a model"),
        long("import torch\nwhile True:\n    x = torch.rand(3)\n", "script_limit", "line 3"),
        long("import torch, os\nos.fork()\n", "script_limit", "line 2"),
        long("import torch, socket\nsocket.create_connection(('example.org', 80))\n", "script_limit", "network"),
        ("import torch\nimport fastai\n", "untraceable", "fastai"),
        long("import torch\nimport torchvision.models\n", "missing_extra", "torchvision"),
        (ONE + "model(torch.rand(3, 5))\n", "script_failed", "line 4"),
        (
            "import torch, argparse\np = argparse.ArgumentParser()\np.add_argument('--rate', required=True)\n"
            "p.parse_args()\n",
            "script_failed",
            "--rate",
        ),
        (
            "import torch\nfrom torchvision import datasets\ndata = datasets.ImageFolder('cats')\n"
            "torch.nn.Linear(2, len(data.classes))\n",
            "script_failed",
            "cats",
        ),
    ],
)
def test_what_is_wrong_is_one_line(read: Any, text: str, code: str, said: str) -> None:
    from whichgpu.capturing import Limits

    with pytest.raises(WhichGpuError) as caught:
        read(text, limits=Limits(time_s=5))
    assert caught.value.code == code
    assert said in caught.value.message
    assert "\n" not in caught.value.message


LIGHTNING = """
import lightning as L
import torch
from lightning.pytorch.callbacks import ModelCheckpoint

class Classifier(L.LightningModule):
    def __init__(self, width=20, rate=0.1):
        super().__init__()
        self.save_hyperparameters()
        self.body = torch.nn.Linear(8, self.hparams.width)
        self.head = torch.nn.Linear(width, 3)

    def forward(self, x):
        return self.head(self.body(x))

    def training_step(self, batch, batch_idx):
        x, y = batch
        loss = torch.nn.functional.cross_entropy(self(x), y)
        self.log("loss", loss)
        return loss

    def configure_optimizers(self):
        optimizer = torch.optim.AdamW(self.parameters(), lr=self.hparams.rate)
        return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, 1)]

class Rows(L.LightningDataModule):
    def train_dataloader(self):
        rows = torch.utils.data.TensorDataset(torch.rand(90, 8), torch.zeros(90, dtype=torch.long))
        return torch.utils.data.DataLoader(rows, batch_size=15)

trainer = L.Trainer(
    max_epochs=7, precision="16-mixed", accumulate_grad_batches=3, gradient_clip_val=1.0, callbacks=[ModelCheckpoint()]
)
trainer.fit(Classifier(), datamodule=Rows())
trainer.test(datamodule=Rows())
"""


def test_the_loop_of_lightning(read: Any) -> None:
    found = read(LIGHTNING)
    assert flops(found.graph) == (15 * 2 * (160 + 60), 15 * 2 * (160 + 120))
    assert (found.batch_size, found.samples, found.epochs, found.gradient_accumulation) == (15, 90, 7, 3)
    assert (found.precision, found.optimizer, found.parameters) == (Precision.AMP_FP16, "adamw", 180 + 63)


def test_a_missing_library_names_its_extra(read: Any) -> None:
    with pytest.raises(MissingExtra, match="torchvision") as caught:
        read("import torch\nfrom torchvision import models\nmodels.resnet18()\n")
    assert caught.value.hint == "pip install 'whichgpu[zoo]'"


def test_pickles_are_not_run(read: Any, tmp_path: Path) -> None:
    import torch

    torch.save(torch.nn.Linear(2, 2), tmp_path / "model.pt")
    with pytest.raises(WhichGpuError, match="pickled") as caught:
        read("import torch\nmodel = torch.load('model.pt', weights_only=False)\n")
    assert "script.py, line 2" in caught.value.message


@LONG
def test_an_optimizer_without_a_rule_of_its_own_is_told() -> None:
    said = {assumption.code: assumption.values for assumption in followed("frozen_features").assumptions}
    assert said["optimizer_assumed"] == {"optimizer": "adam", "named": "LBFGS"}
    assert not followed("digits_cnn").assumptions or "optimizer_assumed" not in {
        assumption.code for assumption in followed("digits_cnn").assumptions
    }


FUNCTIONS = """
import torch

def images():
    return torch.nn.Conv2d(3, 8, 3)

def words():
    return torch.nn.Embedding(50, 4), torch.zeros(6, 9, dtype=torch.int64, device="cuda")

def number():
    return 7

if __name__ == "__main__":
    raise SystemExit("the file is not run as a script")
"""


@pytest.fixture
def call(tmp_path: Path) -> Any:
    """Reads a function of a file."""
    path = tmp_path / "models.py"
    path.write_text(FUNCTIONS, encoding="utf-8")
    return lambda name, **options: capture(f"{path}:{name}", CaptureRequest(cache=False, **options))


def test_a_function_that_returns_a_model_needs_shapes(call: Any) -> None:
    found = call("images", input_shapes=("3x10x10",), batch_size=5, phase="train")
    assert flops(found.graph) == (5 * 2 * 64 * 8 * 27, 5 * 2 * 64 * 8 * 27)  # no gradient of the images
    assert (found.phase, found.batch_size, found.name) == ("train", 5, "models.py:images")
    with pytest.raises(InvalidValue) as caught:
        call("images")
    assert caught.value.field == "input-shape"


def test_a_function_that_returns_inputs_too(call: Any) -> None:
    found = call("words")
    assert (found.phase, found.batch_size, found.graph.parameters) == ("infer", 6, 200)


def test_a_function_that_is_not_there_or_no_model(call: Any) -> None:
    with pytest.raises(UnknownName, match="imagse"):
        call("imagse")
    with pytest.raises(WhichGpuError, match="returns int"):
        call("number")


def test_a_file_of_pickles_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    path.write_bytes(b"cos\nsystem\n(S'touch /tmp/never'\ntR.")
    with pytest.raises(WhichGpuError, match="pickled"):
        capture(str(path), CaptureRequest(cache=False))


def test_the_front_door_takes_modules_and_sources(tmp_path: Path) -> None:
    import torch

    import whichgpu

    found = whichgpu.capture(torch.nn.Linear(3, 2), torch.zeros(4, 3), train=True, optimizer="sgd")
    assert (found.phase, found.optimizer, flops(found.graph)) == ("train", "sgd", (48, 48))
    (tmp_path / "config.json").write_text("{", encoding="utf-8")
    with pytest.raises(WhichGpuError):
        whichgpu.capture(tmp_path / "config.json")


def test_a_policy_that_learns_from_whole_episodes(read: Any) -> None:
    found = read(
        """
import gym, torch
from torch.distributions import Categorical
env = gym.make("CartPole-v1")
env.seed(0)
policy = torch.nn.Linear(4, 2)
optimizer = torch.optim.Adam(policy.parameters())
for episode in range(9):
    state, done, chances, rewards = env.reset(), False, [], []
    while not done:
        choice = Categorical(logits=policy(torch.from_numpy(state)))
        action = choice.sample()
        chances.append(choice.log_prob(action))
        state, reward, done, _ = env.step(action.item())
        rewards.append(torch.tensor([reward]).sum())
    loss = -(torch.stack(chances) * torch.tensor(rewards)).sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""
    )
    # an episode is a hundred answers to one state each, differentiated together
    assert flops(found.graph) == (100 * 2 * 8, 100 * 2 * 8)
    assert found.epochs is None


def test_bars_of_progress_are_looked_through(read: Any) -> None:
    found = read(
        """
import torch
from tqdm import tqdm
from torch.utils.data import DataLoader, TensorDataset
loader = DataLoader(TensorDataset(torch.rand(90, 8)), batch_size=30)
model = torch.nn.Linear(8, 2)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for epoch in range(4):
    with tqdm(loader, unit="batch") as bar:
        for (x,) in bar:
            bar.set_description(f"epoch {epoch}")
            loss = model(x).sum()
            loss.backward()
            optimizer.step()
            bar.set_postfix(loss=loss.item())
"""
    )
    assert (found.batch_size, found.samples, found.epochs) == (30, 90, 4)
    assert flops(found.graph) == (30 * 2 * 16, 30 * 2 * 16)


def test_data_of_a_file_that_is_not_there(read: Any) -> None:
    with pytest.raises(WhichGpuError, match=r"what is in series\.pt, which is not there") as caught:
        read("import torch\nweights = torch.load('old.pth')\nx = torch.from_numpy(torch.load('series.pt'))\n")
    assert "script.py, line 3" in caught.value.message
