"""A whole sound in blocks, wherever it lies."""

from __future__ import annotations

from auralflow.audio.probe import probe
from auralflow.audio.read import BLOCK_SAMPLES, AudioReader
from auralflow.audio.types import Depth
from auralflow.data.packs.index import PackedSound
from auralflow.data.packs.read import PackedBlocks
from auralflow.data.track import Sound


def open_sound(sound: Sound, block_samples: int = BLOCK_SAMPLES) -> AudioReader | PackedBlocks:
    """Iterates over a sound's samples.

    Shape:
        blocks: (channel, time), float32; only the last one is shorter.

    Raises:
        AudioError: the sound cannot be read.
    """
    if isinstance(sound, PackedSound):
        return PackedBlocks(sound, block_samples)
    return AudioReader(sound.path, stream=sound.stream, block_samples=block_samples)


def stored_depth(sound: Sound) -> Depth | None:
    """How samples are stored; None for lossy codecs.

    Raises:
        AudioError: the file is not usable audio.
    """
    return sound.depth if isinstance(sound, PackedSound) else probe(sound.path, sound.stream).depth
