"""Models of Hugging Face's transformers from a folder or ``config.json``: no weights, no network, no code of theirs.

``read`` is the front door; it imports no framework. Model types that are known by their dimensions alone are built
without one; all others are built by transformers, in the sandbox.
"""

from whichgpu.capturing.huggingface.configuring import Configuration, read_configuration
from whichgpu.capturing.huggingface.reading import read

__all__ = ["Configuration", "read", "read_configuration"]
