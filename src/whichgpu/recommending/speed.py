"""Limits of speed: latency, throughput, tokens, the time to finish, requests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from whichgpu.estimate import Estimate, Interval
from whichgpu.recommendation import Reason
from whichgpu.recommending.question import Case, Question
from whichgpu.recommending.verdict import Rule, above, below, named
from whichgpu.requirement import Speed, Verdict

MEDIAN: Final = 50.0
"""Up to this percentile a latency is its middle; above it, a promise."""


def _promised(interval: Interval, percentile: float | None) -> float:
    """What must stay below a limit: the upper end of the range where a percentile above the median is asked for."""
    return interval.high if percentile is not None and percentile > MEDIAN else interval.mid


def _latency(case: Case, question: Question) -> Verdict | None:
    asked, estimate = question.requirements.speed, case.estimate
    if asked.max_latency_s is None or estimate is None:
        return None
    actual = _promised(estimate.latency_s, asked.latency_percentile)
    if actual <= asked.max_latency_s:
        return None
    return above("too_slow", "max_latency", actual, asked.max_latency_s, "s", "allow_latency")


def _throughput(case: Case, question: Question) -> Verdict | None:
    asked, estimate = question.requirements.speed, case.estimate
    limits = (("min_throughput", asked.min_throughput_per_s), ("requests", asked.requests_per_s))
    for name, limit in limits:
        if limit is not None and estimate is not None and estimate.throughput_per_s.mid < limit:
            return below("too_slow", name, estimate.throughput_per_s.mid, limit, "per_s", "lower_throughput")
    return None


def _tokens(case: Case, question: Question) -> Verdict | None:
    limit, estimate = question.requirements.speed.min_tokens_per_s, case.estimate
    if limit is None or estimate is None:
        return None
    actual = tokens_per_s(estimate, case)
    if actual is None:
        return named("no_tokens", "min_tokens", case.workload.phase, "generate", {"code": "ask_generate"})
    return None if actual >= limit else below("too_slow", "min_tokens", actual, limit, "per_s", "lower_throughput")


def tokens_per_s(estimate: Estimate, case: Case) -> float | None:
    """Tokens a second: those written, or those read where the work has a sequence length; None where it has none."""
    if estimate.throughput_unit == "tokens":
        return estimate.throughput_per_s.mid
    length = case.workload.sequence_length
    return None if length is None else estimate.throughput_per_s.mid * length


def _finish(case: Case, question: Question) -> Verdict | None:
    limit, estimate = question.requirements.speed.finish_within_s, case.estimate
    if limit is None or estimate is None:
        return None
    if estimate.time_to_finish_s is None:
        return named("finish_unknown", "finish_within", "", "", {"code": "give_length"})
    actual = estimate.time_to_finish_s.mid
    return None if actual <= limit else above("too_slow", "finish_within", actual, limit, "s", "allow_time")


RULES: Final[tuple[Rule, ...]] = (_latency, _throughput, _tokens, _finish)


def notes(asked: Speed) -> Iterator[Reason]:
    """What a limit of speed does not say by itself."""
    if asked.max_latency_s is not None and asked.latency_percentile is not None:
        yield Reason(code="latency_percentile_from_interval", values={"percentile": asked.latency_percentile})
