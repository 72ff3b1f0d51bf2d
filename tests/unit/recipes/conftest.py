"""The modules of a recipe import each other plainly, as when its `make.py` runs."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3] / "recipes" / "small_4stem"))
