"""Measure how fast one core makes samples of picture files: the figures of ``catalog/decoders.toml``, printed.

Needs Pillow and numpy. Pictures are made here: smooth shapes with noise, saved at the usual quality, so that a file of
500 x 375 pixels weighs about what a photograph does.
"""

from __future__ import annotations

import io
import sys
import time

import numpy as np
from PIL import Image

SECONDS = 3.0


def picture(seed: int) -> Image.Image:
    """A picture of 500 x 375 pixels with the detail of a photograph."""
    random = np.random.default_rng(seed)
    small = random.integers(0, 256, (24, 32, 3), dtype=np.uint8)
    smooth = np.asarray(Image.fromarray(small).resize((500, 375), Image.Resampling.BICUBIC), dtype=np.float64)
    noisy = smooth + random.normal(0.0, 14.0, smooth.shape)
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))


def saved(kind: str) -> list[bytes]:
    """Sixteen pictures as files of a kind."""
    files = []
    for seed in range(16):
        buffer = io.BytesIO()
        picture(seed).save(buffer, kind, **({"quality": 90} if kind == "JPEG" else {}))
        files.append(buffer.getvalue())
    return files


def cropped(data: bytes) -> np.ndarray:
    """What a training pipeline does: decode, cut out, resize to 224 x 224, to numbers."""
    opened = Image.open(io.BytesIO(data)).convert("RGB")
    part = opened.resize((224, 224), Image.Resampling.BILINEAR, box=(60, 40, 420, 340))
    return np.asarray(part, dtype=np.float32) / 255.0


def rate(files: list[bytes]) -> tuple[float, float]:
    """Bytes of files a second on this core, and the mean size of a file."""
    done, start = 0, time.process_time()
    while time.process_time() - start < SECONDS:
        for data in files:
            cropped(data)
            done += len(data)
    return done / (time.process_time() - start), sum(map(len, files)) / len(files)


def main() -> int:
    """Prints the rates."""
    for name in ("JPEG", "PNG"):
        files = saved(name)
        per_s, size = rate(files)
        print(f"{name.lower()}: {per_s / 1e6:.1f} MB/s of files, {per_s / size:.0f} samples/s of {size / 1e3:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
