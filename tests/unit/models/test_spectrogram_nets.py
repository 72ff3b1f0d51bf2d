"""The three networks: what each adds to the contract that all models keep (tests/contract/test_models.py)."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from auralflow.config import from_yaml
from auralflow.errors import ConfigError
from auralflow.models import spectrogram_net_lstm, spectrogram_net_simple, spectrogram_net_vae
from auralflow.models.blocks.unet import UNetConfig
from auralflow.models.spectrogram_net_lstm import SpectrogramNetLSTM, SpectrogramNetLSTMConfig
from auralflow.models.spectrogram_net_simple import SpectrogramNetSimple, SpectrogramNetSimpleConfig
from auralflow.models.spectrogram_net_vae import SpectrogramNetVAE, SpectrogramNetVAEConfig
from auralflow.spec import ModelSpec

MODELS = [
    (SpectrogramNetSimple, spectrogram_net_simple.TINY),
    (SpectrogramNetLSTM, spectrogram_net_lstm.TINY),
    (SpectrogramNetVAE, spectrogram_net_vae.TINY),
]
SPEC = ModelSpec(("vocals", "rest"), sample_rate=8000, channels=2, segment_samples=8000)


def _mixture(n_channels: int = 2) -> torch.Tensor:
    return torch.randn(2, n_channels, 3000, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("model", "config"), MODELS)
@pytest.mark.parametrize("stems", [("vocals",), ("a", "b", "c", "d", "e", "f")])
@pytest.mark.parametrize("channels", [1, 3])
def test_any_number_of_stems_and_channels(model, config, stems, channels) -> None:
    spec = ModelSpec(stems, 8000, channels, 8000)
    assert model(spec, config)(_mixture(channels)).shape == (2, len(stems), channels, 3000)


@pytest.mark.parametrize(("model", "config"), MODELS)
@pytest.mark.parametrize("mask", ["sigmoid", "relu", "softmax", "none"])
def test_every_mask_activation_trains(model, config, mask) -> None:
    torch.manual_seed(0)
    network = model(SPEC, dataclasses.replace(config, mask=mask))
    network(_mixture()).square().mean().backward()
    assert all((parameter.grad != 0).any() for parameter in network.parameters())


@pytest.mark.parametrize(("model", "config"), MODELS)
def test_selu_variant_has_no_batch_statistics(model, config) -> None:
    network = model(SPEC, dataclasses.replace(config, unet=UNetConfig((4, 6), 1, "selu", dropout=0.0))).eval()
    assert not list(network.buffers())
    assert network(_mixture()).shape == (2, 2, 2, 3000)


@pytest.mark.parametrize(("model", "config"), MODELS)
def test_the_same_seed_gives_the_same_parameters(model, config) -> None:
    def build(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        return torch.cat([parameter.flatten() for parameter in model(SPEC, config).parameters()])

    assert torch.equal(build(1), build(1))
    assert not torch.equal(build(1), build(2))


@pytest.mark.parametrize(
    ("model", "config", "millions"),
    [
        (SpectrogramNetSimple, SpectrogramNetSimpleConfig(), 7.3),
        (SpectrogramNetLSTM, SpectrogramNetLSTMConfig(), 11.9),
        (SpectrogramNetVAE, SpectrogramNetVAEConfig(), 10.3),
    ],
)
def test_default_sizes_are_those_of_the_docstrings(model, config, millions) -> None:
    with torch.device("meta"):
        network = model(spectrogram_net_simple.SPEC, config)
    assert sum(parameter.numel() for parameter in network.parameters()) / 1e6 == pytest.approx(millions, abs=0.05)


@pytest.mark.parametrize(("model", "config"), MODELS)
def test_a_few_steps_lower_the_loss(model, config) -> None:
    """Low and high tones are told apart by their bins, so the nets must learn it quickly."""
    torch.manual_seed(0)
    time = torch.arange(4000) / 8000
    targets = torch.stack([torch.sin(6.28 * 300 * time), torch.sin(6.28 * 2500 * time)]).reshape(1, 2, 1, -1)
    targets = targets.expand(1, 2, 2, -1)
    network = model(SPEC, config)
    optimiser = torch.optim.Adam(network.parameters(), 0.02)
    losses = []
    for _ in range(20):
        optimiser.zero_grad()
        loss = (network(targets.sum(1)) - targets).square().mean()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.4 * losses[0]


def test_lstm_hears_the_whole_segment_and_the_plain_net_does_not() -> None:
    """A change beyond the reach of the convolutions (about 40 frames of 64 samples) arrives through the LSTM only."""
    mixture = torch.randn(1, 2, 8000, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    changed = mixture.clone()
    changed[:, :, -2000:] *= -0.5
    moved = {}
    for model, config in MODELS:
        torch.manual_seed(0)
        network = model(SPEC, dataclasses.replace(config, unet=UNetConfig((4, 6), 2))).double().eval()
        with torch.no_grad():
            moved[model] = (network(changed) - network(mixture))[..., :2000].abs().max().item()
    assert moved[SpectrogramNetSimple] == 0
    assert moved[SpectrogramNetLSTM] > 0
    assert moved[SpectrogramNetVAE] > 0


def test_vae_gives_its_latent_and_is_random_in_training_only() -> None:
    torch.manual_seed(0)
    network = SpectrogramNetVAE(
        SPEC, dataclasses.replace(spectrogram_net_vae.TINY, unet=UNetConfig((4, 6), 2, dropout=0.0))
    )
    estimate = network.train().estimate(_mixture())
    assert not torch.equal(estimate.stems, network(_mixture()))
    mean, log_variance = network.eval().estimate(_mixture()).latent
    assert mean.shape == log_variance.shape
    assert mean.shape[0] == 2
    assert torch.equal(network(_mixture()), network(_mixture()))


@pytest.mark.parametrize(
    ("config", "text", "key"),
    [
        (SpectrogramNetLSTMConfig, "n_hidden: 0", "config.n_hidden"),
        (SpectrogramNetVAEConfig, "n_latent: 0", "config.n_latent"),
        (SpectrogramNetSimpleConfig, "unet: {widths: [0]}", "unet.widths"),
        (SpectrogramNetSimpleConfig, "mask: tanh", "mask"),
        (SpectrogramNetSimpleConfig, "stft: {n_fft: 7}", "stft.n_fft"),
    ],
)
def test_rejects_bad_settings(config, text, key) -> None:
    with pytest.raises(ConfigError, match=key):
        from_yaml(config, text)
