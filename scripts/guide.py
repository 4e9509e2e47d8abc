"""Write the pages of ``docs/guide`` in both languages, with the figures of the usual GPU; ``make docs`` runs this."""

from __future__ import annotations

import sys
from pathlib import Path

from whichgpu.catalog import default_catalog
from whichgpu.explaining import LANGUAGES, active
from whichgpu.guiding import TOPICS, USUAL_GPU, Reader, page, titles
from whichgpu.guiding.markdown import markdown

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "guide"
HEADINGS = {
    "en": "# The guide\n\nWhat networks ask of a GPU, and what a GPU is. The examples are computed for {gpu};\n"
    "`whichgpu guide TOPIC --gpu ID` computes them for yours.\n",
    "ja": "# ガイド\n\nネットワークがGPUに何を求めるか、GPUとは何か。例は{gpu}で計算しています。\n"
    "`whichgpu guide TOPIC --gpu ID --lang ja`で、お使いのGPUの数字になります。\n",
}


def pages() -> dict[Path, str]:
    """Every file of the folder with its text."""
    catalog = default_catalog()
    gpu = catalog.get(USUAL_GPU)
    found = {}
    for language in LANGUAGES:
        with active(language):
            reader = Reader(gpu=gpu, catalog=catalog)
            listed = "".join(f"- [{title}]({topic}.md)\n" for topic, title in titles())
            found[FOLDER / language / "README.md"] = HEADINGS[language].format(gpu=gpu.name) + "\n" + listed
            for topic in TOPICS:
                found[FOLDER / language / f"{topic}.md"] = markdown(page(topic, reader))
    return found


def main() -> int:
    """Writes the pages that changed."""
    for path, text in pages().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(path.relative_to(FOLDER.parent.parent))
    return 0


if __name__ == "__main__":
    sys.exit(main())
