"""STFT: physics of a tone and a click, laws of a linear isometry, and exact return for every length."""

from __future__ import annotations

import math

import pytest
import torch

from auralflow.dsp.stft import STFTConfig, istft, stft
from auralflow.errors import ConfigError, ShapeError

SMALL = STFTConfig(n_fft=512, hop_samples=128)
CONFIGS = [
    SMALL,
    STFTConfig(),
    STFTConfig(n_fft=2048, hop_samples=441),  # the hop does not divide the frame
    STFTConfig(n_fft=64, hop_samples=32),  # the longest hop
    STFTConfig(n_fft=16, hop_samples=1),
    STFTConfig(n_fft=2, hop_samples=1),
]
MIRRORED = [
    STFTConfig(n_fft=512, hop_samples=128, edges="reflect"),
    STFTConfig(n_fft=2048, hop_samples=441, edges="reflect"),
]
LENGTHS = [0, 1, 2, 15, 127, 128, 129, 511, 513, 999, 5003]


@pytest.mark.parametrize("config", CONFIGS, ids=str)
@pytest.mark.parametrize("n_samples", LENGTHS)
def test_inverse_returns_the_signal(config: STFTConfig, n_samples: int) -> None:
    signal = torch.randn(2, 3, n_samples, generator=torch.Generator().manual_seed(n_samples)).clamp(-1, 1)
    spectrogram = stft(signal, config)
    assert spectrogram.shape == (2, 3, config.n_freqs, 1 + math.ceil(n_samples / config.hop_samples))
    back = istft(spectrogram, config, n_samples)
    assert back.shape == signal.shape
    torch.testing.assert_close(back, signal, rtol=0, atol=1e-6)


