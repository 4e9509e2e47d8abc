"""The tables of docs/capture-checks.md: products by the package, by hand and by PyTorch's counter; bytes by hand."""

from __future__ import annotations

from collections.abc import Iterator

from tests.contract.counts.moved import Moved
from tests.contract.counts.moved_sequences import SUMS
from tests.contract.counts.other_counter import Printed, explained, printed
from tests.contract.counts.table import CASES, Case, products

from whichgpu.graph import Phase
from whichgpu.units import GIGA

HEAD = (
    "| model | parameters | forward | by hand | PyTorch's | training | by hand | PyTorch's | dimensions from |",
    "|---|---|---|---|---|---|---|---|---|",
)


def compared() -> Iterator[str]:
    """The lines of the table: GFLOP of one sample, then how far the two other counts are from it, and why."""
    yield from HEAD
    theirs = printed()
    for case in CASES:
        parameters = f"{case.workload('train').graph.parameters:,}".replace(",", " ")
        cells = (case.label, parameters, *_forward(case, theirs), *_training(case, theirs), case.source)
        yield f"| {' | '.join(cells)} |"


Others = dict[tuple[str, str], Printed]


def _forward(case: Case, theirs: Others) -> tuple[str, str, str]:
    if not case.infers:
        return "", "", ""
    counted = products(case.workload("infer"), Phase.FORWARD)
    by_hand = (case.inference or case.tally).forward
    return _giga(2 * counted), _apart(counted, by_hand), _other(case, "infer", theirs)


def _training(case: Case, theirs: Others) -> tuple[str, str, str]:
    step = case.workload("train")
    counted = products(step, Phase.FORWARD) + products(step, Phase.BACKWARD)
    by_hand = case.tally.forward + case.tally.backward
    return _giga(2 * counted), _apart(counted, by_hand), _other(case, "train", theirs)


def _giga(flops: float) -> str:
    giga = flops / GIGA
    return f"{giga:,.0f}".replace(",", " ") if giga >= 1000 else f"{giga:.4g}".replace("e-0", "e-")


def _apart(counted: float, other: float) -> str:
    """How far another count is from the package's."""
    return "equal" if abs(other / counted - 1) < 1e-9 else f"{other / counted - 1:+.1%}"


def _other(case: Case, phase: str, theirs: Others) -> str:
    """How far PyTorch's counter is, and why; a dash where it was not asked."""
    found = theirs.get((case.label, phase))
    if found is None:
        return "–"
    return f"{_apart(explained(case, phase, ()), found.flops)} {', '.join(found.reasons)}".strip()


def bytes_by_hand() -> Iterator[str]:
    """The lines of the table of bytes: read and written by a forward pass, and by a training step with Adam."""
    yield "| network | read forward | written | operators | read in training | written | operators |"
    yield "|---|---|---|---|---|---|---|"
    for name, made in SUMS.items():
        sums = made()
        cells = [name, *_bytes(sums, "forward")]
        cells += _bytes(sums, "forward", "backward", "optimizer") if sums.backward else ["", "", ""]
        yield f"| {' | '.join(cells)} |"


def _bytes(sums: Moved, *phases: str) -> list[str]:
    operators = sum(sums.counted(phase).total() for phase in phases)
    return [*(f"{total:,.0f}".replace(",", " ") for total in sums.totals(*phases)), str(operators)]
