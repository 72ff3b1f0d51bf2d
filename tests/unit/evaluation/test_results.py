"""Scores survive JSON, which knows neither NaN nor infinity."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

import pytest

from auralflow.evaluation.results import FrameCounts, SongScore, StemScore, decode_song, encode_song, split_finite

NAN, INF = math.nan, math.inf


def _refuse(constant: str) -> NoReturn:
    raise AssertionError(f"{constant} is no JSON")


def _trip(song: SongScore) -> SongScore:
    return decode_song(json.loads(json.dumps(encode_song(song)), parse_constant=_refuse))


def _same(a: Any, b: Any) -> bool:
    """Equality in which NaN equals itself."""
    return repr(a) == repr(b)


@pytest.mark.parametrize("frames", [(), (1.5,), (NAN, 2.0, INF, -INF, INF), (NAN, NAN), (INF,), (-0.1, 1 / 3)])
def test_a_song_comes_back_as_it_was(frames: tuple[float, ...]) -> None:
    stem = StemScore(
        {"sdr": 1 / 3, "snr": NAN, "si_sdr": INF, "si_sir": -INF},
        {"v4_sdr": frames, "v4_sir": frames[::-1]} if frames else {},
        FrameCounts(5, 2, 2, 1) if frames else None,
        ("identical", "silent target"),
    )
    song = SongScore(
        "test/Ünï - “song”\n", 2.5, 44100, 2, "sum", {"bass": stem, "lead vocals": StemScore({"sdr": -7.0})}
    )
    assert _same(_trip(song), song)


def test_the_rest_of_a_song_comes_back_as_well() -> None:
    song = SongScore("a", 2.5, 44100, 2, "sum", {}, ("drums",), ("cut",), {"read": 0.123, "sdr": 1.0})
    assert _trip(song) == song


def test_null_says_what_it_stands_for() -> None:
    finite, others = split_finite({"a": 1.0, "b": NAN, "c": INF, "d": -INF})
    assert finite == {"a": 1.0, "b": None, "c": None, "d": None}
    assert others == {"b": "nan", "c": "inf", "d": "-inf"}


def test_frames_can_be_left_out() -> None:
    stem = StemScore({"v4_sdr": 1.0}, {"v4_sdr": (1.0, INF)}, FrameCounts(2, 1, 1, 0))
    song = SongScore("a", 2.5, 44100, 2, "sum", {"bass": stem})
    plain = encode_song(song, with_frames=False)["stems"]["bass"]
    assert set(plain) == {"scores", "not_finite", "flags", "counts"}
    assert decode_song(encode_song(song, with_frames=False)).stems["bass"].frames == {}
