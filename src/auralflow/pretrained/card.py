"""Cards: what is known of each ready-to-use model, one TOML file each.

What is not known is said: "not stated" by the authors, "not measured" here. A card in full:

    architecture = "bs_roformer"
    tag = "someone"
    summary = "Vocals by rotary attention over bands"
    licence = "not stated"
    code_licence = "MIT"
    commercial_use = false
    training_data = "not stated"
    weaknesses = "not stated"
    aliases = ["bs_roformer"]
    stems = ["vocals"]
    sample_rate = 44100
    channels = 2
    parameters = 72200000
    format = "msst"
    source = "https://example.org/page-of-the-authors"
    licence_source = "not stated"

    [options]                       # handed to the converter
    config = "model.yaml"

    [[files]]
    url = "https://example.org/model.ckpt"
    name = "model.ckpt"
    sha256 = ""                     # not published
    size = 639000000

    [[published_scores]]
    metric = "SDR in dB"
    protocol = "whole track, mean over tracks of the test set"
    source = "https://example.org/table"
    values = { vocals = 10.87 }

    [measured]
    speed = "not measured"
    memory = "not measured"
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from auralflow.config import from_dict
from auralflow.errors import ConfigError, UnknownNameError

NOT_STATED, NOT_MEASURED = "not stated", "not measured"

Format = Literal["none", "bundle", "demucs", "open_unmix", "msst", "torchaudio_hdemucs", "mdx_net"]

_SHA256 = re.compile(r"[0-9a-f]{64}")
_FILE_NAME = re.compile(r"[^\W_][\w.+-]*")


@dataclass(frozen=True)
class CardFile:
    """A file of the weights, or one that belongs to them."""

    url: str
    """Where it is published."""
    name: str
    """What it is called in the cache, whatever the server calls it."""
    sha256: str = ""
    """As published, or as several others have found it; empty where neither is known."""
    size: int | None = None
    """Bytes, where they are published."""

    def __post_init__(self) -> None:
        if not _FILE_NAME.fullmatch(self.name):
            raise ConfigError(f"files.name: expected a plain file name, got {self.name!r}")
        if self.sha256 and not _SHA256.fullmatch(self.sha256):
            raise ConfigError(f"files.sha256: expected 64 hexadecimal digits or nothing, got {self.sha256!r}")
        if self.size is not None and self.size < 1:
            raise ConfigError(f"files.size: expected a number of bytes, got {self.size!r}")


@dataclass(frozen=True)
class PublishedScores:
    """Scores that somebody else published; never compared across protocols."""

    metric: str
    """What was measured, with its unit."""
    protocol: str
    """On which songs, and how it was averaged."""
    source: str
    """Where it is published."""
    values: dict[str, float] = field(default_factory=dict)
    """By stem."""


@dataclass(frozen=True)
class Measured:
    """What was measured with this package."""

    speed: str = NOT_MEASURED
    """Seconds of music in a second, and on what."""
    memory: str = NOT_MEASURED
    """Highest memory of the process, and on what."""


@dataclass(frozen=True)
class Card:
    """A ready-to-use model."""

    architecture: str
    """Name of the code, a file of `auralflow.models`."""
    tag: str
    """Which weights, or which version of a separator that has none."""
    summary: str
    """One line for the table of models."""
    licence: str
    """Licence of the weights (of the code where there are none)."""
    commercial_use: bool
    """Whether the licence permits commercial use; what is not stated is no permission."""
    training_data: str
    """What it was trained on, and under which licences."""
    weaknesses: str
    """What it does badly."""
    stems: tuple[str, ...]
    """What it gives, in the order of the model."""
    sample_rate: int
    """Samples per second of what it takes and gives."""
    channels: int
    """Channels of what it takes and gives."""
    aliases: tuple[str, ...] = ()
    """Other names; the architecture alone is one for its default tag."""
    parameters: int | None = None
    """Number of trained values, counted in our architecture with the published config; None where that is not known."""
    format: Format = "none"
    """Which converter reads the files; `none` where there are none, `bundle` where they are ours."""
    files: tuple[CardFile, ...] = ()
    """What is downloaded."""
    bundled: bool = False
    """Whether the weights come with this package, as a bundle in `pretrained/bundled/<name>`."""
    options: dict[str, Any] = field(default_factory=dict)
    """What the converter must be told because no file says it."""
    published_scores: tuple[PublishedScores, ...] = ()
    """What others measured."""
    measured: Measured = Measured()
    """What was measured with this package."""
    code_licence: str = NOT_STATED
    """Licence of the code that the weights were published with."""
    licence_source: str = NOT_STATED
    """Where the licence of the weights is stated."""
    source: str = NOT_STATED
    """Page or paper of the authors."""

    @property
    def has_weights(self) -> bool:
        """Whether there are weights, to download or in the package."""
        return self.bundled or bool(self.files)

    def __post_init__(self) -> None:
        if self.bundled and self.files:
            raise ConfigError("files: expected none for weights that come with the package")
        if (self.format == "none") != (not self.files):
            raise ConfigError(f"files: expected some where format is not 'none', and only there; format {self.format}")
        for file in self.files:
            if not file.url.startswith("https://"):
                raise ConfigError(f"files.url: expected an address that begins with https://, got {file.url!r}")
        names = [file.name for file in self.files]
        if len(set(names)) != len(names):
            raise ConfigError(f"files.name: a name stands twice in {names}")

    @property
    def name(self) -> str:
        return f"{self.architecture}.{self.tag}"

    @property
    def size(self) -> int | None:
        """Bytes of the files, as far as they are known; None where nothing is."""
        known = [file.size for file in self.files if file.size is not None]
        return sum(known) if known or not self.files else None

    @property
    def identity(self) -> str:
        """Changes whenever the weights do, as far as hashes are published: the name, and what names each file."""
        return " ".join([self.name, *(file.sha256 or file.url for file in self.files)])


@cache
def list_cards() -> tuple[Card, ...]:
    """All cards of the package, by name."""
    folder = files("auralflow.pretrained") / "cards"
    texts = {
        entry.name: entry.read_text(encoding="utf-8") for entry in folder.iterdir() if entry.name.endswith(".toml")
    }
    return tuple(from_dict(Card, tomllib.loads(texts[name]), name) for name in sorted(texts))


def find_card(name: str) -> Card:
    """The card called `name`, by its full name or an alias.

    Raises:
        UnknownNameError: there is none; the message offers the nearest name.

    Example:
        >>> find_card("default").architecture
        'spectrogram_net_octave'
    """
    names = name_cards()
    try:
        return names[name]
    except KeyError:
        raise UnknownNameError("model", name, names) from None


def name_cards() -> dict[str, Card]:
    """Every name and alias with its card."""
    return {alias: card for card in list_cards() for alias in (card.name, *card.aliases)}
