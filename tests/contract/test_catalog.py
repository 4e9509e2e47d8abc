"""Every catalogue entry: schema, names, sources, completeness, what prediction needs."""

from __future__ import annotations

import json
from collections import Counter
from importlib import resources
from pathlib import Path

import pytest

from whichgpu.catalog.compiling import FIGURES
from whichgpu.catalog.loading import default_catalog, document_text, from_document, load_files, to_document
from whichgpu.catalog.not_gpus import REASONS, not_gpus
from whichgpu.gpu import Gpu
from whichgpu.graph import Kind, Operator, OperatorGraph, Phase, Role, Tensor
from whichgpu.predicting import predict, predictable
from whichgpu.workload import Workload

ROOT = Path(__file__).parents[2]
FAMILIES = sorted((ROOT / "src/whichgpu/catalog/gpus").glob("*.toml"))
CATALOG = default_catalog()
EVERY = pytest.mark.parametrize("gpu", CATALOG.gpus, ids=lambda gpu: gpu.id)

DRAFT = {
    "GeForce RTX 3090": "rtx-3090",
    "GeForce RTX 3080 10GB": "rtx-3080-10gb",
    "GeForce RTX 3070": "rtx-3070",
    "TITAN V": "titan-v",
    "Tesla V100 SXM2 16GB": "v100-sxm2-16gb",
    "Tesla V100 PCIe 16GB": "v100-pcie-16gb",
    "Tesla V100 PCIe 32GB": "v100-pcie-32gb",
    "GeForce RTX 2080 Ti FE": "rtx-2080-ti",
    "GeForce RTX 2080 FE": "rtx-2080",
    "GeForce RTX 2070 FE": "rtx-2070",
    "Tesla T4": "tesla-t4",
    "Tesla P100 PCIe 16GB": "p100-pcie-16gb",
    "Tesla P100 SXM2": "p100-sxm2",
    "Tesla P4": "tesla-p4",
    "A10": "a10",
    "A30": "a30",
    "A40": "a40",
    "A100 PCIe 40GB": "a100-pcie-40gb",
    "A100 SXM4 40GB": "a100-sxm4-40gb",
    "A100 PCIe 80GB": "a100-pcie-80gb",
    "A100 SXM4 80GB": "a100-sxm4-80gb",
    "RTX A6000": "rtx-a6000",
    "RTX 6000 Ada": "rtx-6000-ada",
    "L4": "l4",
    "L40": "l40",
    "L40S": "l40s",
    "GeForce RTX 4090": "rtx-4090",
    "GeForce RTX 4080 SUPER": "rtx-4080-super",
    "GeForce RTX 4080": "rtx-4080",
    "GeForce RTX 4070 Ti SUPER": "rtx-4070-ti-super",
    "GeForce RTX 4070 Ti": "rtx-4070-ti",
    "GeForce RTX 4070 SUPER": "rtx-4070-super",
    "GeForce RTX 4070": "rtx-4070",
    "GeForce RTX 4060 Ti 16GB": "rtx-4060-ti-16gb",
    "GeForce RTX 4060 Ti 8GB": "rtx-4060-ti-8gb",
    "GeForce RTX 4060": "rtx-4060",
    "GeForce RTX 5090": "rtx-5090",
    "GeForce RTX 5080": "rtx-5080",
    "GeForce RTX 5070 Ti": "rtx-5070-ti",
    "GeForce RTX 5070": "rtx-5070",
    "GeForce RTX 5060 Ti 16GB": "rtx-5060-ti-16gb",
    "GeForce RTX 5060 Ti 8GB": "rtx-5060-ti-8gb",
    "GeForce RTX 5060": "rtx-5060",
    "RTX PRO 6000 Blackwell Workstation": "rtx-pro-6000-blackwell-workstation",
    "RTX PRO 6000 Blackwell Server": "rtx-pro-6000-blackwell-server",
    "H100 PCIe 80GB": "h100-pcie-80gb",
    "H100 SXM5 80GB": "h100-sxm5-80gb",
    "H100 NVL 94GB": "h100-nvl-94gb",
    "H200 SXM 141GB": "h200-sxm-141gb",
    "H200 NVL 141GB": "h200-nvl-141gb",
    "B200 SXM": "b200-sxm-180gb",
    "GB200 (per GPU)": "gb200-186gb",
    "B300 SXM": "b300-sxm-270gb",
    "Radeon RX Vega 64": "rx-vega-64",
    "Radeon RX Vega 56": "rx-vega-56",
    "Radeon VII": "radeon-vii",
    "Radeon RX 6800": "rx-6800",
    "Radeon RX 6800 XT": "rx-6800-xt",
    "Radeon RX 6900 XT": "rx-6900-xt",
    "Radeon PRO W6800": "radeon-pro-w6800",
    "Radeon RX 7900 XTX": "rx-7900-xtx",
    "Radeon RX 7900 XT": "rx-7900-xt",
    "Radeon PRO W7900": "radeon-pro-w7900",
    "Radeon RX 9070 XT": "rx-9070-xt",
    "Radeon Instinct MI25": "mi25",
    "Radeon Instinct MI50 16GB": "mi50-16gb",
    "Radeon Instinct MI60": "mi60",
    "Instinct MI100": "mi100",
    "Instinct MI210": "mi210",
    "Instinct MI250": "mi250",
    "Instinct MI250X": "mi250x",
    "Instinct MI300X": "mi300x",
    "Instinct MI325X": "mi325x",
    "Instinct MI355X": "mi355x",
    "Intel Arc A770 16GB": "arc-a770-16gb",
    "Intel Arc B580": "arc-b580",
    "Intel Data Center GPU Max 1550": "max-1550",
    "Intel Gaudi2": "gaudi2",
    "Intel Gaudi3": "gaudi3",
    "Google TPU v4": "tpu-v4",
    "Google TPU v5e": "tpu-v5e",
    "Google TPU v5p": "tpu-v5p",
    "Google TPU v6e": "tpu-v6e",
    "Jetson AGX Orin 64GB": "jetson-agx-orin-64gb",
    "Jetson Orin NX 16GB": "jetson-orin-nx-16gb",
    "Jetson Orin Nano 8GB Super": "jetson-orin-nano-8gb-super",
    "Jetson AGX Thor T5000": "jetson-thor-t5000",
    "Apple M2 Ultra (76c)": "m2-ultra-76c",
    "Apple M3 Ultra (80c)": "m3-ultra-80c",
    "Apple M4 Max (40c)": "m4-max-40c",
    "AMD EPYC 9654 (CPU)": "epyc-9654",
    "AMD EPYC 9755 (CPU)": "epyc-9755",
    "Intel Xeon Platinum 8480+ (CPU)": "xeon-platinum-8480-plus",
}
"""The accelerators the catalogue started from, and the entry each became."""

