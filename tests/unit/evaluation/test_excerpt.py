"""Ten seconds of a song: the liveliest, kept whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from auralflow.evaluation.excerpt import EXCERPT_S, find_start, load_excerpt, save_excerpt
from auralflow.evaluation.references import Recording

RATE = 100


def _stems(*places: tuple[int, int, float], seconds: float = 30.0) -> np.ndarray:
    """A stem for each place: from second, to second, level."""
    targets = np.zeros((len(places), 2, round(seconds * RATE)), np.float32)
    for stem, (start, end, level) in enumerate(places):
        targets[stem, :, start * RATE : end * RATE] = level
    return targets


@pytest.mark.parametrize(
    ("targets", "expected_s"),
    [
        (_stems((15, 20, 1.0)), 10),  # the first of those that hold all of it
        (_stems((0, 30, 1.0)), 0),
        (_stems((27, 30, 1.0)), 20),
        (_stems((2, 4, 1.0), (13, 15, 0.001), (16, 18, 0.001)), 8),  # two quiet stems have more to say than a loud one
        (_stems((0, 4, 1.0), (18, 28, 0.5)), 0),  # all of either; the first of equals
        (_stems((0, 12, 1.0), (18, 28, 0.5)), 18),  # five sixths of the one, all of the other
        (0 * _stems((0, 1, 1.0)), 0),
        (_stems((5, 9, 1.0), seconds=10.5), 0),
        (_stems((1, 2, 1.0), seconds=3), 0),
        (_stems((11, 12, 1.0), seconds=12.9), 2),
    ],
)
def test_it_begins_where_the_stems_are_liveliest(targets: np.ndarray, expected_s: int) -> None:
    assert find_start(targets, RATE) == expected_s * RATE


def _save(path: Path, seconds: float = 30.0) -> tuple[Recording, np.ndarray]:
    random = np.random.default_rng(0)
    targets = random.uniform(-1, 1, (2, 2, round(seconds * RATE))).astype(np.float32)
    targets[..., : 20 * RATE] *= 0.01
    estimates = (0.5 * targets).astype(np.float32)
    recording = Recording(("vocals", "bass"), targets, targets.sum(axis=0), RATE)
    save_excerpt(path, recording, estimates)
    return recording, estimates


def test_it_comes_back_within_half_precision(tmp_path: Path) -> None:
    recording, estimates = _save(tmp_path / "excerpts/a.npz")
    excerpt = load_excerpt(tmp_path / "excerpts/a.npz")
    window = slice(20 * RATE, 30 * RATE)
    assert excerpt.start_s == 20.0
    assert excerpt.mixture.n_samples == EXCERPT_S * RATE
    assert excerpt.mixture.sample_rate == RATE
    tolerance = 2**-11 * 2  # of the mixture's largest
    np.testing.assert_allclose(excerpt.mixture.samples, recording.mixture[:, window], atol=tolerance)
    for n, stem in enumerate(("vocals", "bass")):
        np.testing.assert_allclose(excerpt.targets[stem].samples, recording.targets[n][:, window], atol=tolerance)
        np.testing.assert_allclose(excerpt.estimates[stem].samples, estimates[n][:, window], atol=tolerance)
        residual = estimates[n] - recording.targets[n]
        np.testing.assert_allclose(excerpt.residual(stem).samples, residual[:, window], atol=2 * tolerance)


def test_a_short_song_is_kept_whole(tmp_path: Path) -> None:
    _save(tmp_path / "a.npz", seconds=3.7)
    assert load_excerpt(tmp_path / "a.npz").mixture.n_samples == round(3.7 * RATE)


def test_a_write_that_fails_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job may be killed at any moment, and a torn file is no excerpt."""
    _save(tmp_path / "a.npz")
    before = (tmp_path / "a.npz").read_bytes()

    def fail(file: object, **arrays: object) -> None:
        file.write(b"half")  # type: ignore[attr-defined]
        raise OSError("disk full")

    monkeypatch.setattr(np, "savez", fail)
    with pytest.raises(OSError, match="disk full"):
        _save(tmp_path / "a.npz")
    assert (tmp_path / "a.npz").read_bytes() == before
