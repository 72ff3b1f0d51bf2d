"""Hybrid Demucs: sizes, where its branches meet, levels and lengths, selection, learning; what both Demucs share."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from auralflow.config import from_yaml
from auralflow.errors import ConfigError, ShapeError, UnknownNameError
from auralflow.models.hdemucs import SPEC, TINY, HDemucs, HDemucsConfig
from auralflow.spec import ModelSpec

SMALL_SPEC = ModelSpec(("vocals", "rest"), sample_rate=8000, channels=2, segment_samples=8000)
PLAIN = dataclasses.replace(TINY, n_fft=64, depth=3, lstm_start=9, attention_start=9)


def _noise(*shape: int, seed: int = 0) -> Tensor:
    return 0.1 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def _build(config: HDemucsConfig = PLAIN, spec: ModelSpec = SMALL_SPEC) -> HDemucs:
    torch.manual_seed(0)
    return HDemucs(spec, config).double().eval()


def test_default_size_is_that_of_the_docstring() -> None:
    with torch.device("meta"):
        model = HDemucs(SPEC, HDemucsConfig(rescale=0.0))
    assert sum(parameter.numel() for parameter in model.parameters()) == 83_637_832


def test_levels_are_those_of_the_paper() -> None:
    """2048 bins become 512, 128, 32, 8 and one; then two frames become one."""
    levels = HDemucsConfig().plan_levels()
    assert [level.width for level in levels] == [48, 96, 192, 384, 768, 1536]
    assert [(level.kernel, level.stride) for level in levels] == [(8, 4)] * 5 + [(4, 2)]
    assert [level.is_spectral for level in levels] == [True] * 5 + [False]
    assert [level.is_last_spectral for level in levels] == [False] * 4 + [True, False]
    assert [level.norm_groups for level in levels] == [0] * 4 + [4] * 2


@pytest.mark.parametrize("n_samples", [1, 2, 15, 16, 17, 23, 24, 25, 33, 1000])
@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_any_length_comes_back(depth: int, n_samples: int) -> None:
    stems = _build(dataclasses.replace(PLAIN, depth=depth))(_noise(1, 2, n_samples))
    assert stems.shape == (1, 2, 2, n_samples)
    assert stems.isfinite().all()


def test_mono_of_one_sample_has_no_deviation_to_divide_by() -> None:
    stems = _build(spec=dataclasses.replace(SMALL_SPEC, channels=1))(torch.ones(1, 1, 1, dtype=torch.float64))
    assert stems.isfinite().all()


def test_both_branches_are_heard_in_the_output() -> None:
    """With one branch's last layer silenced, what is left is the other's; both together are the sum."""
    model, mixture = _build(), _noise(1, 2, 500)
    whole = model(mixture)

    def silence(*branches: str) -> Tensor:
        silenced = _build()
        for branch in branches:
            layer = getattr(silenced, branch)[-1].conv_tr
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
        return silenced(mixture)

    spectral, temporal, neither = silence("tdecoder"), silence("decoder"), silence("decoder", "tdecoder")
    torch.testing.assert_close(spectral + temporal - neither, whole, rtol=0, atol=1e-12)
    assert (spectral - neither).abs().max() > 1e-3
    assert (temporal - neither).abs().max() > 1e-3


def test_branches_meet_and_part_at_the_last_spectral_level() -> None:
    """What only the spectrogram's encoder hears reaches the output of the waveform's decoder, by no other way."""
    model, waveform = _build(), torch.zeros(1, 2, 512, dtype=torch.float64)

    def differ() -> float:
        one, other = (model._convolve(_noise(1, 4, 32, 32, seed=seed), waveform)[1] for seed in (0, 1))
        return float((one - other).detach().abs().max())

    assert differ() > 1e-5
    nn.init.zeros_(model.encoder[1].conv.weight)
    assert model.encoder[1].shape.is_spectral
    assert model.config.plan_levels()[1].is_last_spectral
    assert differ() == 0


def test_louder_mixtures_give_louder_stems() -> None:
    model, mixture = _build(), _noise(1, 2, 500)
    torch.testing.assert_close(model(100 * mixture), 100 * model(mixture), rtol=0, atol=0.05)


def test_frequency_vectors_are_kept_divided_by_their_gain() -> None:
    model = _build(dataclasses.replace(PLAIN, frequency_weight=0.5, frequency_gain=4.0))
    features = _noise(1, 8, 8, 5)
    added = model.freq_emb(features) - features
    expected = 2 * model.freq_emb.embedding.weight.t()
    torch.testing.assert_close(added, expected[None, :, :, None].expand_as(added))
    assert _build(dataclasses.replace(PLAIN, frequency_weight=0.0)).freq_emb is None


def test_smooth_vectors_of_neighbours_are_alike() -> None:
    def roughness(is_smooth: bool) -> float:
        config = dataclasses.replace(PLAIN, n_fft=1024, depth=1, is_frequency_smooth=is_smooth)
        weight = _build(config).freq_emb.embedding.weight[16:]
        return float((weight.diff(dim=0).square().mean() / weight.square().mean()).detach())

    assert roughness(True) < 0.1 * roughness(False)


@pytest.mark.parametrize("branches", ["none", "encoder", "decoder", "both"])
def test_branches_are_where_they_are_asked_for(branches: str) -> None:
    keys = _build(dataclasses.replace(PLAIN, branches=branches)).state_dict()
    for side in ("encoder", "decoder"):
        has_branch = any(key.startswith((f"{side}.", f"t{side}.")) and ".dconv." in key for key in keys)
        assert has_branch == (branches in (side, "both"))


def test_branches_add_what_their_gain_lets_through() -> None:
    mixture = _noise(1, 2, 500)
    plain, silent, open_ = (
        _build(dataclasses.replace(PLAIN, branches=branches, branch_scale=scale))
        for branches, scale in (("none", 0.1), ("encoder", 0.0), ("encoder", 0.5))
    )
    for model in (silent, open_):
        model.load_state_dict(plain.state_dict(), strict=False)
    torch.testing.assert_close(silent(mixture), plain(mixture))
    assert (open_(mixture) - plain(mixture)).abs().max() > 1e-3


def test_rescaling_goes_half_way_to_the_reference() -> None:
    """In decibels: the new deviation is the geometric mean of the old one and the reference."""
    plain, rescaled = (_build(dataclasses.replace(PLAIN, rescale=rescale)) for rescale in (0.0, 0.1))
    for before, after in zip(plain.modules(), rescaled.modules(), strict=True):
        if isinstance(before, nn.Conv1d | nn.Conv2d | nn.ConvTranspose1d | nn.ConvTranspose2d):
            old, new = before.weight.std(), after.weight.std()
            torch.testing.assert_close(new, (old * 0.1).sqrt(), rtol=1e-5, atol=0)
            torch.testing.assert_close(after.bias / before.bias, (new / old).expand_as(after.bias), rtol=1e-5, atol=0)


def test_selection_knows_its_stems() -> None:
    part = _build().select(["rest"])
    assert part.spec.stems == ("rest",)
    assert part(_noise(1, 2, 0)).shape == (1, 1, 2, 0)
    with pytest.raises(UnknownNameError, match="drums"):
        part.select(["drums"])


def test_autocast_gives_float32_near_the_exact_stems(
    half_precision_error: Callable[[nn.Module, Tensor], float],
) -> None:
    model = _build().float()
    mixture = _noise(1, 2, 1000).float()
    assert 0 < half_precision_error(model, mixture) < 1e-2


def test_twenty_steps_overfit_a_batch(
    two_tones: Callable[[int, int], Tensor], overfit: Callable[[nn.Module, Tensor, int, float], float]
) -> None:
    torch.manual_seed(0)
    targets = two_tones(600, 1)
    model = HDemucs(SMALL_SPEC, dataclasses.replace(PLAIN, lstm_start=2, attention_start=2))
    assert overfit(model, targets, 20, 0.01) < 0.2


def test_rejects_another_number_of_channels() -> None:
    with pytest.raises(ShapeError, match=r"\(batch, 2, time\), got \(1, 3, 100\)"):
        _build()(_noise(1, 3, 100))


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("width: 0", "config.width"),
        ("depth: 0", "config.depth"),
        ("n_fft: 4100", "config.n_fft: expected a multiple of 8"),
        ("n_fft: 2048", "config.n_fft: with 2048 one frequency is left after 5 levels"),
        ("stride: 3", "config.kernel: expected a multiple of 4 and twice the stride"),
        ("kernel: 6", "config.kernel: expected a multiple of 4"),
        ("growth: 0.5", "config.growth"),
        ("norm_start: -1", "config.norm_start"),
        ("branches: decoders", "branches: expected one of"),
        ("branch_depth: 0", "config.branch_depth"),
        ("branch_compression: 0.5", "config.branch_compression"),
        ("rescale: -0.1", "config.rescale"),
        ("lstm_start: -1", "config.lstm_start"),
        ("attention_start: -1", "config.attention_start"),
    ],
)
def test_rejects_bad_settings(text: str, key: str) -> None:
    with pytest.raises(ConfigError, match=key):
        from_yaml(HDemucsConfig, text)
