"""The U-Net: shapes, reach, and that every path through it is used."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from auralflow.errors import ConfigError
from auralflow.models.blocks.unet import MaskUNet, UNetConfig

SMALL = UNetConfig(widths=(3, 4, 5), n_frame_levels=2)


def _features(n_frames: int = 12, n_channels: int = 2) -> Tensor:
    return torch.randn(2, n_channels, 24, n_frames, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("activation", ["leaky_relu", "selu"])
@pytest.mark.parametrize(("n_channels", "n_stems"), [(1, 1), (2, 4), (3, 2)])
def test_shapes(activation: str, n_channels: int, n_stems: int) -> None:
    network = MaskUNet(n_channels, n_stems, UNetConfig((3, 4, 5), 2, activation))
    assert network(_features(8, n_channels)).shape == (2, n_stems, n_channels, 24, 8)


def test_stride_and_bins_at_the_bottom_are_those_of_the_network() -> None:
    class Look(nn.Module):
        def forward(self, features: Tensor) -> Tensor:
            self.shape = features.shape
            return features

    look = Look()
    MaskUNet(2, 1, SMALL, look)(_features(12))
    assert SMALL.stride == (8, 4)
    assert look.shape == (2, 5, SMALL.bottom_freqs(24), 12 // 4)
    assert SMALL.bottom_freqs(17) == SMALL.bottom_freqs(24) == 3
    assert UNetConfig().stride == (32, 32)


@pytest.mark.parametrize("activation", ["leaky_relu", "selu"])
def test_every_parameter_gets_a_gradient(activation: str) -> None:
    torch.manual_seed(0)
    network = MaskUNet(2, 3, UNetConfig((3, 4, 5), 2, activation))
    network(_features()).square().sum().backward()
    assert all((parameter.grad != 0).any() for parameter in network.parameters())


def test_skip_connections_carry_detail_past_the_bottom() -> None:
    class Block(nn.Module):
        def forward(self, features: Tensor) -> Tensor:
            return torch.zeros_like(features)

    torch.manual_seed(0)
    network = MaskUNet(2, 1, SMALL, Block()).eval()
    features = _features().requires_grad_()
    network(features)[0, 0, 0, 10, 5].backward()
    assert (features.grad[0, :, 10, 5] != 0).all()
    assert (features.grad[1] == 0).all()


def test_selu_keeps_mean_and_variance_at_initialisation() -> None:
    torch.manual_seed(0)
    network = MaskUNet(2, 1, UNetConfig((32, 32), 2, "selu", dropout=0.0))
    inside = network.down[0](torch.randn(2, 2, 64, 64))[:, :, 8:-8, 8:-8]
    assert inside.mean().abs() < 0.3
    assert 0.5 < inside.std() < 1.5


def test_dropout_works_in_training_only_and_before_the_bottleneck_too() -> None:
    class Look(nn.Module):
        def forward(self, features: Tensor) -> Tensor:
            self.share_of_zeros = (features == 0).float().mean().item()
            return features

    torch.manual_seed(0)
    look = Look()
    network = MaskUNet(2, 1, UNetConfig((8, 8, 16), 2, dropout=0.5), look)
    assert not torch.equal(network.train()(_features()), network(_features()))
    assert look.share_of_zeros == pytest.approx(0.5, abs=0.1)
    assert torch.equal(network.eval()(_features()), network(_features()))
    assert look.share_of_zeros == 0


def test_the_bottlenecks_latent_comes_out() -> None:
    class WithLatent(nn.Module):
        def forward(self, features: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
            return features, (features.mean(), features.var())

    torch.manual_seed(0)
    with_latent = MaskUNet(2, 1, SMALL, WithLatent()).eval()
    masks, (mean, _) = with_latent(_features())
    assert masks.shape == (2, 1, 2, 24, 12)
    assert mean.ndim == 0


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"widths": ()}, "unet.widths"),
        ({"widths": (4, 0)}, "unet.widths"),
        ({"n_frame_levels": 6}, "unet.n_frame_levels"),
        ({"n_frame_levels": -1}, "unet.n_frame_levels"),
        ({"activation": "gelu"}, "unet.activation"),
        ({"dropout": 1.0}, "unet.dropout"),
    ],
)
def test_rejects_bad_settings(values: dict[str, object], key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jaxtyping.config.jaxtyping_disable", True)  # users run without its type checks
    with pytest.raises(ConfigError, match=key):
        UNetConfig(**values)
