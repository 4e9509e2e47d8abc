"""Questions that come as documents, over a network or from an assistant, into answers: what those faces share."""

from whichgpu.answering.answering import Answering, Ask, Estimated, Read

__all__ = ["Answering", "Ask", "Estimated", "Read"]
