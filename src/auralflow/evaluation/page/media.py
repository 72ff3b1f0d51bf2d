"""Pictures as data inside the page."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from auralflow.audio.embed import data_address

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def picture(pixels: npt.NDArray[np.uint8]) -> str:
    """Pixels, axes (row, column, colour), as the address of a WebP inside the page."""
    from PIL import Image  # matplotlib stands on it

    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "webp", quality=75, method=2)
    return data_address("image/webp", content.getvalue())


def drawing(figure: Figure) -> str:
    """A figure as the address of an SVG without background inside the page."""
    content = io.BytesIO()
    figure.savefig(content, format="svg", transparent=True, metadata={"Date": None})
    return data_address("image/svg+xml", content.getvalue())
