"""What one half of the audio layer writes, the other half reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from auralflow.audio.formats import FORMAT_NAMES, choose_format
from auralflow.audio.probe import probe
from auralflow.audio.read import read_audio
from auralflow.audio.tags import generic_tags, stem_tags
from auralflow.audio.types import Audio, AudioInfo
from auralflow.audio.write import write_audio

SINGLE = [name for name in FORMAT_NAMES if name != "stem.mp4"]
TAGS = {
    "title": "Song",
    "artist": "Nina",
    "album_artist": "Various",
    "track": "3/12",
    "lyrics": "la\nla",
    "isrc": "US1",
}
JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000") + bytes(range(256)) * 30 + b"\xff\xd9"
SONG = AudioInfo(Path("song.wav"), "wav", "pcm_s16le", 48000, 2, 120_001, "int16")


def tone(n_samples: int) -> np.ndarray:
    """A tone on the 16-bit grid, in two channels."""
    tone = np.sin(2 * np.pi * 1000 * np.arange(n_samples) / 48000) * [[10_000], [5_000]]
    return (np.rint(tone) / 32768).astype(np.float32)


@pytest.mark.parametrize("name", SINGLE)
def test_samples_length_tags_and_cover_survive(tmp_path: Path, name: str) -> None:
    output_format = choose_format(name, SONG)
    path = tmp_path / f"song{output_format.suffix}"
    samples = tone(120_001)
    write_audio(path, Audio(samples, 48000), output_format=output_format, tags=TAGS, cover=JPEG)

    info, audio = probe(path), read_audio(path)
    assert (info.sample_rate, info.channels, info.n_samples) == (48000, 2, 120_001)
    assert info.depth == output_format.depth
    assert info.cover == JPEG
    assert generic_tags(info.tags).items() >= TAGS.items()
    assert audio.samples.shape == samples.shape
    if output_format.is_lossy:
        assert ((audio.samples - samples) ** 2).sum() < 0.005 * (samples**2).sum()
    else:
        np.testing.assert_array_equal(audio.samples, samples)


@pytest.mark.parametrize("first", SINGLE)
@pytest.mark.parametrize("second", ["wav", "flac", "mp3", "m4a"])
def test_a_stem_of_any_file_inherits_its_tags_in_any_format(tmp_path: Path, first: str, second: str) -> None:
    paths = []
    tags, cover = TAGS | {"replaygain_track_gain": "-7 dB"}, JPEG
    for name in (first, second):
        output_format = choose_format(name, SONG)
        paths.append(tmp_path / f"{len(paths)}{output_format.suffix}")
        write_audio(paths[-1], Audio(tone(4800), 48000), output_format=output_format, tags=tags, cover=cover)
        info = probe(paths[-1])
        tags, cover = stem_tags(info.tags, "vocals"), info.cover
    assert tags == TAGS | {"title": "Song (vocals) (vocals)"}
    assert cover == JPEG
