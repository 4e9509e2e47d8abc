"""Plots as SVG made here, each with the table of its numbers for those who cannot see it."""

from whichgpu.reporting.plots.sheet import Plot

__all__ = ["Plot"]