NOT_PUBLISHED = {
    ("Apple", "board_power_w"): "Apple states the power of some whole machines only",
    ("Google", "board_power_w"): "Google states no chip power after TPU v4",
    ("Moore Threads", "board_power_w"): "no data sheet of the MTT S70 states it",
}
"""What a vendor does not publish of any, or of most, of its products."""


def names(gpu: Gpu) -> set[str]:
    return {gpu.id, gpu.name, *gpu.aliases, *gpu.assumed_aliases}


def test_shipped_document_is_the_compiled_family_files() -> None:
    compiled = load_files(FAMILIES)
    shipped = resources.files("whichgpu.catalog").joinpath("gpus.json").read_text(encoding="utf-8")
    assert shipped == document_text(compiled), "run: make catalog"
    assert from_document(json.loads(shipped)) == compiled


def test_document_keeps_every_entry() -> None:
    assert from_document(to_document(CATALOG)) == CATALOG


def test_catalog_is_large_and_covers_every_kind() -> None:
    assert len(CATALOG.gpus) >= 200
    assert {gpu.vendor for gpu in CATALOG.gpus} >= {"NVIDIA", "AMD", "Intel", "Apple", "Google"}
    forms = Counter(gpu.form for gpu in CATALOG.gpus)
    assert set(forms) == {"card", "laptop", "module", "superchip", "integrated", "edge", "cloud", "system", "cpu"}
    assert sum(count for form, count in forms.items() if form != "cpu") >= 200


def test_every_figure_is_documented() -> None:
    page = (ROOT / "docs/catalog.md").read_text(encoding="utf-8")
    assert [name for name in FIGURES if f"`{name}`" not in page] == []
    assert [reason for reason in REASONS if f"`{reason}`" not in page] == []


def test_names_are_unique() -> None:
    owners: dict[str, str] = {}
    for gpu in CATALOG.gpus:
        for name in names(gpu):
            assert owners.setdefault(name, gpu.id) == gpu.id, name


def test_no_name_is_an_entry_and_no_entry() -> None:
    assert [name for name in not_gpus() if CATALOG.resolve(name) is not None] == []


