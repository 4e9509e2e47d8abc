"""Predict, judge, rank: which GPU for this workload, and why."""

from whichgpu.recommending.predicted import Predicted, depends_on
from whichgpu.recommending.question import Question
from whichgpu.recommending.recommend import recommend
from whichgpu.recommending.reference import Standing, reference_estimates, top
from whichgpu.recommending.together import recommend_together

__all__ = [
    "Predicted",
    "Question",
    "Standing",
    "depends_on",
    "recommend",
    "recommend_together",
    "reference_estimates",
    "top",
]
