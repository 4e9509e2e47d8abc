"""The catalogue of GPUs: load, look up, filter. Data: ``gpus/*.toml``, compiled into ``gpus.json``."""

from whichgpu.catalog.loading import Catalog, default_catalog, load_files

__all__ = ["Catalog", "default_catalog", "load_files"]
