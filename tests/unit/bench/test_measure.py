"""The process's own part: which model runs, what is written, and whose time counts."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import psutil
import pytest
import torch
from torch import nn

from auralflow.audio.types import Samples
from auralflow.bench import measure as module
from auralflow.bench.measure import Order, _n_warm_samples, _open, _peak_bytes, _time
from auralflow.bench.plain import PlainSeparator
from auralflow.bench.signal import make_blocks
from auralflow.errors import ConfigError
from auralflow.separation import engine
from auralflow.separation.config import SeparationConfig
from auralflow.separation.engine import Separator
from auralflow.separation.runner import ModelRunner
from auralflow.separation.segments import Segment


@pytest.mark.parametrize("batch", [1, 3])
def test_the_output_is_written_sample_by_sample_whatever_the_batch(
    batch: int, pass_through: Callable[..., nn.Module]
) -> None:
    file, n_samples = io.BytesIO(), 3 * 44100
    seconds = _time(Separator(pass_through(), device="cpu", batch=batch), n_samples, file, [])
    samples = np.frombuffer(file.getvalue(), np.float32).reshape(n_samples, 4, 2)
    sound = np.concatenate(list(make_blocks(n_samples, 44100)), axis=1)
    assert seconds > 0
    assert np.abs(samples[:, 0].T - sound).max() < 1e-6
    assert not samples[:, 1:].any()


def test_making_the_sound_costs_no_time(
    monkeypatch: pytest.MonkeyPatch, pass_through: Callable[..., nn.Module]
) -> None:
    def make_slowly(*arguments: Any) -> Iterator[Samples]:
        for block in make_blocks(*arguments):
            time.sleep(0.05)
            yield block

    separator = Separator(pass_through(), device="cpu")
    monkeypatch.setattr(module, "make_blocks", make_slowly)
    started = time.perf_counter()
    seconds = _time(separator, 4 * 65536, None, [])
    assert time.perf_counter() - started - seconds > 0.19


def test_statistics_of_the_track_are_part_of_it(pass_through: Callable[..., nn.Module]) -> None:
    separator = Separator(pass_through(normalise="track"), device="cpu")
    assert _time(separator, 44100, None, []) > 0


def test_a_plain_model_is_run_as_it_was_loaded(
    monkeypatch: pytest.MonkeyPatch, pass_through: Callable[..., nn.Module]
) -> None:
    prepared: list[nn.Module] = []

    def prepare(model: nn.Module, *_: object) -> nn.Module:
        prepared.append(model)
        return model

    monkeypatch.setattr(engine, "prepare", prepare)
    _time(PlainSeparator(pass_through(), device="cpu", batch=1), 44100, None, [])
    assert not prepared
    _time(Separator(pass_through(), device="cpu", batch=1), 44100, None, [])
    assert prepared


@pytest.mark.parametrize(("n_segments", "n_warm"), [(6, 6), (7, 4), (8, 5)])
def test_what_comes_before_has_every_size_of_batch(
    n_segments: int, n_warm: int, pass_through: Callable[..., nn.Module], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A compiler makes code for each of them."""
    separator = Separator(pass_through(), device="cpu", batch=3)
    cut, sizes = separator.segmentation, list[int]()
    run = ModelRunner.run

    def note(self: ModelRunner, segments: list[Segment]) -> list[torch.Tensor]:
        sizes.append(len(segments))
        return run(self, segments)

    monkeypatch.setattr(ModelRunner, "run", note)
    n_samples = cut.segment_samples + (n_segments - 1) * cut.hop_samples
    n_before = _n_warm_samples(separator, n_samples)
    assert n_before == cut.segment_samples + (n_warm - 1) * cut.hop_samples
    _time(separator, n_samples, None, [])
    whole = set(sizes)
    sizes.clear()
    _time(separator, n_before, None, [])
    assert set(sizes) == whole


def test_random_weights_are_the_same_in_every_process(two_layers_path: str) -> None:
    order = Order(SeparationConfig(model=two_layers_path, device="cpu"), False, 1, 8000)
    first, second = (list(_open(order)._model.parameters()) for _ in range(2))
    assert first
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_half_precision_that_would_not_be_used_is_no_measurement(
    monkeypatch: pytest.MonkeyPatch, pass_through_path: str
) -> None:
    monkeypatch.setattr(engine, "refuse_half", lambda *_: "16 bits would leave 30 dB")
    config = SeparationConfig(model=pass_through_path, device="cpu", precision="fast")
    with pytest.raises(ConfigError, match="16 bits would leave 30 dB"):
        _open(Order(config, False, 1, 44100))
    monkeypatch.setattr(engine, "refuse_half", lambda *_: None)
    assert _open(Order(config, False, 1, 44100)).precision == "fast"


def test_the_peak_of_memory_is_that_of_this_process() -> None:
    """No less than what it has now, and no more than there is; `ru_maxrss` may be that of its parent."""
    resident = psutil.Process().memory_info().rss
    assert resident * 0.99 <= _peak_bytes() < psutil.virtual_memory().total
