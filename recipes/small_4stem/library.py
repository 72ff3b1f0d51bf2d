"""What there is to play with, and which songs may use it.

    train    everything but what is held out
    dev      songs that choose between models: the held-out soundfont and instruments, and a voice of their own
    test     songs that are opened once, at the end: the same, with two other voices and another drummer

Folders that hold the same performance by other microphones count as one. The two soundfonts have common ancestors, so
some of their presets are alike.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Split = Literal["train", "dev", "test"]
SPLITS: tuple[Split, ...] = ("train", "dev", "test")

SOUNDFONTS: dict[Split, Path] = {
    "train": Path("/usr/share/sounds/sf2/FluidR3_GM.sf2"),
    "dev": Path("/usr/share/sounds/sf3/MuseScore_General_Lite.sf3"),
    "test": Path("/usr/share/sounds/sf3/MuseScore_General_Lite.sf3"),
}
ONE_SHOTS = Path("/usr/share/sonic-pi/samples")
METAL_SONGS = Path("/usr/share/games/fretsonfire/data/songs/sectoid")

READERS = ("russian", "awb", "rms", "kal16", "slt", "mei")
"""Voices that speak, of `speech`; singers are few."""
VOICES: dict[Split, tuple[str, ...]] = {
    "train": ("scottpoid", "scottpoid", "dorodoro", "yuki", "yuki", *READERS),
    "dev": ("berklee_male_solo",),
    "test": ("erithacus", "berklee_female_solo"),
}
SINGERS = frozenset(VOICES["train"]) - frozenset(READERS)
CHOIRS = ("berklee_female_group", "berklee_male_group")

DRUMMERS: dict[Split, tuple[str, ...]] = {
    "train": tuple(f"drummer{number}" for number in (1, 2, 3, 4, 5, 6, 7)),
    "dev": ("drummer8",),
    "test": ("drummer9", "drummer10"),
}

KITS = (("muldjord_kit_close", "muldjord_kit_room"), ("gogodze_kit_close", "gogodze_kit_room", "gogodze_kit_retro"))
"""Each the same hits by other microphones, which may be blended."""
PERCUSSION = ("vcsl_percussion", "body_percussion", "berklee_percussion")

HELD_OUT = ("killer_bass", "hohner_pianet_t", "martin_steel_guitar", "shanai", "pizzicato_strings")
"""Instruments that no training song has."""

BASSES = (
    "pastabass_fetuccine",
    "pastabass_linguine",
    "pastabass_spaghetti",
    "pastabass_tagliatelle",
    "killer_bass",
    "fashionbass",
    "swagbass",
    "yamaha_rbx_finger",
    "yamaha_rbx_pick",
    "meatbass_pizz",
    "berklee_bass",
)
OTHERS: dict[str, tuple[str, ...]] = {
    "guitar": ("emily_electric_guitar", "shiny_archtop_acoustic", "shiny_archtop_electric", "martin_steel_guitar"),
    "driven": ("emily_electric_guitar", "shiny_archtop_electric"),
    "keys": (
        "wurlitzer_ep200",
        "hohner_pianet_t",
        "yamaha_cp80_layers",
        "salamander_piano",
        "berklee_piano",
        "berklee_prepared_piano",
    ),
    "brass": ("war_tuba_short", "war_tuba_staccato"),
    "reed": ("weresax_alto", "shanai"),
    "strings": ("tremolo_strings", "pizzicato_strings", "meatbass_arco"),
    "plucked": ("sitar", "horsepulse_tagelharpa", "berklee_kalimba"),
}

TRAIN_SONGS = ("1_hydrogen", "2_lithium", "3_sodium")
TRAIN_BAND = "mdn_multitrack"
DEV_SONGS = ("4_potassium", "6_caesium")
TEST_SONGS = ("5_rubidium", "7_francium")


@dataclass(frozen=True)
class Library:
    """The folders of one split."""

    data: Path
    """The folder with `instruments`, `vocals`, `groove_midi`, `songs` and `loops`."""
    split: Split

    def instruments(self, names: Iterable[str]) -> list[Path]:
        """Those of these instruments that the split may use: the held-out ones if there are any among them."""
        held = [name for name in names if name in HELD_OUT]
        usual = [name for name in names if name not in HELD_OUT]
        chosen = usual if self.split == "train" else held or usual
        return [self.data / "instruments" / name for name in chosen]

    @property
    def voices(self) -> tuple[str, ...]:
        """Names of solo voices; some stand there twice, to be heard more often."""
        return VOICES[self.split]

    @property
    def soundfont(self) -> Path:
        """The soundfont of General MIDI."""
        return SOUNDFONTS[self.split]

    @property
    def drummers(self) -> tuple[str, ...]:
        """Whose performances are played."""
        return DRUMMERS[self.split]
