"""Streams that are separated while they are heard: aligned, whole, equal to the model on all of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from auralflow.audio.types import Audio
from auralflow.errors import AudioError, Cancelled, ConfigError, ShapeError
from auralflow.models.spectrogram_net_causal import SPEC, TINY, SpectrogramNetCausal
from auralflow.separation.engine import Separator
from auralflow.separation.outputs import plan_outputs
from auralflow.separation.progress import CancelToken
from auralflow.spec import ModelSpec

Noise = Callable[..., np.ndarray]
LATENCY = 100


class Delay(nn.Module):
    """All of the mixture goes to the first stem."""

    def __init__(self, stems: tuple[str, ...] = ("vocals", "other")) -> None:
        super().__init__()
        self.spec = ModelSpec(stems, 44100, 2, segment_samples=44100, latency_samples=LATENCY)
        self.blocks: list[int] = []

    def forward(self, mixture: Tensor) -> Tensor:
        raise AssertionError("a causal model is asked for steps")

    def initial_state(self, batch: int = 1) -> Tensor:
        return torch.zeros(batch, 2, LATENCY)

    def step(self, block: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        self.blocks.append(block.shape[-1])
        heard = torch.cat([state, block], -1)
        late = heard[..., : block.shape[-1]]
        return torch.stack([late, torch.zeros_like(late)], 1), heard[..., block.shape[-1] :]


@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize("n_samples", [0, 1, 99, 100, 4410])
@pytest.mark.parametrize("sample_rate", [44_100, 48_000])
def test_a_delay_is_taken_off(noise: Noise, channels: int, n_samples: int, sample_rate: int) -> None:
    mixture = noise(channels, n_samples)
    got = Separator(Delay(), device="cpu").separate(Audio(mixture, sample_rate))
    assert got["vocals"].samples.shape == mixture.shape
    total = got["vocals"].samples + got["other"].samples  # what the conversion takes away goes to other
    assert np.abs(total - mixture).max(initial=0) < 1e-6
    if sample_rate == 44_100:
        assert np.abs(got["other"].samples).max(initial=0) == 0


def test_files_and_streams_are_the_model_on_the_whole(noise: Noise) -> None:
    torch.manual_seed(0)
    model = SpectrogramNetCausal(SPEC, TINY).eval()
    mixture = noise(2, 30011)
    with torch.inference_mode():
        whole = model(torch.from_numpy(mixture)[None])[0].numpy()
    got = Separator(model, device="cpu").separate(Audio(mixture, 44100))
    live = Separator(model, device="cpu").open_stream(44100, 2)
    blocks = [live.push(mixture[:, at : at + 441]) for at in range(0, 30011, 441)]
    blocks.append(live.close())
    for index, stem in enumerate(SPEC.stems):
        pushed = np.concatenate([block[index] for block in blocks], -1)
        assert np.abs(got[stem].samples - whole[index]).max() < 1e-5 * np.abs(whole).max()
        assert np.abs(pushed - whole[index]).max() < 1e-5 * np.abs(whole).max()


def test_a_push_gives_all_but_the_latency(noise: Noise) -> None:
    live = Separator(Delay(), device="cpu").open_stream(44100, 2)
    assert [live.push(noise(2, n))[0].shape[-1] for n in (60, 60, 441, 0, 1)] == [0, 20, 441, 0, 1]
    assert live.close()[0].shape[-1] == LATENCY


def test_long_blocks_reach_the_model_in_pieces(noise: Noise) -> None:
    model = Delay()
    mixture = noise(2, 150_000)
    got = Separator(model, device="cpu").open_stream(44100, 2).push(mixture)
    assert max(model.blocks) <= 2**16
    assert np.array_equal(got[0], mixture[:, :-LATENCY])


def test_mixes_and_chosen_stems(noise: Noise) -> None:
    mixture = noise(2, 5000)
    model = SpectrogramNetCausal(SPEC, TINY)
    separator = Separator(model, device="cpu")
    plan = plan_outputs(SPEC.stems, ["drums"], mix=["karaoke=-vocals"])
    got = separator.separate(Audio(mixture, 44100), outputs=plan)
    all_stems = separator.separate(Audio(mixture, 44100))
    np.testing.assert_allclose(got["drums"].samples, all_stems["drums"].samples, atol=1e-6)
    np.testing.assert_allclose(got["karaoke"].samples, mixture - all_stems["vocals"].samples, atol=1e-6)


def test_latency_at_the_models_rate_and_at_others(pass_through: Callable[..., nn.Module]) -> None:
    separator = Separator(Delay(), device="cpu")
    assert separator.latency_samples == LATENCY
    assert separator.latency_s(44100) == LATENCY / 44100
    converted_s = separator.latency_s(48000, block_samples=480)
    assert converted_s is not None
    live = separator.open_stream(48000, 2)
    lags, n_in, n_out = [], 0, 0
    for _ in range(50):
        n_in, n_out = n_in + 480, n_out + live.push(np.zeros((2, 480), np.float32))[0].shape[-1]
        lags.append(n_in - n_out)
    assert 0.9 * converted_s * 48000 < max(lags) <= converted_s * 48000
    assert converted_s > LATENCY / 44100
    other = Separator(pass_through(), device="cpu")
    assert other.latency_samples is None
    assert other.latency_s(44100) is None


def test_what_cannot_be_streamed_is_said(noise: Noise, pass_through: Callable[..., nn.Module]) -> None:
    with pytest.raises(ConfigError, match="expected a causal one"):
        Separator(pass_through(), device="cpu").open_stream(44100, 2)
    live = Separator(Delay(), device="cpu").open_stream(44100, 2)
    with pytest.raises(AudioError, match=r"expected a block of shape \(2, time\), got \(1, 10\)"):
        live.push(noise(1, 10))
    with pytest.raises(AudioError, match="expected finite samples"):
        live.push(np.full((2, 10), np.nan, np.float32))


@pytest.mark.parametrize(
    ("change", "words"), [(lambda stems: stems[..., :-1], "step to give"), (lambda stems: stems * torch.nan, "finite")]
)
def test_steps_that_break_their_promise_are_caught(
    noise: Noise, change: Callable[[Tensor], Tensor], words: str
) -> None:
    class Broken(Delay):
        def step(self, block: Tensor, state: Tensor) -> tuple[Any, Any]:
            stems, state = super().step(block, state)
            return change(stems), state

    with pytest.raises(ShapeError, match=words):
        Separator(Broken(), device="cpu").separate(Audio(noise(2, 1000), 44100))


def test_a_stream_can_be_cancelled(noise: Noise) -> None:
    token = CancelToken()
    stream = Separator(Delay(), device="cpu").stream([noise(2, 1000)] * 3, 44100, 2, cancel=token)
    next(stream)
    token.cancel()
    with pytest.raises(Cancelled):
        next(stream)
