"""What stands in the studio: the sounds of one split, each loaded when it is first asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from grooves import GrooveLibrary
from instrument import Instrument, load_instrument
from library import CHOIRS, READERS, SINGERS, Library
from voice_bank import VoiceBank, analyse_voice


@dataclass
class Studio:
    """Loaded sounds of a split.

    Args:
        cache: folder in which voices that were analysed lie, and recordings of readers.
    """

    library: Library
    cache: Path
    _voices: dict[str, VoiceBank] = field(default_factory=dict)

    @cached_property
    def grooves(self) -> GrooveLibrary:
        """Drum performances of the split's drummers."""
        return GrooveLibrary.open(self.library.data / "groove_midi", self.library.drummers)

    def instrument(self, names: tuple[str, ...], random: np.random.Generator) -> Instrument:
        """One of these, that the split may use."""
        folders = self.library.instruments(names)
        return load_instrument(folders[int(random.integers(len(folders)))])

    def voice(self, random: np.random.Generator) -> VoiceBank:
        """A solo voice."""
        return self.bank(self.library.voices[int(random.integers(len(self.library.voices)))])

    def choir(self, random: np.random.Generator) -> VoiceBank:
        """Voices in unison."""
        return self.bank(CHOIRS[int(random.integers(len(CHOIRS)))])

    def bank(self, name: str) -> VoiceBank:
        """The voice of this name, taken apart."""
        if name not in self._voices:
            self._voices[name] = self._analyse(name)
        return self._voices[name]

    def _analyse(self, name: str) -> VoiceBank:
        if name in READERS:
            like = [self.bank(singer) for singer in sorted(SINGERS)]
            return analyse_voice(self.cache / name, self.cache, like=like)
        return analyse_voice(self.library.data / "vocals" / name, self.cache)
