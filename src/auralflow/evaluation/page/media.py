"""Pictures and sounds as data inside the page."""

from __future__ import annotations

import base64
import io
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from auralflow.audio.formats import OutputFormat
from auralflow.audio.types import Audio
from auralflow.audio.write import write_audio

if TYPE_CHECKING:
    from matplotlib.figure import Figure

OPUS = OutputFormat("opus", bitrate_kbps=96)


def picture(pixels: npt.NDArray[np.uint8]) -> str:
    """Pixels, axes (row, column, colour), as the address of a WebP inside the page."""
    from PIL import Image  # matplotlib stands on it

    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "webp", quality=75, method=2)
    return _address("image/webp", content.getvalue())


def drawing(figure: Figure) -> str:
    """A figure as the address of an SVG without background inside the page."""
    content = io.BytesIO()
    figure.savefig(content, format="svg", transparent=True, metadata={"Date": None})
    return _address("image/svg+xml", content.getvalue())


def sound(audio: Audio) -> str:
    """A sound as the address of an Opus file inside the page; what is louder than full scale is lowered to it."""
    peak = float(np.abs(audio.samples).max(initial=0.0))
    samples = audio.samples if peak <= 1 else audio.samples / np.float32(peak)
    samples = samples if samples.shape[0] <= 2 else samples.mean(axis=0, keepdims=True)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "sound.opus")
        write_audio(path, Audio(samples, audio.sample_rate), output_format=OPUS)
        return _address("audio/ogg", path.read_bytes())


def _address(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
