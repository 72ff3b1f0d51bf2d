"""What stands in the studio: the sounds of one split, each loaded when it is first asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from grooves import GrooveLibrary
from instrument import Instrument, load_instrument
from library import CHOIRS, Library
from voice_bank import VoiceBank, analyse_voice


@dataclass
class Studio:
    """Loaded sounds of a split.

    Args:
        cache: folder in which voices that were analysed lie.
    """

    library: Library
    cache: Path
    _voices: dict[Path, VoiceBank] = field(default_factory=dict)

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
        folders = self.library.voices()
        return self._analysed(folders[int(random.integers(len(folders)))])

    def choir(self, random: np.random.Generator) -> VoiceBank:
        """Voices in unison."""
        return self._analysed(self.library.data / "vocals" / CHOIRS[int(random.integers(len(CHOIRS)))])

    def _analysed(self, folder: Path) -> VoiceBank:
        if folder not in self._voices:
            self._voices[folder] = analyse_voice(folder, self.cache)
        return self._voices[folder]
