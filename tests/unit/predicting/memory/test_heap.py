"""The C library's heap against sequences worked out by hand from glibc's documented thresholds."""

from hypothesis import given, settings
from hypothesis import strategies as st

from whichgpu.predicting.memory.heap import HEADER_BYTES, Heap

KIB, MIB = 2**10, 2**20


def asked(size):
    """A request whose block is ``size`` bytes with its header."""
    return size - HEADER_BYTES


def test_large_requests_are_mapped_and_given_back():
    heap = Heap()
    block = heap.allocate(asked(40 * MIB))
    assert heap.resident == 40 * MIB
    heap.free(block)
    assert heap.resident == 0
    assert heap.peaks().reserved_bytes == 40 * MIB


def test_what_was_once_mapped_and_freed_is_cut_from_the_heap_the_next_time():
    heap = Heap()
    heap.free(heap.allocate(asked(8 * MIB)))
    low, high = heap.allocate(asked(4 * MIB)), heap.allocate(asked(4 * MIB))
    heap.free(low)
    # the lower half is below something that lives: it stays resident
    assert heap.resident == 8 * MIB
    heap.free(high)
    assert heap.resident == 8 * MIB  # less than twice the threshold of 8 MiB is free at the top


def test_the_top_is_given_back_where_twice_the_threshold_is_free():
    heap = Heap()
    heap.free(heap.allocate(asked(MIB)))
    blocks = [heap.allocate(asked(512 * KIB)) for _ in range(5)]
    for block in reversed(blocks):
        heap.free(block)
    assert heap.resident < 2 * MIB


def test_freed_neighbours_serve_a_larger_request():
    heap = Heap()
    first, second, last = (heap.allocate(asked(40 * KIB)) for _ in range(3))
    heap.free(first)
    heap.free(second)
    assert heap.allocate(asked(79 * KIB)) == (0, 79 * KIB)
    assert heap.resident == 120 * KIB
    heap.free(last)


def test_a_hole_does_not_take_its_like_again():
    # posix_memalign looks for room to align in, and gives what it does not need back
    heap = Heap()
    first, _last = heap.allocate(asked(40 * KIB)), heap.allocate(asked(40 * KIB))
    heap.free(first)
    assert heap.allocate(asked(40 * KIB))[0] == 80 * KIB


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 64 * MIB), st.booleans()), max_size=60))
def test_all_that_lives_is_resident_and_nothing_is_lost(requests):
    heap = Heap()
    live = []
    for size, release in requests:
        live.append(heap.allocate(size))
        assert heap.allocated <= heap.resident
        if release:
            heap.free(live.pop(0))
    for block in live:
        heap.free(block)
    assert heap.allocated == 0
    assert heap.allocate(1)[0] <= 0  # the heap is empty again: from its start
