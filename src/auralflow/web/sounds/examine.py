"""Find out whether a file is a song."""

from __future__ import annotations

from typing import Any

from auralflow.audio.probe import probe
from auralflow.audio.read import AudioReader
from auralflow.errors import AudioError
from auralflow.workers.serve import Beat


def examine(path: str, max_duration_s: float, beat: Beat) -> dict[str, Any]:
    """Length, rate and channels of a file; where no length is stated it is decoded to count, up to the longest allowed.

    Raises:
        AudioError: it is no usable audio.
    """
    info = probe(path)
    with AudioReader(path) as reader:
        n_samples = info.n_samples
        for block in reader:  # one that decodes shows that it is what its head says
            if n_samples is not None:
                break
            if not block.shape[-1] or reader.n_read > max_duration_s * info.sample_rate:
                break
            beat(0.0)
        count = reader.n_read if n_samples is None else n_samples
    if not reader.n_read:
        raise AudioError(f"{path}: holds no audio samples; nothing to separate")
    return {
        "duration_s": count / info.sample_rate,
        "sample_rate": info.sample_rate,
        "channels": info.channels,
        "container": info.container,
    }
