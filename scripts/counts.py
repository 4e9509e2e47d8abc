"""Products of the zoo's models, counted by the package, by hand, and by PyTorch's own counter.

python scripts/counts.py        a table of all three (docs/capture-checks.md), needs no framework
python scripts/counts.py bytes  bytes of small networks by hand
python scripts/counts.py torch  what PyTorch's counter says now, for torch_counter.csv; needs the extra zoo
"""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.contract.counts.report import bytes_by_hand, compared
from tests.contract.counts.table import CASES

_SAMPLES: Final = 2
"""Samples that PyTorch's counter sees: a batch norm refuses a single one."""


def main(arguments: list[str]) -> None:
    """Print one of the tables."""
    tables = {"torch": _from_torch, "bytes": bytes_by_hand}
    for line in tables.get(arguments[0] if arguments else "", compared)():
        print(line, flush=True)


def _from_torch() -> Iterator[str]:
    from whichgpu.zoo.building.blueprint import blueprints
    from whichgpu.zoo.building.collections import read_collections

    warnings.filterwarnings("ignore")
    read_collections()
    yield "model,phase,flops"
    for case in CASES:
        blueprint = blueprints().get(case.label)
        if blueprint is None:
            continue
        captures = blueprint.at_length(blueprint.sequence_length or 0) if blueprint.at_length else blueprint.graphs
        for phase in ("infer", "train"):
            found = _flops(captures[phase]) if phase in captures else ""
            if found:
                yield f"{case.label},{phase},{found}"


def _flops(capture: Any) -> str:
    """FLOP of a sample as PyTorch counts them; empty where the entry is made by no PyTorch module."""
    from whichgpu.zoo.building import steps
    from whichgpu.zoo.building.blueprint import Traced

    if isinstance(capture, Traced):
        return f"{_of_module(capture) / _SAMPLES:.0f}"
    if capture.__module__ != steps.__name__:
        return ""
    counted: list[float] = []

    def run(what: Any, _batch: int, train: bool) -> None:
        for module in what.modules:
            module.train(train)
        counted.append(_counted(what.run, train))
        raise _Done

    before, steps._recorded = steps._recorded, run  # type: ignore[assignment]
    try:
        with contextlib.suppress(_Done):
            capture(_SAMPLES)
    finally:
        steps._recorded = before
    return f"{counted[0] / _SAMPLES:.0f}" if counted else ""


class _Done(Exception):
    """The step ran under the counter; a capture of it is not wanted."""


def _of_module(capture: Any) -> float:
    from whichgpu.capturing.libraries import quick_building
    from whichgpu.capturing.tracing import default_loss, fake_mode

    with quick_building(), fake_mode():
        module, inputs = capture.build(_SAMPLES)
        module.train(capture.train)

        def run() -> None:
            output = _called(module, inputs)
            if capture.train:
                (capture.loss or default_loss)(output).backward()

        return _counted(run, capture.train)


def _called(module: Any, inputs: Any) -> Any:
    if isinstance(inputs, Mapping):
        return module(**inputs)
    return module(*inputs) if isinstance(inputs, (list, tuple)) else module(inputs)


def _counted(run: Any, train: bool) -> float:
    """FLOP of a run; the loss over paths of letters reads values, and stands as a mean here: it has no products."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    functional = torch.nn.functional
    paths, functional.ctc_loss = functional.ctc_loss, lambda chances, *_, **__: chances.mean()
    try:
        with FlopCounterMode(display=False) as counter, torch.set_grad_enabled(train):
            run()
        return float(counter.get_total_flops())
    finally:
        functional.ctc_loss = paths


if __name__ == "__main__":
    main(sys.argv[1:])