def test_names_differing_in_case_alone_mean_the_same_entry() -> None:
    owners: dict[str, str] = {}
    for gpu in CATALOG.gpus:
        for name in names(gpu):
            assert owners.setdefault(name.lower(), gpu.id) == gpu.id, name


PUBLISHED = (ROOT / "tests/data/gpu_names.txt").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_name_is_one_entry_or_listed_with_a_reason(name: str) -> None:
    exact = [gpu.id for gpu in CATALOG.gpus if name in names(gpu)]
    if name in not_gpus():
        assert exact == []
        assert not_gpus()[name] in REASONS
    else:
        assert len(exact) == 1


@pytest.mark.parametrize("name", ["H100", "A100", "V100", "3080", "GeForce RTX 3080", "M40", "P100", "A100 40GB"])
def test_bare_name_is_no_variant(name: str) -> None:
    found = CATALOG.resolve(name)
    assert found is not None
    assert found[1], "a name that several variants share is an assumption"


@pytest.mark.parametrize("name", ["H20 ", "h20 0", "RTX3O90", "GeForce RTX 3090 Ti 48GB", ""])
def test_nothing_is_matched_by_likeness(name: str) -> None:
    assert CATALOG.resolve(name) is None


def test_draft_is_there() -> None:
    assert len(DRAFT) == 93
    known = {gpu.id for gpu in CATALOG.gpus}
    assert [name for name, entry in DRAFT.items() if entry not in known] == []


def test_sources_are_named_and_used() -> None:
    used = {figure.source for gpu in CATALOG.gpus for figure in (*gpu.figures.values(), *gpu.board_figures.values())}
    assert set(CATALOG.sources) == used
    for key, source in CATALOG.sources.items():
        assert source["title"], key
        assert source["publisher"], key
        assert 2008 <= source["year"] <= 2026, key


@EVERY
def test_figures_say_how_they_are_known(gpu: Gpu) -> None:
    for name, figure in {**gpu.figures, **gpu.board_figures}.items():
        assert figure.source in CATALOG.sources, name
        assert figure.quoted, name
        assert isinstance(figure.derived, bool)
        assert "spars" not in figure.quoted.lower(), f"{name}: figures are dense"


@EVERY
def test_prices_are_prices(gpu: Gpu) -> None:
    price = gpu.get("launch_price_usd")
    assert price is None or (price > 10 and price != 700)


@EVERY
def test_dates_are_in_the_past(gpu: Gpu) -> None:
    assert "2014-01-01" < gpu.release_date <= "2026-11-30"


@EVERY
def test_prediction_has_what_it_needs(gpu: Gpu) -> None:
    assert predictable(gpu, one_product()) is None
    (estimate,) = predict(one_product(), [gpu])
    assert 0 < estimate.latency_s.low < estimate.latency_s.mid < estimate.latency_s.high < 1.0


@EVERY
def test_support_and_memory_have_what_they_need(gpu: Gpu) -> None:
    required = ["memory_bytes_per_s", "memory_type", "cooling", "board_power_w"]
    if not gpu.is_cpu:
        required += ["memory_bytes"]
    assert missing(gpu, required) == []
    assert gpu.is_cpu or "bus_interface" in gpu.figures or {"pcie_generation", "pcie_lanes"} <= gpu.figures.keys()
    if gpu.form != "cpu" and gpu.vendor in ("NVIDIA", "AMD"):
        assert missing(gpu, ["compute_capability" if gpu.vendor == "NVIDIA" else "gfx_target"]) == []


def missing(gpu: Gpu, figures: list[str]) -> list[str]:
    return [name for name in figures if name not in gpu.figures and (gpu.vendor, name) not in NOT_PUBLISHED]


def one_product() -> Workload:
    """One product of (64, 128) and (128, 256) in FP32, as an inference."""
    shapes = {Role.INPUT: (64, 128), Role.WEIGHT: (128, 256), Role.ACTIVATION: (64, 256)}
    tensors = tuple(
        Tensor(shape=shape, dtype="float32", storage=storage, role=role)
        for storage, (role, shape) in enumerate(shapes.items())
    )
    product = Operator(kind=Kind.GEMM, phase=Phase.FORWARD, inputs=(0, 1), outputs=(2,))
    graph = OperatorGraph(operators=(product,), tensors=tensors, batch_size=64)
    return Workload(name="product", graph=graph, phase="infer", step="forward", batch_size=64)
