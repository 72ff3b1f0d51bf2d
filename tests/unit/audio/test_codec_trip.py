"""The codec round trip: in its place to the sample, as good as its bit rate, at any length, rate and channel count."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from auralflow.audio.codec_trip import LossyCodec, codec_trip
from auralflow.audio.types import Samples
from auralflow.errors import ConfigError

RATE = 44100
CODECS: tuple[LossyCodec, ...] = get_args(LossyCodec)


def _make_sound(n_samples: int = RATE, channels: int = 2, seed: int = 0, sample_rate: int = RATE) -> Samples:
    """Noise that falls by 6 dB an octave, as music does, and a chord; each channel has its own."""
    random = np.random.default_rng(seed)
    n_fft = max(1000, n_samples + n_samples % 2)
    freqs = np.fft.rfftfreq(n_fft)
    spectrum = np.fft.rfft(random.standard_normal((channels, n_fft))) / (1 + freqs * sample_rate / 200)
    noise = np.fft.irfft(spectrum)
    time_s = np.arange(n_samples) / sample_rate
    chord = sum(np.sin(2 * np.pi * f * time_s) for f in (220.0, 277.2, 329.6))
    return (0.05 * noise[:, :n_samples] / noise.std() + 0.05 * chord).astype(np.float32)


def _measure_lag(before: Samples, after: Samples) -> int:
    """Shift, in samples, at which the two are most alike."""
    n_fft = 2 * before.shape[1]
    spectra = np.conj(np.fft.rfft(before, n_fft)) * np.fft.rfft(after, n_fft)
    lag = int(np.argmax(np.fft.irfft(spectra.sum(axis=0))))
    return lag - n_fft if lag > n_fft // 2 else lag


def _measure_snr_db(before: Samples, after: Samples) -> float:
    """Best over a common gain: LAME turns low rates down a little."""
    gain = np.vdot(before, after) / np.vdot(before, before)
    return float(10 * np.log10(np.sum((gain * before) ** 2) / np.sum((after - gain * before) ** 2)))


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize(("bitrate_kbps", "least_db"), [(64.0, 10.0), (128.0, 14.0), (256.0, 18.0)])
def test_stays_in_place_and_close(codec: LossyCodec, bitrate_kbps: float, least_db: float) -> None:
    sound = _make_sound()
    after = codec_trip(sound, RATE, codec, bitrate_kbps)
    assert _measure_lag(sound, after) == 0
    snr_db = _measure_snr_db(sound, after)
    assert least_db < snr_db < 45  # it did go through a codec
    # A gain beside the 5 % of LAME would be ours.
    assert np.vdot(sound, after) / np.vdot(sound, sound) == pytest.approx(0.97, abs=0.06)


@pytest.mark.parametrize("codec", CODECS)
def test_more_bits_are_better(codec: LossyCodec) -> None:
    sound = _make_sound()
    snrs_db = [_measure_snr_db(sound, codec_trip(sound, RATE, codec, kbps)) for kbps in (64.0, 128.0, 192.0, 320.0)]
    assert snrs_db == sorted(snrs_db)
    assert snrs_db[-1] > snrs_db[0] + 5


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("n_samples", [0, 1, 2, 959, 1151, 1153, 5001])
def test_length_is_kept(codec: LossyCodec, n_samples: int) -> None:
    after = codec_trip(_make_sound(n_samples), RATE, codec, 96.0)
    assert after.shape == (2, n_samples)
    assert after.dtype == np.float32
    assert np.isfinite(after).all()


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("sample_rate", [8000, 11025, 22050, 48000, 96000, 192000])
@pytest.mark.parametrize("bitrate_kbps", [16.0, 320.0])
def test_every_rate(codec: LossyCodec, sample_rate: int, bitrate_kbps: float) -> None:
    sound = _make_sound(sample_rate // 2, sample_rate=sample_rate)
    after = codec_trip(sound, sample_rate, codec, bitrate_kbps)
    assert after.shape == sound.shape
    # One period of the codec's own upper limit is the finest that its output can tell.
    assert abs(_measure_lag(sound, after)) <= sample_rate / 44100


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("channels", [1, 2, 3, 6])
def test_every_number_of_channels(codec: LossyCodec, channels: int) -> None:
    """In their order, each compared with itself."""
    sound = _make_sound(8000, channels)
    after = codec_trip(sound, RATE, codec, 192.0)
    for channel in range(channels):
        assert _measure_snr_db(sound[channel], after[channel]) > 10


@pytest.mark.parametrize("codec", CODECS)
def test_end_is_there(codec: LossyCodec) -> None:
    """The last samples are not those of a codec that had still to be flushed."""
    sound = _make_sound()
    after = codec_trip(sound, RATE, codec, 192.0)
    assert _measure_snr_db(sound[:, -1000:], after[:, -1000:]) > 8
    assert _measure_snr_db(sound[:, :1000], after[:, :1000]) > 8


@pytest.mark.parametrize("codec", CODECS)
def test_beyond_full_scale_is_not_clipped(codec: LossyCodec) -> None:
    sound = 40 * _make_sound()
    assert np.abs(sound).max() > 5
    assert _measure_snr_db(sound, codec_trip(sound, RATE, codec, 192.0)) > 15


@pytest.mark.parametrize("codec", CODECS)
def test_silence_stays_silence(codec: LossyCodec) -> None:
    assert np.abs(codec_trip(np.zeros((2, 9001), np.float32), RATE, codec, 64.0)).max() == 0


@pytest.mark.parametrize("codec", CODECS)
def test_same_in_same_out(codec: LossyCodec) -> None:
    sound = _make_sound(20000)
    before = sound.copy()
    first = codec_trip(sound, RATE, codec, 96.0)
    codec_trip(_make_sound(20000, seed=1), RATE, codec, 64.0)
    np.testing.assert_array_equal(codec_trip(sound, RATE, codec, 96.0), first)
    np.testing.assert_array_equal(sound, before)


def test_unknown_settings_are_refused() -> None:
    sound = _make_sound(100)
    with pytest.raises(ConfigError, match="codec: expected one of mp3, aac, opus, vorbis, got 'wma'"):
        codec_trip(sound, RATE, "wma", 128.0)  # type: ignore[arg-type]
    for bitrate_kbps in (8.0, 1000.0, float("nan")):
        with pytest.raises(ConfigError, match="bitrate_kbps: expected 16 to 320"):
            codec_trip(sound, RATE, "mp3", bitrate_kbps)
