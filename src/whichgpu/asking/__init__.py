"""Questions as people write them: requirements files, options, an interview."""

from whichgpu.asking.reading import SCHEMA, Asked, Work, asked, read

__all__ = ["SCHEMA", "Asked", "Work", "asked", "read"]
