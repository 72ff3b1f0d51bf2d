"""The codec as a transform: which codec and how many bits are drawn, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from auralflow.config import from_dict
from auralflow.data.augment import codec as module
from auralflow.data.augment.codec import Codec
from auralflow.errors import ConfigError

SOUND = np.zeros((2, 100), np.float32)


def test_draws_codecs_and_bit_rates(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[tuple[str, float]] = []
    monkeypatch.setattr(
        module, "codec_trip", lambda samples, rate, codec, kbps: drawn.append((codec, kbps)) or samples.copy()
    )
    random = np.random.default_rng(0)
    transform = Codec(("mp3", "opus"), (32.0, 128.0))
    for _ in range(400):
        transform(SOUND, 44100, random)
    names = [name for name, _ in drawn]
    assert set(names) == {"mp3", "opus"}
    assert names.count("mp3") == pytest.approx(200, abs=50)
    rates = np.array([kbps for _, kbps in drawn])
    assert 32 <= rates.min() < 34
    assert 122 < rates.max() <= 128
    assert np.median(rates) == pytest.approx(64, rel=0.15)


@pytest.mark.parametrize("codecs", [[], ["wma"], ["mp3", "MP3"]])
def test_unknown_codecs_are_refused(codecs: list[str]) -> None:
    with pytest.raises(ConfigError, match="codecs"):
        from_dict(Codec, {"codecs": codecs})


def test_impossible_bit_rates_are_refused() -> None:
    with pytest.raises(ConfigError, match="bitrate_kbps: expected two numbers, the least first, from 16 to 320"):
        Codec(bitrate_kbps=(64.0, 500.0))
