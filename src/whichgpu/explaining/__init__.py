"""Codes and numbers into sentences, in English and Japanese."""

from whichgpu.explaining.language import LANGUAGES, N_, _, active, default_language, language, speaking

__all__ = ["LANGUAGES", "N_", "_", "active", "default_language", "language", "speaking"]
