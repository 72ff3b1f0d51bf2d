"""Both RoFormers against what the package BS-RoFormer 0.3.10 gave for the same weights and mixture, and their state
dicts against its names and shapes at published sizes. `tests/data/make_roformers.py` makes the files of both."""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from auralflow.dsp.stft import STFTConfig
from auralflow.models import bs_roformer, mel_band_roformer
from auralflow.models.bs_roformer import BSRoformer, BSRoformerConfig
from auralflow.models.mel_band_roformer import MelBandRoformer, MelBandRoformerConfig
from auralflow.spec import ModelSpec

DATA = Path(__file__).parents[1] / "data"
SPEC = ModelSpec(("vocals", "rest"), 44100, 2, segment_samples=44100)
TINY: dict[str, Any] = {
    "stft": STFTConfig(128, 32, edges="reflect"),
    "width": 6,
    "depth": 2,
    "time_depth": 2,
    "freq_depth": 1,
    "n_heads": 2,
    "head_width": 6,
}


def build_tiny(name: str) -> nn.Module:
    """The model that the package's tiny one is."""
    if name == "bs_roformer":
        return BSRoformer(SPEC, BSRoformerConfig(**TINY, band_widths=(4, 8, 16, 16, 21))).eval()
    return MelBandRoformer(
        dataclasses.replace(SPEC, stems=("vocals",)), MelBandRoformerConfig(**TINY, n_bands=6)
    ).eval()


def _read(name: str) -> tuple[dict[str, Tensor], Tensor, Tensor]:
    """State dict, mixture and stems."""
    with np.load(DATA / f"{name}_0_3_10.npz") as arrays:
        found = {key: torch.from_numpy(arrays[key]).float() for key in arrays.files}
    state = {key.removeprefix("state."): found[key] for key in found if key.startswith("state.")}
    layers = {key.rpartition(".to_qkv")[0] for key in state if ".to_qkv" in key}
    state |= {f"{layer}.rotary_embed.freqs": found["freqs"] for layer in layers}
    return state, found["mixture"], found["stems"]


@pytest.mark.parametrize("name", ["bs_roformer", "mel_band_roformer"])
def test_stems_are_those_of_the_package(name: str) -> None:
    state, mixture, expected = _read(name)
    model = build_tiny(name)
    model.load_state_dict(state)
    with torch.inference_mode():
        stems = model(mixture).squeeze(1)
    assert expected.std() > 0.02
    torch.testing.assert_close(stems, expected, rtol=0, atol=5e-7)


@pytest.mark.parametrize("name", ["bs_roformer", "mel_band_roformer"])
def test_every_weight_counts(name: str) -> None:
    """The comparison above would notice any tensor that is not where it belongs."""
    state, mixture, expected = _read(name)
    model = build_tiny(name)
    one_of_each = {re.sub(r"\d+", "#", key): key for key in state}
    assert len(one_of_each) == 15
    for key in one_of_each.values():
        model.load_state_dict({**state, key: state[key] * 1.1 + 0.01})
        with torch.inference_mode():
            assert (model(mixture[:1]).squeeze(1) - expected[:1]).abs().max() > 1e-5, key


@pytest.mark.parametrize(
    ("name", "model_class", "config", "spec", "n_keys"),
    [
        ("bs_roformer", BSRoformer, BSRoformerConfig(), bs_roformer.SPEC, 1311),
        ("mel_band_roformer", MelBandRoformer, MelBandRoformerConfig(), mel_band_roformer.SPEC, 684),
    ],
)
def test_state_dict_of_the_published_size(
    name: str, model_class: type[nn.Module], config: Any, spec: ModelSpec, n_keys: int
) -> None:
    with torch.device("meta"):
        model = model_class(spec, config)
    found = {key: tuple(tensor.shape) for key, tensor in model.state_dict().items()}
    expected = dict(_read_keys(name))
    assert found == expected
    assert len(found) == n_keys


def test_size_of_a_public_checkpoint() -> None:
    """`model_bs_roformer_ep_317_sdr_12.9755.ckpt`, of float32, has 639 MB."""
    spec = ModelSpec(("vocals",), 44100, 2, segment_samples=352800)
    with torch.device("meta"):
        model = BSRoformer(spec, BSRoformerConfig(width=512, depth=12))
    assert sum(4 * tensor.numel() for tensor in model.state_dict().values()) / 1e6 == pytest.approx(639, abs=1)


def _read_keys(name: str) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Names and shapes of a list in which braces hold ranges of numbers."""
    for line in (DATA / "keys" / f"{name}.txt").read_text().splitlines():
        pattern, _, shape = line.partition(" ")
        parts = re.split(r"\{(.*?)\}", pattern)
        choices = [_expand(part) if place % 2 else [part] for place, part in enumerate(parts)]
        for chosen in itertools.product(*choices):
            yield "".join(chosen), tuple(map(int, shape.split("x")))


def _expand(text: str) -> list[str]:
    if "-" not in text:
        return text.split(",")
    first, last = map(int, text.split("-"))
    return [str(number) for number in range(first, last + 1)]


def test_list_of_keys_is_read_as_meant() -> None:
    assert _expand("3,7") == ["3", "7"]
    assert _expand("9-11") == ["9", "10", "11"]
    assert dict(_read_keys("bs_roformer"))["band_split.to_features.61.1.weight"] == (384, 516)
