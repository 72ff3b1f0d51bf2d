"""Scores of a song are those of the metrics, silence leaves out what it must, and every frame is accounted for."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch

from auralflow.evaluation.config import DEFAULT_METRICS
from auralflow.evaluation.results import IDENTICAL, SILENT_ESTIMATE, SILENT_TARGET, FrameCounts
from auralflow.evaluation.scoring import score_stems
from auralflow.metrics import load_metric

SAMPLE_RATE = 8000


def _pair(n_stems: int = 3, seconds: float = 4.0, channels: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Estimates and targets."""
    random = np.random.default_rng(0)
    shape = (n_stems, channels, round(seconds * SAMPLE_RATE))
    targets = random.uniform(-0.3, 0.3, shape).astype(np.float32)
    return (targets + random.uniform(-0.1, 0.1, shape)).astype(np.float32), targets


def _second(n: int) -> slice:
    return slice(n * SAMPLE_RATE, (n + 1) * SAMPLE_RATE)


@pytest.mark.parametrize("name", [*DEFAULT_METRICS, "windowed_sdr"])
def test_scores_are_those_of_the_metric(name: str) -> None:
    estimates, targets = _pair(2, 2.5)
    metric = load_metric(name)
    expected = metric.function(torch.from_numpy(estimates), torch.from_numpy(targets), sample_rate=SAMPLE_RATE)
    for stem, found in enumerate(score_stems(estimates, targets, [metric], sample_rate=SAMPLE_RATE)):
        assert list(found.scores) == list(expected) == [column.name for column in metric.columns]
        for column, values in expected.items():
            if values.ndim == 2:
                assert found.frames[column] == tuple(values[stem].tolist())
                assert found.scores[column] == np.median(values[stem].numpy())
            else:
                assert found.scores[column] == values[stem].item()
        assert (found.counts is None) == (metric.window_s is None)
        assert found.flags == ()


def test_metrics_stand_side_by_side() -> None:
    estimates, targets = _pair(2, 2.0)
    seconds: dict[str, float] = {}
    fractions: list[float] = []
    names = ["windowed_sdr", "snr", "sdr"]
    metrics = [load_metric(name) for name in names]
    (first, _) = score_stems(
        estimates, targets, metrics, sample_rate=SAMPLE_RATE, seconds=seconds, beat=fractions.append
    )
    assert list(first.scores) == list(seconds) == names
    assert all(spent >= 0 for spent in seconds.values())
    assert fractions == pytest.approx([1 / 3, 2 / 3, 1])


@pytest.mark.parametrize("side", ["target", "estimate"])
@pytest.mark.parametrize("name", ["bss_eval_v4", "windowed_sdr"])
def test_a_silent_stem_leaves_the_set_of_bss_eval(name: str, side: str) -> None:
    """museval raises; here the others are scored as if it were not there."""
    estimates, targets = _pair()
    (targets if side == "target" else estimates)[1] = 0
    metric = load_metric(name)
    found = score_stems(estimates, targets, [metric], sample_rate=SAMPLE_RATE)
    others = score_stems(estimates[[0, 2]], targets[[0, 2]], [metric], sample_rate=SAMPLE_RATE)
    assert (found[0].frames, found[2].frames) == (others[0].frames, others[1].frames)
    assert all(math.isfinite(score) for stem in (found[0], found[2]) for score in stem.scores.values())
    assert all(math.isnan(score) for score in found[1].scores.values())
    assert {len(frames) for frames in found[1].frames.values()} == {4}
    assert found[1].flags == (SILENT_TARGET if side == "target" else SILENT_ESTIMATE,)


def test_a_silent_target_has_no_score_and_costs_the_others_none() -> None:
    estimates, targets = _pair()
    targets[1] = 0
    metrics = [load_metric(name) for name in ("sdr", "si_sdr", "l1_freq")]
    found = score_stems(estimates, targets, metrics, sample_rate=SAMPLE_RATE)
    alone = score_stems(estimates[[0]], targets[[0]], metrics, sample_rate=SAMPLE_RATE)
    assert [math.isnan(score) for score in found[1].scores.values()] == [True, True, True]
    assert found[0].scores == alone[0].scores


def test_a_silent_estimate_scores_as_what_it_is() -> None:
    """All of the target is the error: 0 dB."""
    estimates, targets = _pair()
    estimates[1] = 0
    found = score_stems(estimates, targets, [load_metric("sdr")], sample_rate=SAMPLE_RATE)
    assert found[1].scores["sdr"] == pytest.approx(0.0, abs=1e-5)
    assert found[1].flags == (SILENT_ESTIMATE,)


