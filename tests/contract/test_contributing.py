"""What CONTRIBUTING shows is run as it stands: an entry of the zoo is built and read, an operator gets its kind."""

import json
import re
import textwrap
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.keras

from tests.contract.tracing_cases import functional, rows  # noqa: E402

from whichgpu.capturing.losses import classification  # noqa: E402
from whichgpu.capturing.tracing import planning, rules  # noqa: E402
from whichgpu.costing import cost_table  # noqa: E402
from whichgpu.graph import Kind, Phase  # noqa: E402
from whichgpu.workload import Workload  # noqa: E402
from whichgpu.zoo.building import blueprint  # noqa: E402
from whichgpu.zoo.building.assembling import Shelf, captured  # noqa: E402
from whichgpu.zoo.packing import unpacked  # noqa: E402

PAGE = (Path(__file__).resolve().parents[2] / "CONTRIBUTING.md").read_text(encoding="utf-8")


def shown(word):
    """The one block of code on the page that has this word."""
    blocks = re.findall(r"^  ```python\n(.*?)^  ```", PAGE, re.DOTALL | re.M)
    (found,) = (textwrap.dedent(block) for block in blocks if word in block)
    return found


@pytest.fixture
def entry(monkeypatch):
    """The blueprint that the page registers, taken off the shelf again afterwards."""
    monkeypatch.setattr(blueprint, "_BLUEPRINTS", {})
    names = {"torch": torch, "nn": torch.nn, "classification": classification}
    names |= {name: getattr(blueprint, name) for name in ("register", "Blueprint", "variants")}
    exec(shown("Blueprint("), names)
    (made,) = blueprint.blueprints().values()
    return made


def test_the_entry_is_built_and_read(entry, tmp_path):
    shelf = Shelf(tmp_path)
    shelf.put(entry, captured(entry))
    shelf.write()
    row = json.loads((tmp_path / "index.json").read_text(encoding="utf-8"))[entry.name]
    assert row["parameters"] == 28 * 64 + 64 + 64 * 2 + 2
    graph = unpacked((tmp_path / f"{row['block']}.xz").read_bytes(), f"{entry.name}/train").at_batch(32)
    step = Workload(name=entry.name, graph=graph, phase="train", step="full", batch_size=32, optimizer="momentum")
    table = cost_table(step)
    forward = 2 * 32 * (28 * 64 + 64 * 2)
    assert table.product_flops(Phase.FORWARD) == forward
    # Both weights, and the inputs of the second layer alone.
    assert table.product_flops(Phase.BACKWARD) == forward + 2 * 32 * 64 * 2


@pytest.fixture
def soft_step():
    """An operator of somebody's library, as a function."""
    library = torch.library.Library("mylibrary", "DEF")
    library.define("soft_step(Tensor x) -> Tensor")
    library.impl("soft_step", torch.sigmoid, "CompositeExplicitAutograd")
    library.impl("soft_step", torch.empty_like, "Meta")
    yield torch.ops.mylibrary.soft_step
    library._destroy()
    planning.plan_of.cache_clear()


def test_the_operator_is_unknown_before_its_line_and_known_after(soft_step, monkeypatch):
    monkeypatch.setattr(rules, "_RULES", dict(rules._RULES))
    assert [row[0] for row in rows(functional(soft_step, (3, 5), train=False), Kind.UNKNOWN)] == ["mylibrary.soft_step"]
    planning.plan_of.cache_clear()  # an operator's rule is looked up once a process
    exec(shown("soft_step"), {"register": rules.register, "Kind": Kind})
    graph = functional(soft_step, (3, 5), train=False)
    assert [row[3] for row in rows(graph, Kind.ELEMENTWISE)] == [{"function": "sigmoid"}]
