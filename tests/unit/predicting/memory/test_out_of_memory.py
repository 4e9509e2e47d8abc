"""Runs that are published as out of memory: none of them is said to fit, and each is likelier not to.

Rows of data/measurements/litgpt_finetune_memory.parquet with the metric OOM, on an A10G of 24 GB.
"""

import pytest

from whichgpu import zoo
from whichgpu.catalog import default_catalog
from whichgpu.estimate import Fit
from whichgpu.predicting import predict


@pytest.mark.parametrize(
    ("name", "batch"),
    [
        ("litgpt-gemma-7b-lora", 1),
        ("litgpt-gemma2-9b-lora", 1),
        ("litgpt-llama-2-7b-full", 4),
        ("litgpt-llama-3-8b-full", 4),
        ("litgpt-llama-3.1-8b-full", 4),
    ],
)
def test_what_ran_out_of_memory_is_not_said_to_fit(name, batch):
    estimate = predict(zoo.workload(name, "train", batch), [default_catalog().get("a10g")])[0]
    assert estimate.fit is not Fit.FITS
    assert estimate.fit_probability < 0.5
