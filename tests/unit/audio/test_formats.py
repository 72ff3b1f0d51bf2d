from __future__ import annotations

from pathlib import Path

import pytest

from auralflow.audio.formats import FORMAT_NAMES, OutputFormat, check_format, choose_format, legal_sample_rate
from auralflow.audio.types import AudioInfo
from auralflow.errors import OutputError, UnknownNameError


def info_of(container: str, depth: str | None) -> AudioInfo:
    return AudioInfo(Path(f"song.{container}"), container, "codec", 44100, 2, 1000, depth)


@pytest.mark.parametrize(
    ("name", "container", "depth", "expected"),
    [
        ("auto", "wav", "uint8", ("wav", "int16")),
        ("auto", "wav", "int16", ("wav", "int16")),
        ("auto", "wav", "int24", ("wav", "int24")),
        ("auto", "wav", "int32", ("wav", "float32")),
        ("auto", "wav", "float32", ("wav", "float32")),
        ("auto", "wav", "float64", ("wav", "float32")),
        ("auto", "wav", None, ("wav", "int24")),
        ("auto", "w64", "int16", ("wav", "int16")),
        ("auto", "rf64", "int24", ("wav", "int24")),
        ("auto", "flac", "int16", ("flac", "int16")),
        ("auto", "flac", "int24", ("flac", "int24")),
        ("auto", "aiff", "float32", ("flac", "int24")),
        ("auto", "aiff", "int32", ("flac", "int24")),
        ("auto", "mp3", None, ("flac", "int24")),
        ("auto", "m4a", None, ("flac", "int24")),
        ("auto", "m4a", "int16", ("flac", "int16")),
        ("wav", "flac", "int16", ("wav", "int16")),
        ("wav", "mp3", None, ("wav", "int24")),
        ("flac", "wav", "float32", ("flac", "int24")),
        ("flac", "wav", "uint8", ("flac", "int16")),
        ("wav16", "flac", "int24", ("wav", "int16")),
        ("wav24", "mp3", None, ("wav", "int24")),
        ("wav32f", "flac", "int16", ("wav", "float32")),
        ("flac16", "wav", "float32", ("flac", "int16")),
        ("flac24", "wav", "int16", ("flac", "int24")),
        ("mp3", "wav", "int16", ("mp3", None)),
        ("stem.mp4", "wav", "int16", ("stem.mp4", None)),
    ],
)
def test_a_name_means_a_container_and_a_depth(
    name: str, container: str, depth: str | None, expected: tuple[str, str | None]
) -> None:
    chosen = choose_format(name, info_of(container, depth))
    assert (chosen.container, chosen.depth) == expected


@pytest.mark.parametrize("name", FORMAT_NAMES)
def test_every_listed_name_gives_a_format(name: str) -> None:
    chosen = choose_format(name, info_of("wav", "int16"))
    assert chosen.suffix == f".{chosen.container}"
    assert chosen.is_lossy == (chosen.container not in ("wav", "flac"))
    assert chosen.needs_gain == (name != "wav32f")


def test_an_unknown_name_offers_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'flac'"):
        choose_format("flax", info_of("wav", "int16"))


@pytest.mark.parametrize(
    ("name", "sample_rate", "expected"),
    [
        ("wav", 96000, 96000),
        ("flac", 12345, 12345),
        ("ogg", 12345, 12345),
        ("mp3", 44100, 44100),
        ("mp3", 96000, 48000),
        ("mp3", 8000, 8000),
        ("mp3", 38050, 44100),
        ("opus", 44100, 48000),
        ("opus", 8000, 48000),
        ("m4a", 88200, 88200),
        ("m4a", 192000, 96000),
        ("stem.mp4", 50000, 48000),
    ],
)
def test_lossy_codecs_take_the_nearest_rate_they_have(name: str, sample_rate: int, expected: int) -> None:
    assert legal_sample_rate(choose_format(name, info_of("wav", "int16")), sample_rate) == expected


@pytest.mark.parametrize(
    ("container", "most"), [("wav", 32), ("flac", 8), ("mp3", 2), ("ogg", 8), ("opus", 8), ("m4a", 8), ("stem.mp4", 2)]
)
def test_too_many_channels_are_refused_in_one_line(container: str, most: int) -> None:
    check_format(OutputFormat(container), sample_rate=48000, channels=most)
    with pytest.raises(OutputError, match=f"holds 1 to {most} channels, got {most + 1}; choose another") as caught:
        check_format(OutputFormat(container), sample_rate=48000, channels=most + 1)
    assert "\n" not in str(caught.value)


def test_the_message_names_formats_that_hold_six_channels() -> None:
    with pytest.raises(OutputError, match=r"\(wav, flac, ogg, opus, m4a\)"):
        check_format(OutputFormat("mp3"), sample_rate=48000, channels=6)


def test_a_rate_that_flac_cannot_state_is_refused() -> None:
    flac = OutputFormat("flac", "int16")
    check_format(flac, sample_rate=192000, channels=2)
    check_format(flac, sample_rate=44101, channels=2)
    with pytest.raises(OutputError, match="choose the format wav"):
        check_format(flac, sample_rate=88201, channels=2)
