"""The band-split RoFormer: its bands and its sizes. What it shares with the other is in blocks/test_roformer.py."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from auralflow.config import from_yaml
from auralflow.errors import ConfigError
from auralflow.models.bs_roformer import SPEC, BSRoformer, BSRoformerConfig


def _count(config: BSRoformerConfig, stems: tuple[str, ...]) -> int:
    with torch.device("meta"):
        model = BSRoformer(dataclasses.replace(SPEC, stems=stems), config)
    return sum(parameter.numel() for parameter in model.parameters())


def test_default_sizes_are_those_of_the_docstring() -> None:
    four, one = _count(BSRoformerConfig(), SPEC.stems), _count(BSRoformerConfig(), ("vocals",))
    assert (four, (four - one) // 3) == (222_335_748, 49_267_720)


def test_bands_are_those_of_the_paper() -> None:
    """2 bins below 1 kHz, 4 to 2, 12 to 4, 24 to 8, 48 to 16 kHz, and two bands above."""
    bands = BSRoformerConfig().bands
    assert [freq for band in bands for freq in band] == list(range(1025))
    assert len(bands) == 62
    for high_hz, width in ((1000, 2), (2000, 4), (4000, 12), (8000, 24), (16000, 48)):
        below = [len(band) for band in bands if band.stop * 44100 / 2048 < high_hz + 50]
        assert below[-1] == width


@pytest.mark.parametrize("widths", ["[]", "[1024]", "[1026, -1]", "[0, 1025]", "[1, 1025]"])
def test_rejects_bands_that_do_not_make_up_the_spectrogram(widths: str) -> None:
    with pytest.raises(ConfigError, match=r"config\.band_widths: expected .* sum to the 1025 bins"):
        from_yaml(BSRoformerConfig, f"band_widths: {widths}")


def test_rejects_masks_without_layers() -> None:
    with pytest.raises(ConfigError, match=r"config\.n_mask_layers"):
        BSRoformerConfig(n_mask_layers=0)
