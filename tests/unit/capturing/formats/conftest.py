"""Puts the small valid files of tests/fuzz within reach."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[3] / "fuzz"))
