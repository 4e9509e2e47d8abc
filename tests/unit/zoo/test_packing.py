"""Blocks of graphs: what goes in comes out, in one canonical form, and damage is told."""

import dataclasses
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whichgpu.errors import DataError
from whichgpu.graph import Kind, Operator, OperatorGraph, Phase, Role, Tensor
from whichgpu.zoo.packing import canonical, keys, packed, unpacked

SHAPES = st.lists(st.integers(1, 9), min_size=1, max_size=4).map(tuple)
ATTRIBUTES = st.dictionaries(
    st.sampled_from(["stride", "groups", "norm", "causal", "repeat"]),
    st.one_of(st.integers(0, 9), st.booleans(), st.text(max_size=3), st.tuples(st.integers(0, 9), st.integers(0, 9))),
    max_size=3,
)


@st.composite
def graphs(draw):
    """A graph of up to nine operators, with views, slopes and saved storages."""
    count = draw(st.integers(2, 12))
    tensors: list[Tensor] = []
    for index in range(count):
        shape = draw(SHAPES)
        known = sorted({tensor.storage for tensor in tensors})
        tensors.append(
            Tensor(
                shape=shape,
                dtype=draw(st.sampled_from(["float32", "int64", "bool"])),
                storage=draw(st.sampled_from([index, *known])),
                role=draw(st.sampled_from(list(Role))),
                trainable=draw(st.booleans()),
                slope=draw(st.one_of(st.none(), st.tuples(*[st.integers(0, 3)] * len(shape)))),
            )
        )
    indices = st.lists(st.integers(0, count - 1), max_size=3).map(tuple)
    operators = tuple(
        Operator(
            kind=draw(st.sampled_from(list(Kind))),
            phase=draw(st.sampled_from(list(Phase))),
            inputs=draw(indices),
            outputs=draw(indices),
            name=draw(st.sampled_from(["mm", "relu"])),
            module=draw(st.sampled_from(["", "block.0"])),
            attributes=draw(ATTRIBUTES),
        )
        for _ in range(draw(st.integers(1, 9)))
    )
    storages = sorted({tensor.storage for tensor in tensors})
    saved = frozenset(draw(st.lists(st.sampled_from(storages), max_size=4)))
    return OperatorGraph(operators=operators, tensors=tuple(tensors), batch_size=draw(st.integers(1, 64)), saved=saved)


@given(st.lists(graphs(), min_size=1, max_size=3))
@settings(deadline=None, max_examples=60)
def test_what_is_packed_is_unpacked(found):
    block = packed({f"model-{index}/train": canonical(graph) for index, graph in enumerate(found)})
    for index, graph in enumerate(found):
        assert unpacked(block, f"model-{index}/train") == canonical(graph)


@given(graphs(), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=60)
def test_a_graph_has_one_form_however_it_is_numbered(graph, chance):
    read = Operator(kind=Kind.COPY, phase=Phase.FORWARD, inputs=tuple(range(len(graph.tensors))), outputs=())
    whole = dataclasses.replace(graph, operators=(*graph.operators, read))
    assert canonical(renumbered(whole, chance)) == canonical(whole)
    assert canonical(canonical(whole)) == canonical(whole)


def renumbered(graph: OperatorGraph, chance: random.Random) -> OperatorGraph:
    """The same graph with its storages in another order; the tensors of each keep theirs, its own one first."""
    storages = list(dict.fromkeys(tensor.storage for tensor in graph.tensors))
    chance.shuffle(storages)
    order = sorted(range(len(graph.tensors)), key=lambda index: storages.index(graph.tensors[index].storage))
    number = {index: position for position, index in enumerate(order)}

    def moved(indices: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(number[index] for index in indices)

    return dataclasses.replace(
        graph,
        tensors=tuple(
            dataclasses.replace(graph.tensors[index], storage=100 + storages.index(graph.tensors[index].storage))
            for index in order
        ),
        operators=tuple(
            dataclasses.replace(one, inputs=moved(one.inputs), outputs=moved(one.outputs), module="elsewhere")
            for one in graph.operators
        ),
        saved=frozenset(100 + storages.index(storage) for storage in graph.saved),
    )


def chain() -> OperatorGraph:
    """Two operators in a row."""
    tensors = tuple(Tensor(shape=(7, 3), slope=(1, 0), dtype="float32", storage=index) for index in range(3))
    operators = tuple(
        Operator(kind=Kind.ELEMENTWISE, phase=Phase.FORWARD, inputs=(at,), outputs=(at + 1,)) for at in range(2)
    )
    return OperatorGraph(operators=operators, tensors=tensors, batch_size=7)


def test_the_same_graphs_are_the_same_bytes():
    block = packed({"a/train": chain(), "a/infer": chain()})
    assert block == packed({"a/train": chain(), "a/infer": chain()})
    assert keys(block) == ("a/train", "a/infer")


def test_a_graph_that_a_block_does_not_have():
    with pytest.raises(DataError, match="b/train"):
        unpacked(packed({"a/train": chain()}), "b/train")


@pytest.mark.parametrize("damage", [b"", b"not xz", packed({"a/train": chain()})[:-9]])
def test_damaged_blocks_are_told(damage):
    with pytest.raises(DataError, match="cannot be read"):
        unpacked(damage, "a/train")
