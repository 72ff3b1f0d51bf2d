"""Sounds as data inside a page."""

from __future__ import annotations

import base64
import tempfile
from pathlib import Path

import numpy as np

from auralflow.audio.formats import OutputFormat
from auralflow.audio.types import Audio
from auralflow.audio.write import write_audio

OPUS = OutputFormat("opus", bitrate_kbps=96)


def embed_sound(audio: Audio) -> str:
    """A sound as the address of an Opus file inside the page; what is louder than full scale is lowered to it."""
    peak = float(np.abs(audio.samples).max(initial=0.0))
    samples = audio.samples if peak <= 1 else audio.samples / np.float32(peak)
    samples = samples if samples.shape[0] <= 2 else samples.mean(axis=0, keepdims=True)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "sound.opus")
        write_audio(path, Audio(samples, audio.sample_rate), output_format=OPUS)
        return data_address("audio/ogg", path.read_bytes())


def data_address(kind: str, content: bytes) -> str:
    """A file of this media type as an address that holds it.

    Example:
        >>> data_address("text/plain", b"a")
        'data:text/plain;base64,YQ=='
    """
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
