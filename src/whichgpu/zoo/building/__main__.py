"""``python -m whichgpu.zoo.building [PATTERN…]``: build all entries of the zoo, or those whose names match."""

from __future__ import annotations

import argparse
import fnmatch
import sys
import time
import warnings

from whichgpu.errors import WhichGpuError
from whichgpu.zoo.building.assembling import Shelf, captured
from whichgpu.zoo.building.blueprint import blueprints
from whichgpu.zoo.building.collections import read_collections

_WRITE_EVERY_S = 120.0


def main(arguments: list[str] | None = None) -> int:
    """Build and write; the exit status is 1 where an entry could not be built."""
    parser = argparse.ArgumentParser(prog="python -m whichgpu.zoo.building", description="build the zoo's captures")
    parser.add_argument("patterns", nargs="*", default=["*"], help="names, with * and ?, in the order to build")
    parser.add_argument("--missing", action="store_true", help="only entries that the index does not have")
    parser.add_argument("--prune", action="store_true", help="drop entries that nothing describes any more")
    given = parser.parse_args(arguments)
    warnings.filterwarnings("ignore")
    read_collections()
    shelf = Shelf(only=blueprints() if given.prune else None)
    matches = [name for pattern in given.patterns for name in fnmatch.filter(blueprints(), pattern)]
    wanted = list(dict.fromkeys(matches))
    if given.missing:
        wanted = [name for name in wanted if name not in shelf]
    failed = _build(shelf, wanted)
    for line in failed:
        print(line, file=sys.stderr)
    return 1 if failed else 0


def _build(shelf: Shelf, wanted: list[str]) -> list[str]:
    failed, written = [], time.perf_counter()
    for number, name in enumerate(wanted, 1):
        blueprint, start = blueprints()[name], time.perf_counter()
        try:
            shelf.put(blueprint, captured(blueprint))
        except WhichGpuError as error:
            failed.append(error.message)
        except Exception as error:  # noqa: BLE001  (a model library's error is of any kind; the next model is tried)
            failed.append(f"{name}: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}")
        print(f"{number}/{len(wanted)} {name} {time.perf_counter() - start:.1f} s", flush=True)
        if time.perf_counter() - written > _WRITE_EVERY_S:
            shelf.write()
            written = time.perf_counter()
    shelf.write()
    return failed


if __name__ == "__main__":
    sys.exit(main())
