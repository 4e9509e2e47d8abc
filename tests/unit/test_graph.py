"""Sizes that grow with the batch: by whole elements a sample, or by one for two samples."""

import pytest

from whichgpu.errors import DataError
from whichgpu.graph import OperatorGraph, Tensor, from_document, to_document, with_slopes


def features(samples, batch):
    """A graph of one tensor [samples, 7] at a batch size."""
    tensor = Tensor(shape=(samples, 7), dtype="float32", storage=0)
    return OperatorGraph(operators=(), tensors=(tensor,), batch_size=batch)


def shape_at(graph, batch):
    return graph.at_batch(batch).tensors[0].shape


def test_what_works_on_half_the_batch_grows_by_one_for_two_samples():
    graph = with_slopes(features(11, 22), features(13, 26))
    assert [shape_at(graph, batch) for batch in (32, 16, 2)] == [(16, 7), (8, 7), (1, 7)]
    # An odd batch is rounded up: one sample is no empty tensor.
    assert [shape_at(graph, batch) for batch in (33, 1)] == [(17, 7), (1, 7)]


def test_whole_slopes_stay_whole_numbers():
    graph = with_slopes(features(22, 22), features(26, 26))
    assert [type(slope) for slope in graph.tensors[0].slope] == [int, int]
    assert shape_at(graph, 10**17 + 1) == (10**17 + 1, 7)


def test_a_third_of_the_batch_is_not_known_at_other_batches():
    with pytest.raises(DataError, match="not affine"):
        with_slopes(features(11, 33), features(13, 39))


def test_documents_keep_halves():
    graph = with_slopes(features(11, 22), features(13, 26))
    assert from_document(to_document(graph)) == graph
    assert graph.tensors[0].slope == (0.5, 0)
