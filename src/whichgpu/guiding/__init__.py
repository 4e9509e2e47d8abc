"""The guide: why the machine behaves so, in topics whose examples are computed for the reader's GPU."""

from whichgpu.guiding.reader import USUAL_GPU, Reader
from whichgpu.guiding.topics import TOPICS, Page, page, titles

__all__ = ["TOPICS", "USUAL_GPU", "Page", "Reader", "page", "titles"]
