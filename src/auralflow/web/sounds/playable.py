"""A form of a sound that every browser decodes, to the same sample as all others."""

from __future__ import annotations

from auralflow.audio.formats import OutputFormat
from auralflow.audio.read import AudioReader
from auralflow.audio.write import AudioWriter
from auralflow.workers.serve import Beat

PLAYED_AS_IT_IS = ".wav"
"""Of our own outputs: the page reads stretches of plain samples. Decoders of browsers begin some formats late, and take
a long FLAC file whole or not at all."""


def write_playable(path: str, to: str, from_s: float, for_s: float | None, beat: Beat) -> None:
    """A sound, or a stretch of it, as a 16-bit WAV file.

    Raises:
        AudioError: the sound cannot be read.
        OutputError: the disk is full, or the like.
    """
    with AudioReader(path, start_s=from_s, duration_s=for_s) as reader:
        chosen = OutputFormat("wav", "int16")
        length_s = for_s or reader.info.duration_s or 1.0
        with AudioWriter(to, sample_rate=reader.sample_rate, channels=reader.channels, output_format=chosen) as writer:
            for block in reader:
                writer.write(block)
                beat(min(1.0, reader.n_read / reader.sample_rate / length_s))
