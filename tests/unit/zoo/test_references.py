"""The reference workloads: one of each category that has entries, in the phase that they name."""

from whichgpu import zoo


def test_every_category_with_entries_has_one():
    filled = {entry.category for entry in zoo.entries()}
    assert set(zoo.REFERENCES) == filled


def test_each_is_of_its_category_and_scales():
    for (category, (name, phase)), made in zip(zoo.REFERENCES.items(), zoo.reference_workloads(), strict=True):
        assert (made.name, made.phase) == (name, phase)
        assert zoo.entry(name).category == category
        assert made.scalable


def test_names_are_unique():
    names = [name for name, _ in zoo.REFERENCES.values()]
    assert len(set(names)) == len(names)
