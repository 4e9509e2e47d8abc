"""Predict, judge, rank: which GPU for this workload, and why."""

from whichgpu.recommending.question import Question
from whichgpu.recommending.recommend import recommend
from whichgpu.recommending.reference import Standing, reference_estimates, top

__all__ = ["Question", "Standing", "recommend", "reference_estimates", "top"]