def test_a_song_of_silence_has_no_scores() -> None:
    estimates, targets = _pair()
    targets[:] = 0
    metrics = [load_metric(name) for name in ("sdr", "bss_eval_v4", "windowed_sdr")]
    for found in score_stems(estimates, targets, metrics, sample_rate=SAMPLE_RATE):
        assert all(math.isnan(score) for score in found.scores.values())
        assert {len(frames) for frames in found.frames.values()} == {4}
        assert found.counts == FrameCounts(4, 0, 4, 0)


def test_an_identical_estimate_is_flagged() -> None:
    estimates, targets = _pair()
    estimates[1] = targets[1]
    found = score_stems(estimates, targets, [load_metric("sdr")], sample_rate=SAMPLE_RATE)
    assert [stem.flags for stem in found] == [(), (IDENTICAL,), ()]
    assert found[1].scores == {"sdr": math.inf}


def test_every_frame_is_accounted_for() -> None:
    """By hand, of five seconds: A's target is silent in the second one, B's estimate in the second and third, both of C
    in the last; D's target in all."""
    estimates, targets = _pair(4, seconds=5.4)
    targets[0, :, _second(1)] = 0
    estimates[1, :, _second(1)] = estimates[1, :, _second(2)] = 0
    targets[2, :, _second(4)] = estimates[2, :, _second(4)] = 0
    targets[3] = 0
    found = score_stems(estimates, targets, [load_metric("windowed_sdr")], sample_rate=SAMPLE_RATE)
    assert [stem.counts for stem in found] == [
        FrameCounts(n_frames=5, n_used=2, n_own_silence=1, n_others_silence=2),
        FrameCounts(n_frames=5, n_used=2, n_own_silence=2, n_others_silence=1),
        FrameCounts(n_frames=5, n_used=2, n_own_silence=1, n_others_silence=2),
        FrameCounts(n_frames=5, n_used=0, n_own_silence=5, n_others_silence=0),
    ]
    for stem in found[:3]:
        assert [math.isfinite(frame) for frame in stem.frames["windowed_sdr"]] == [True, False, False, True, False]


def test_the_count_of_frames_used_is_that_of_scores() -> None:
    """Of every metric with frames, whatever is silent."""
    random = np.random.default_rng(1)
    metric = load_metric("windowed_sdr")
    for _, seconds in itertools.product(range(5), (0.4, 3.0)):
        estimates, targets = _pair(3, seconds)
        for sounds, stem in itertools.product((estimates, targets), range(3)):
            start = random.integers(0, sounds.shape[-1])
            sounds[stem, :, start : start + random.integers(0, 3 * SAMPLE_RATE)] = 0
        for found in score_stems(estimates, targets, [metric], sample_rate=SAMPLE_RATE):
            assert found.counts is not None
            counts = found.counts
            assert counts.n_used == sum(math.isfinite(frame) for frame in found.frames["windowed_sdr"])
            assert counts.n_frames == len(found.frames["windowed_sdr"])
            assert counts.n_frames == counts.n_used + counts.n_own_silence + counts.n_others_silence
            assert min(counts.n_used, counts.n_own_silence, counts.n_others_silence) >= 0


def test_opposite_channels_are_silent_to_bss_eval_alone() -> None:
    """Its rule sums channels first. Such a stem is no silent target, and its SDR is an ordinary number."""
    estimates, targets = _pair(channels=2)
    targets[1, 1] = -targets[1, 0]
    metrics = [load_metric("windowed_sdr"), load_metric("sdr")]
    found = score_stems(estimates, targets, metrics, sample_rate=SAMPLE_RATE)
    assert math.isnan(found[1].scores["windowed_sdr"])
    assert math.isfinite(found[1].scores["sdr"])
    assert found[1].flags == ()
    assert found[1].counts == FrameCounts(4, 0, 4, 0)
    assert found[0].counts == FrameCounts(4, 4, 0, 0)


def test_less_than_a_second_is_one_frame() -> None:
    estimates, targets = _pair(seconds=0.3)
    metrics = [load_metric("windowed_sdr"), load_metric("sdr")]
    for found in score_stems(estimates, targets, metrics, sample_rate=SAMPLE_RATE):
        assert found.counts == FrameCounts(1, 1, 0, 0)
        assert found.scores["windowed_sdr"] == pytest.approx(found.scores["sdr"], abs=1e-4)
