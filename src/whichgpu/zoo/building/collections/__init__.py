"""The blueprints, one module a collection; importing a module registers its entries."""

from __future__ import annotations

import importlib
import pkgutil


def read_collections() -> None:
    """Import every collection."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
