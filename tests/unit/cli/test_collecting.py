"""Commands without Python's collector of cycles: at rest inside, as it was afterwards, whatever happens."""

import gc

import pytest

from whichgpu.cli.collecting import uncollected


@uncollected
def command(fails):
    """What the collector does inside."""
    if fails:
        raise ValueError
    return gc.isenabled()


def test_it_rests_inside_and_runs_again_afterwards():
    assert command(False) is False
    assert gc.isenabled()
    with pytest.raises(ValueError, match=r"^$"):
        command(True)
    assert gc.isenabled()


def test_what_rested_before_goes_on_resting():
    gc.disable()
    try:
        command(False)
        assert not gc.isenabled()
    finally:
        gc.enable()
