"""Expandable segments against sequences worked out by hand: pages of 20 MiB, of 2 MiB for small requests."""

from hypothesis import given, settings
from hypothesis import strategies as st

from whichgpu.predicting.memory.allocator import CachingAllocator, rounded
from whichgpu.predicting.memory.expandable import ExpandableAllocator

MIB = 2**20


def test_large_requests_map_as_many_pages_as_they_lack():
    allocator = ExpandableAllocator()
    allocator.allocate(30 * MIB)
    assert allocator.reserved == 40 * MIB
    allocator.allocate(15 * MIB)  # ten are left: one page more
    assert allocator.reserved == 60 * MIB


def test_small_requests_have_pages_of_two_mib():
    allocator = ExpandableAllocator()
    for _ in range(5):
        allocator.allocate(512 * 1024)
    assert allocator.reserved == 4 * MIB


def test_a_freed_end_grows_into_a_larger_request():
    # with segments the freed 30 MiB could not serve 50: there would be 80 MiB
    allocator, segments = ExpandableAllocator(), CachingAllocator()
    for each in (allocator, segments):
        each.free(each.allocate(30 * MIB))
        each.allocate(50 * MIB)
    assert allocator.reserved == 60 * MIB
    assert segments.reserved == 80 * MIB


def test_blocks_are_split_to_the_last_512_bytes():
    allocator = ExpandableAllocator()
    allocator.free(allocator.allocate(20 * MIB))
    allocator.allocate(20 * MIB - 512 * 1024)
    assert allocator.allocated == 20 * MIB - 512 * 1024


def test_pages_wholly_free_can_be_given_back():
    allocator = ExpandableAllocator()
    first, second = allocator.allocate(50 * MIB), allocator.allocate(10 * MIB)
    allocator.free(first)
    # of three pages the last is half free, the others wholly
    assert allocator.held == 20 * MIB
    allocator.free(second)
    assert allocator.held == 0


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 64 * MIB), st.booleans()), max_size=60))
def test_nothing_is_lost_and_peaks_are_in_order(requests):
    allocator, live = ExpandableAllocator(), []
    for size, release in requests:
        live.append(allocator.allocate(rounded(size)))
        if release:
            allocator.free(live.pop(0))
    peaks = allocator.peaks()
    assert peaks.allocated_bytes <= peaks.held_bytes <= peaks.reserved_bytes
    for block in live:
        allocator.free(block)
    assert allocator.allocated == allocator.held == 0
