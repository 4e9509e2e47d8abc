"""The caching allocator against sequences worked out by hand from PyTorch's documented size classes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whichgpu.predicting.memory.allocator import CachingAllocator, rounded, segment_bytes

MIB = 2**20


@pytest.mark.parametrize(("asked", "granted"), [(0, 512), (1, 512), (512, 512), (513, 1024), (1_000_000, 1_000_448)])
def test_requests_are_multiples_of_512_bytes(asked, granted):
    assert rounded(asked) == granted


@pytest.mark.parametrize(
    ("asked", "segment"),
    [(512, 2), (MIB, 2), (MIB + 512, 20), (10 * MIB - 512, 20), (10 * MIB, 10), (11 * MIB, 12), (33 * MIB, 34)],
)
def test_segments_by_size_class_in_mib(asked, segment):
    assert segment_bytes(asked) == segment * MIB


def test_small_requests_share_a_segment():
    allocator = CachingAllocator()
    for _ in range(4):
        allocator.allocate(512 * 1024)
    assert allocator.reserved == 2 * MIB
    allocator.allocate(512)
    assert allocator.reserved == 4 * MIB


def test_a_middle_segment_is_split_while_more_than_one_mib_is_left():
    allocator = CachingAllocator()
    for _ in range(4):
        allocator.allocate(5 * MIB)  # 20 MiB hold four
    assert allocator.reserved == 20 * MIB
    allocator.allocate(5 * MIB)
    assert allocator.reserved == 40 * MIB


def test_a_large_block_with_less_than_a_mib_to_spare_is_not_split():
    allocator = CachingAllocator()
    block = allocator.allocate(20 * MIB)
    allocator.free(block)
    allocator.allocate(19 * MIB + 512 * 1024)
    # The whole block is granted: its tail serves nobody.
    assert allocator.reserved == 20 * MIB
    assert allocator.allocated == 20 * MIB


def test_freed_neighbours_join_into_one_block():
    allocator = CachingAllocator()
    blocks = [allocator.allocate(5 * MIB) for _ in range(4)]
    for block in (blocks[0], blocks[2], blocks[1], blocks[3]):
        allocator.free(block)
    allocator.allocate(20 * MIB)
    assert allocator.reserved == 20 * MIB


def test_the_smallest_sufficient_block_is_taken():
    allocator = CachingAllocator()
    large, small = allocator.allocate(40 * MIB), allocator.allocate(30 * MIB)
    allocator.free(large)
    allocator.free(small)
    assert allocator.allocate(30 * MIB) == small


def test_fragments_cannot_serve_a_larger_request():
    allocator = CachingAllocator()
    blocks = [allocator.allocate(5 * MIB) for _ in range(4)]
    allocator.free(blocks[0])
    allocator.free(blocks[2])
    allocator.allocate(9 * MIB)  # ten MiB are free, in two pieces
    assert allocator.reserved == 40 * MIB


def test_held_memory_is_that_of_segments_with_something_alive():
    allocator = CachingAllocator()
    first = allocator.allocate(30 * MIB)
    allocator.free(first)
    allocator.allocate(40 * MIB)
    peaks = allocator.peaks()
    assert (peaks.reserved_bytes, peaks.held_bytes, peaks.allocated_bytes) == (70 * MIB, 40 * MIB, 40 * MIB)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(1, 64 * MIB), st.booleans()), max_size=60))
def test_nothing_is_lost_and_peaks_are_in_order(requests):
    allocator = CachingAllocator()
    live = []
    for size, release in requests:
        live.append(allocator.allocate(rounded(size)))
        if release:
            allocator.free(live.pop(0))
    peaks = allocator.peaks()
    assert peaks.allocated_bytes <= peaks.held_bytes <= peaks.reserved_bytes
    for block in live:
        allocator.free(block)
    assert allocator.allocated == allocator.held == 0
    # Everything joins again: each segment is one free block.
    assert sum(len(pool) for pool in allocator._free) == len(allocator._live)