@pytest.mark.parametrize("config", MIRRORED, ids=str)
@pytest.mark.parametrize("n_samples", [1030, 2048, 5003, 8820])
def test_mirrored_edges_are_those_of_torch(config: STFTConfig, n_samples: int) -> None:
    signal = torch.randn(2, n_samples, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    window = torch.hann_window(config.n_fft, dtype=torch.float64)
    reference = torch.stft(
        signal, config.n_fft, config.hop_samples, window=window, center=True, pad_mode="reflect", return_complex=True
    )
    ours = stft(signal, config)
    torch.testing.assert_close(ours, reference, rtol=0, atol=1e-11)
    changed = ours * torch.rand(ours.shape, generator=torch.Generator().manual_seed(1))
    expected = torch.istft(changed, config.n_fft, config.hop_samples, window=window, length=n_samples)
    torch.testing.assert_close(istft(changed, config, n_samples), expected, rtol=0, atol=1e-11)


@pytest.mark.parametrize("config", MIRRORED, ids=str)
@pytest.mark.parametrize("n_samples", LENGTHS)
def test_mirrored_edges_return_the_signal_of_any_length(config: STFTConfig, n_samples: int) -> None:
    signal = torch.randn(2, 3, n_samples, generator=torch.Generator().manual_seed(n_samples)).clamp(-1, 1)
    spectrogram = stft(signal, config)
    assert spectrogram.shape == (2, 3, config.n_freqs, 1 + n_samples // config.hop_samples)
    torch.testing.assert_close(istft(spectrogram, config, n_samples), signal, rtol=0, atol=2e-6)


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_double_precision_stays_double(config: STFTConfig) -> None:
    signal = torch.randn(1001, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    spectrogram = stft(signal, config)
    assert spectrogram.dtype == torch.complex128
    torch.testing.assert_close(istft(spectrogram, config, 1001), signal, rtol=0, atol=1e-14)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_transformed_in_single(dtype: torch.dtype) -> None:
    signal = torch.randn(1001, generator=torch.Generator().manual_seed(0)).to(dtype)
    assert torch.equal(stft(signal, SMALL), stft(signal.float(), SMALL))


def test_agrees_with_the_sum_that_defines_it() -> None:
    config = STFTConfig(n_fft=8, hop_samples=3)
    signal = torch.randn(20, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    ours = stft(signal, config)
    for frame in range(config.n_frames(20)):
        for freq in range(config.n_freqs):
            expected = 0j
            for i in range(8):
                at = frame * 3 - 4 + i
                sample = signal[at].item() if 0 <= at < 20 else 0.0
                window = 0.5 - 0.5 * math.cos(2 * math.pi * i / 8)
                expected += (
                    sample * window * complex(math.cos(math.pi * freq * i / 4), -math.sin(math.pi * freq * i / 4))
                )
            assert abs(ours[freq, frame].item() - expected) < 1e-12


def test_a_tone_has_its_energy_in_its_bin() -> None:
    time = torch.arange(8192, dtype=torch.float64)
    spectrogram = stft(torch.cos(2 * math.pi * 40 * time / 512), SMALL)
    inner = spectrogram.abs()[:, 4:-4]
    assert (inner.argmax(0) == 40).all()
    torch.testing.assert_close(inner[40], torch.full_like(inner[40], 512 / 4))
    torch.testing.assert_close(inner[[39, 41]], torch.full_like(inner[[39, 41]], 512 / 8))
    assert inner[:38].max() < 1e-9
    assert inner[43:].max() < 1e-9


def test_a_click_is_seen_by_the_frames_around_it_only() -> None:
    signal = torch.zeros(4096)
    signal[1000] = 1
    seen = stft(signal, SMALL).abs().amax(0).nonzero().flatten().tolist()
    assert seen == [k for k in range(33) if abs(1000 - 128 * k) < 256]


def test_parseval() -> None:
    """With a hop of a quarter frame the squared Hann windows sum to 3/2, so energy is kept up to that factor."""
    signal = torch.zeros(6000, dtype=torch.float64)
    signal[1000:5000] = torch.randn(4000, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    power = stft(signal, SMALL).abs().square()
    both_sides = 2 * power.sum() - power[0].sum() - power[-1].sum()
    torch.testing.assert_close(both_sides / 512, 1.5 * signal.square().sum())


def test_linear() -> None:
    generator = torch.Generator().manual_seed(3)
    one, other = torch.randn(2, 3000, generator=generator, dtype=torch.float64)
    torch.testing.assert_close(stft(2 * one - 3 * other, SMALL), 2 * stft(one, SMALL) - 3 * stft(other, SMALL))
    spectra = torch.randn(2, 257, 25, generator=generator, dtype=torch.complex128)
    together = istft(2 * spectra[0] - 3 * spectra[1], SMALL, 3000)
    torch.testing.assert_close(together, 2 * istft(spectra[0], SMALL, 3000) - 3 * istft(spectra[1], SMALL, 3000))


def test_inverse_is_the_least_squares_one() -> None:
    """No other signal's STFT is nearer: the derivative of the distance vanishes at the answer."""
    config = STFTConfig(n_fft=32, hop_samples=12)
    wanted = torch.randn(17, config.n_frames(100), generator=torch.Generator().manual_seed(4), dtype=torch.complex128)
    wanted[[0, -1]] = wanted[[0, -1]].real + 0j
    weight = torch.full((17, 1), 2.0, dtype=torch.float64)
    weight[[0, -1]] = 1  # each bin but the first and the last stands for two of the full transform
    answer = istft(wanted, config, 100).requires_grad_()
    distance = (weight * (stft(answer, config) - wanted).abs().square()).sum()
    (gradient,) = torch.autograd.grad(distance, answer)
    assert distance > 1
    assert gradient.abs().max() < 1e-10


def test_gradients_are_right() -> None:
    config = STFTConfig(n_fft=8, hop_samples=3)
    signal = torch.randn(2, 10, generator=torch.Generator().manual_seed(5), dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: torch.view_as_real(stft(x, config)), signal)
    spectrogram = stft(signal, config).detach().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: istft(x, config, 10), spectrogram)


def test_inference_mode_leaves_nothing_behind_that_training_cannot_use() -> None:
    config = STFTConfig(n_fft=48, hop_samples=12)  # a window that no other test has cached
    with torch.inference_mode():
        istft(stft(torch.randn(100), config), config, 100)
    signal = torch.randn(100, requires_grad=True)
    istft(stft(signal, config), config, 100).square().sum().backward()
    torch.testing.assert_close(signal.grad, 2 * signal.detach())


def test_compiles_whole_and_without_a_warning() -> None:
    signal = torch.randn(2, 1000, generator=torch.Generator().manual_seed(6))
    there_and_back = torch.compile(lambda x: istft(stft(x, SMALL), SMALL, 1000), backend="eager", fullgraph=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("jaxtyping.config.jaxtyping_disable", True)  # the compiler cannot trace the type checks
        torch.testing.assert_close(there_and_back(signal), signal, rtol=0, atol=1e-6)


@pytest.mark.parametrize("shape", [(256, 9), (257, 8), (257, 10)])
def test_rejects_a_spectrogram_of_another_length(shape: tuple[int, int]) -> None:
    with pytest.raises(ShapeError, match="257 bins and 9 frames for 1000 samples"):
        istft(torch.zeros(shape, dtype=torch.complex64), SMALL, 1000)


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"n_fft": 511}, "stft.n_fft"),
        ({"n_fft": 0}, "stft.n_fft"),
        ({"hop_samples": 0}, "stft.hop_samples"),
        ({"n_fft": 512, "hop_samples": 257}, "stft.hop_samples"),
        ({"window": "blackman"}, "stft.window"),
        ({"edges": "wrap"}, "stft.edges"),
        ({"n_fft": 512, "hop_samples": 129, "edges": "reflect"}, "a quarter of n_fft"),
    ],
)
def test_rejects_bad_settings(values: dict[str, object], key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jaxtyping.config.jaxtyping_disable", True)  # users run without its type checks
    with pytest.raises(ConfigError, match=key):
        STFTConfig(**values)
