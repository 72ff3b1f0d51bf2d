"""A song from its files to its scores: what was done to it is told, and what is no sound is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from auralflow.errors import AudioError
from auralflow.evaluation.config import EvaluationConfig
from auralflow.evaluation.excerpt import load_excerpt
from auralflow.evaluation.references import Recording, Reference, list_tracks, make_references
from auralflow.evaluation.scoring import score_stems
from auralflow.evaluation.song import evaluate_song
from auralflow.evaluation.systems.system import Estimates
from auralflow.metrics import load_metric

SAMPLE_RATE = 8000
STEMS = ("bass", "drums", "other", "vocals")
SDR = load_metric("sdr")
WriteSong = Callable[..., dict[str, np.ndarray]]


class Stub:
    """Gives the targets, changed."""

    def __init__(self, change: Callable[[np.ndarray], np.ndarray]) -> None:
        self._change = change

    def estimate(self, reference: Reference, recording: Recording, beat: Callable[[float], None]) -> Estimates:
        beat(0.5)
        beat(1.0)
        return Estimates(self._change(recording.targets.copy()), ("the system's note",))


@pytest.fixture
def song(tmp_path: Path, write_song: WriteSong) -> tuple[Reference, np.ndarray]:
    """And its targets."""
    sounds = write_song(tmp_path / "test/song")
    config = EvaluationConfig("mixture", str(tmp_path), layout="musdb_hq")
    (reference,) = make_references(list_tracks(config)[0], STEMS, STEMS, config)
    return reference, np.stack([sounds[stem] for stem in STEMS])


def _quieter(sounds: np.ndarray) -> np.ndarray:
    sounds[:, 0] *= np.float32(0.5)
    sounds[:, 1] *= np.float32(0.75)
    return sounds


def test_a_song_says_what_it_is(song: tuple[Reference, np.ndarray]) -> None:
    reference, targets = song
    fractions: list[float] = []
    found = evaluate_song(reference, Stub(_quieter), [SDR], beat=fractions.append)
    assert (found.name, found.duration_s, found.sample_rate, found.channels, found.mixture) == (
        "test/song",
        2.0,
        SAMPLE_RATE,
        2,
        "published",
    )
    expected = score_stems(_quieter(targets.copy()), targets, [SDR], sample_rate=SAMPLE_RATE)
    assert [stem.scores for stem in found.stems.values()] == [stem.scores for stem in expected]
    assert list(found.stems) == list(STEMS)
    assert found.notes == ("the system's note",)
    assert list(found.seconds) == ["read", "separate", "sdr"]
    assert fractions == sorted(fractions)
    assert fractions[-1] == pytest.approx(1.0)


def test_mono_is_the_mean_over_channels(song: tuple[Reference, np.ndarray]) -> None:
    """Channels whose errors are opposite have none in the mean."""

    def move(sounds: np.ndarray) -> np.ndarray:
        sounds[:, 0] += 0.125
        sounds[:, 1] -= 0.125
        return sounds

    reference, targets = song
    stereo = evaluate_song(reference, Stub(move), [SDR])
    mono = evaluate_song(reference, Stub(move), [SDR], channels="mono")
    assert (stereo.channels, mono.channels) == (2, 1)
    assert stereo.stems["bass"].scores["sdr"] < 0
    assert mono.stems["bass"].scores["sdr"] > 100
    half = evaluate_song(reference, Stub(_quieter), [SDR], channels="mono")
    estimates = _quieter(targets.copy())
    expected = score_stems(estimates.mean(1, keepdims=True), targets.mean(1, keepdims=True), [SDR], sample_rate=8000)
    assert [s.scores["sdr"] for s in half.stems.values()] == pytest.approx([s.scores["sdr"] for s in expected])


@pytest.mark.parametrize("bad", [(np.nan,), (np.inf,), (np.inf, -np.inf)])
def test_an_estimate_that_is_no_number_fails_its_song(
    song: tuple[Reference, np.ndarray], bad: tuple[float, ...], tmp_path: Path
) -> None:
    def spoil(sounds: np.ndarray) -> np.ndarray:
        sounds[2, 1, : len(bad)] = bad
        return sounds

    with pytest.raises(AudioError, match="test/song: the estimates have samples that are NaN or infinite"):
        evaluate_song(song[0], Stub(spoil), [SDR], excerpt=tmp_path / "excerpt.npz")
    assert not (tmp_path / "excerpt.npz").exists()


def test_large_numbers_are_numbers(song: tuple[Reference, np.ndarray]) -> None:
    """Though their sum is infinite in single precision."""
    found = evaluate_song(song[0], Stub(lambda sounds: np.full_like(sounds, 1e36)), [SDR])
    assert found.stems["bass"].scores["sdr"] < -300


def test_the_excerpt_is_of_this_very_song(song: tuple[Reference, np.ndarray], tmp_path: Path) -> None:
    path = tmp_path / "new folder/excerpt.npz"
    evaluate_song(song[0], Stub(_quieter), [SDR], channels="mono", excerpt=path)
    excerpt, targets = load_excerpt(path), song[1]
    for n, stem in enumerate(STEMS):
        np.testing.assert_allclose(excerpt.targets[stem].samples, targets[n], atol=1e-3)
        np.testing.assert_allclose(excerpt.residual(stem).samples[0], -0.5 * targets[n, 0], atol=1e-3)
    assert [p.name for p in path.parent.iterdir()] == ["excerpt.npz"]
