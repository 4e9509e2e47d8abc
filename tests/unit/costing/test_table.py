"""The cost table: every kind has a rule, equal operators are counted once, nothing unknown is free."""

import pytest

from whichgpu.costing import cost_table
from whichgpu.costing.registry import rule, rules
from whichgpu.errors import DataError, Uncovered
from whichgpu.graph import Kind, Operator, OperatorGraph, Phase, Role, Tensor
from whichgpu.workload import OPTIMIZERS, Workload

WITHOUT_RULE = {Kind.OPTIMIZER: "the workload names it and costing adds it analytically"}


def test_every_kind_has_a_rule_or_a_reason():
    assert set(Kind) - set(rules()) == set(WITHOUT_RULE)


def test_a_second_rule_for_a_kind_raises():
    with pytest.raises(DataError, match="has a cost rule already"):
        rule(Kind.GEMM)(lambda operands: [])


def chain(*kinds, size=1000, train=False):
    """A graph of operators in a row over tensors of ``size`` elements."""
    tensors = [Tensor(shape=(size,), dtype="float32", storage=0, role=Role.INPUT)]
    operators = []
    for kind in kinds:
        tensors.append(Tensor(shape=(size,), dtype="float32", storage=len(tensors)))
        at = len(tensors) - 1
        operators.append(Operator(kind=kind, phase=Phase.FORWARD, inputs=(at - 1,), outputs=(at,), name=f"a.{kind}"))
    weight = Tensor(shape=(size, 3), dtype="float32", storage=len(tensors), role=Role.WEIGHT, trainable=train)
    return OperatorGraph(operators=tuple(operators), tensors=(*tensors, weight), batch_size=1)


def workload(graph, **changes):
    """A workload of this graph on the plain library stack."""
    options = {"phase": "infer", "step": "forward", "batch_size": 1, "stack": "raw-library", **changes}
    return Workload(name="chain", graph=graph, **options)


def test_equal_operators_are_one_row_with_a_count():
    table = cost_table(workload(chain(*[Kind.ELEMENTWISE] * 5)))
    rows = [i for i, kind in enumerate(table.kinds) if kind == "elementwise"]
    assert len(rows) == 1
    assert table.count[rows[0]] == 5


def test_unknown_operators_move_bytes_and_lower_the_coverage():
    table = cost_table(workload(chain(*[Kind.ELEMENTWISE] * 9, Kind.UNKNOWN)))
    assert ((table.read + table.written).sum(axis=1) > 0).all()
    assert 0.8 < table.coverage < 1.0
    assert [name for name, _ in table.unknown()] == ["a.unknown"]


def test_too_much_unknown_is_an_error_unless_allowed():
    graph = chain(Kind.UNKNOWN, Kind.UNKNOWN, size=100_000)
    with pytest.raises(Uncovered, match=r"a\.unknown"):
        cost_table(workload(graph))
    assert cost_table(workload(graph), allow_uncovered=True).coverage < 0.8


@pytest.mark.parametrize("repeat", [798.0, 0.0625])
def test_an_operator_counts_as_often_as_it_repeats(repeat):
    graph = chain(Kind.ELEMENTWISE, Kind.ELEMENTWISE)
    first, second = graph.operators
    again = Operator(
        kind=second.kind,
        phase=second.phase,
        inputs=second.inputs,
        outputs=second.outputs,
        name=second.name,
        attributes={"repeat": repeat},
    )
    table = cost_table(workload(OperatorGraph(operators=(first, again), tensors=graph.tensors, batch_size=1)))
    rows = [index for index, kind in enumerate(table.kinds) if kind == "elementwise"]
    # One pass over 1 000 elements each way: once, and as often as it repeats.
    moved = sum(table.count[row] * (table.read + table.written)[row].sum() for row in rows)
    assert moved == 2000 + 2000 * repeat


@pytest.mark.parametrize(("attributes", "flops"), [({}, 5), ({"taps": 12}, 24)])
def test_a_filter_multiplies_and_adds_once_a_tap(attributes, flops):
    graph = chain(Kind.INTERPOLATION)
    (plain,) = graph.operators
    filtered = Operator(
        kind=plain.kind, phase=plain.phase, inputs=plain.inputs, outputs=plain.outputs, attributes=attributes
    )
    table = cost_table(workload(OperatorGraph(operators=(filtered,), tensors=graph.tensors, batch_size=1)))
    assert table.vector_flops[table.kinds.index("interpolation")] == flops * 1000


def test_layout_copies_exist_only_on_stacks_that_insert_them():
    graph = chain(Kind.COPY)
    operator = graph.operators[0]
    marked = Operator(
        kind=operator.kind,
        phase=operator.phase,
        inputs=operator.inputs,
        outputs=operator.outputs,
        name="clone",
        attributes={"reason": "layout"},
    )
    copied = OperatorGraph(operators=(marked,), tensors=graph.tensors, batch_size=1)
    assert "clone" not in cost_table(workload(copied, stack="tf2-graph")).labels
    assert "layout" in cost_table(workload(copied, stack="keras-torch")).labels


@pytest.mark.parametrize(("optimizer", "passes"), [("sgd", 3), ("momentum", 5), ("adam", 7), ("lion", 5)])
def test_optimizer_moves_its_passes_over_the_trained_weights(optimizer, passes):
    # Adam: w, g, m, v read; w, m, v written: seven passes over 3 000 elements.
    table = cost_table(workload(chain(Kind.ELEMENTWISE, train=True), phase="train", step="full", optimizer=optimizer))
    row = table.labels.index(optimizer)
    assert (table.read + table.written)[row].sum() == passes * 3000


@pytest.mark.parametrize(
    ("optimizer", "moved"),
    [
        # w and g read, w written; two states of 3 000 elements in FP32, too few for 8 bits, read and written
        ("adamw-8bit", (3 * 4 * 3000, 2 * 2 * 4 * 3000)),
        ("lion-8bit", (3 * 4 * 3000, 2 * 4 * 3000)),
        # w once and g twice read, w written; means of 1 000 rows and 3 columns read and written
        ("adafactor", (4 * 4 * 3000, 2 * 4 * 1003)),
    ],
)
def test_exact_bytes_of_states_that_are_not_as_wide_as_weights(optimizer, moved):
    table = cost_table(workload(chain(Kind.ELEMENTWISE, train=True), phase="train", step="full", optimizer=optimizer))
    row = table.labels.index(optimizer)
    both = table.read[row] + table.written[row]
    assert (4 * both[:4].sum(), both[4]) == moved


def test_frozen_weights_have_no_optimizer_step():
    table = cost_table(workload(chain(Kind.ELEMENTWISE), phase="train", step="full", optimizer="adam"))
    assert "adam" not in table.labels


def test_every_optimizer_has_state_and_passes():
    assert all(state >= 0 and passes >= 0 for state, passes in OPTIMIZERS.values())
