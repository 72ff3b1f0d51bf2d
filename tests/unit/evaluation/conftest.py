"""Tiny songs in the layout of MUSDB, and scores made by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile

from auralflow.evaluation.protocol import Protocol
from auralflow.evaluation.report import Report, summarise_songs
from auralflow.evaluation.results import SongFailure, SongScore, StemScore
from auralflow.evaluation.systems import SystemDescription
from auralflow.metrics import Column

SAMPLE_RATE = 8000
STEMS = ("bass", "drums", "other", "vocals")
Sounds = dict[str, np.ndarray]


@pytest.fixture
def write_song() -> Callable[..., Sounds]:
    """Write a song of seeded noise, exact in floats; gives its sounds (channel, time), the mixture among them."""

    def write(
        folder: Path,
        *,
        seed: int = 0,
        stems: Sequence[str] = STEMS,
        seconds: float = 2.0,
        sample_rate: int = SAMPLE_RATE,
        channels: int = 2,
        with_mixture: bool = True,
    ) -> Sounds:
        random = np.random.default_rng(seed)
        shape = (channels, round(seconds * sample_rate))
        sounds: Sounds = {
            stem: (0.05 * (n + 1) * random.uniform(-1, 1, shape)).astype(np.float32) for n, stem in enumerate(stems)
        }
        mixture = np.sum(list(sounds.values()), axis=0, dtype=np.float32)
        folder.mkdir(parents=True, exist_ok=True)
        for name, samples in (sounds | ({"mixture": mixture} if with_mixture else {})).items():
            soundfile.write(folder / f"{name}.wav", samples.T, sample_rate, subtype="FLOAT")
        return sounds | {"mixture": mixture}

    return write


@pytest.fixture
def score_song() -> Callable[..., SongScore]:
    """A song with the scores it is told, by stem and column."""

    def make(name: str, **stems: dict[str, float] | StemScore) -> SongScore:
        found = {stem: s if isinstance(s, StemScore) else StemScore(s) for stem, s in stems.items()}
        return SongScore(name, 2.0, SAMPLE_RATE, 2, "published", found)

    return make


@pytest.fixture
def protocol() -> Protocol:
    """Of songs with two stems."""
    return Protocol(
        version=1,
        split="test",
        stems=("vocals", "bass"),
        mixture="published",
        channels="all",
        sample_rates=(SAMPLE_RATE,),
        window_s=None,
        framewise=(),
        max_songs=None,
        sources={"sdr": "a paper"},
    )


@pytest.fixture
def make_report(tmp_path: Path, protocol: Protocol) -> Callable[..., Report]:
    """A report of songs, with the averages they come to."""

    def make(
        songs: Sequence[SongScore],
        columns: Sequence[Column] = (Column("sdr", False, True),),
        *,
        protocol: Protocol = protocol,
        failed: Sequence[SongFailure] = (),
        name: str = "system",
    ) -> Report:
        summaries = summarise_songs(songs, protocol.stems, columns)
        system = SystemDescription("model", name, f"model {name}", None)
        return Report(system, "songs", protocol, tuple(songs), tuple(failed), summaries, tmp_path, 1.0)

    return make
