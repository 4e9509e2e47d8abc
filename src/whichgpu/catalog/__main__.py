"""``python -m whichgpu.catalog``: compile ``gpus/*.toml`` into ``gpus.json`` (``make catalog``)."""

from __future__ import annotations

from pathlib import Path

from whichgpu.catalog.loading import document_text, load_files


def main() -> None:
    """Write the compiled catalogue beside its family files and print how many entries it has."""
    folder = Path(__file__).parent
    catalog = load_files(sorted((folder / "gpus").glob("*.toml")))
    (folder / "gpus.json").write_text(document_text(catalog), encoding="utf-8")
    print(f"{len(catalog.gpus)} entries")


if __name__ == "__main__":
    main()
