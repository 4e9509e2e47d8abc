"""Memory: what is alive when, what the allocator makes of it, what the framework adds, and whether it fits."""

from whichgpu.predicting.memory.allocator import CachingAllocator, Peaks
from whichgpu.predicting.memory.boards import fit, fit_probability, memory_of
from whichgpu.predicting.memory.frameworks import context_bytes, reserved_share, workspace_bytes
from whichgpu.predicting.memory.key_values import AttentionCache
from whichgpu.predicting.memory.liveness import Liveness, liveness
from whichgpu.predicting.memory.optimizers import state_bytes
from whichgpu.predicting.memory.parts import peak_parts
from whichgpu.predicting.memory.sizing import least_weight_bytes
from whichgpu.predicting.memory.timeline import Timeline, timeline
from whichgpu.predicting.memory.usable import keeps_memory, under, usable_bytes

__all__ = [
    "AttentionCache",
    "CachingAllocator",
    "Liveness",
    "Peaks",
    "Timeline",
    "context_bytes",
    "fit",
    "fit_probability",
    "keeps_memory",
    "least_weight_bytes",
    "liveness",
    "memory_of",
    "peak_parts",
    "reserved_share",
    "state_bytes",
    "timeline",
    "under",
    "usable_bytes",
    "workspace_bytes",
]
