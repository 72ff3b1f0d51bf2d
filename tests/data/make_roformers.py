"""Makes the references of tests/parity/test_roformers.py with the package BS-RoFormer 0.3.10.

Its state dicts have the names of public checkpoints; later versions wrap each layer.

    .venv-peers/bin/python -m pip install --no-deps --target OLD BS-RoFormer==0.3.10
    PYTHONPATH=OLD .venv-peers/bin/python tests/data/make_roformers.py

Two tiny networks with random weights (half precision), a mixture and what they make of it; and the names and shapes of
the state dicts of two published sizes, with ranges in braces where names differ in a number only.
"""

from __future__ import annotations

import re
import warnings
from collections import defaultdict
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch

warnings.filterwarnings("ignore")
from bs_roformer import BSRoformer, MelBandRoformer  # noqa: E402

FOLDER = Path(__file__).parent
TINY = {
    "dim": 6,
    "depth": 2,
    "stereo": True,
    "time_transformer_depth": 2,
    "freq_transformer_depth": 1,
    "dim_head": 6,
    "heads": 2,
    "attn_dropout": 0.1,
    "ff_dropout": 0.1,
    "flash_attn": False,
    "stft_n_fft": 128,
    "stft_hop_length": 32,
    "stft_win_length": 128,
    "mask_estimator_depth": 2,
}
PUBLISHED = {"dim": 384, "depth": 6, "stereo": True, "time_transformer_depth": 1, "freq_transformer_depth": 1}
PUBLISHED |= {"mask_estimator_depth": 2, "flash_attn": False}


def make_reference(name: str, model: torch.nn.Module) -> None:
    """Weights, a mixture and its stems."""
    state = {key: _draw(key, tensor) for key, tensor in model.state_dict().items()}
    model.load_state_dict(state)
    mixture = 0.1 * torch.randn(2, 2, 1024)
    with torch.inference_mode():
        stems = model.eval()(mixture)
    arrays = {
        f"state.{key}": tensor.numpy().astype(np.float16)
        for key, tensor in state.items()
        if not key.endswith("rotary_embed.freqs")
    }
    freqs = next(tensor for key, tensor in state.items() if key.endswith("rotary_embed.freqs"))
    arrays |= {"freqs": freqs.numpy(), "mixture": mixture.numpy(), "stems": stems.numpy()}
    np.savez_compressed(FOLDER / f"{name}_0_3_10.npz", **arrays)


def _draw(key: str, tensor: torch.Tensor) -> torch.Tensor:
    """As large as fresh weights, but all of them random; the frequencies of the rotary embedding stay."""
    if key.endswith("rotary_embed.freqs"):
        return tensor
    noise = torch.randn_like(tensor)
    drawn = 1 + 0.3 * noise if key.endswith("gamma") else noise / max(1, tensor[0].numel()) ** 0.5
    return drawn.half().float()


def write_keys(name: str, model: torch.nn.Module) -> None:
    """One line for each shape and pattern of names."""
    groups = defaultdict(list)
    for key, tensor in model.state_dict().items():
        shape = "x".join(map(str, tensor.shape))
        numbers = tuple(map(int, re.findall(r"(?<=\.)\d+(?=\.)", key)))
        groups[re.sub(r"(?<=\.)\d+(?=\.)", "#", key), shape].append(tuple((n,) for n in numbers))
    lines = [
        f"{_fill(pattern, ranges)} {shape}" for (pattern, shape), found in groups.items() for ranges in _merge(found)
    ]
    (FOLDER / "keys").mkdir(exist_ok=True)
    (FOLDER / "keys" / f"{name}.txt").write_text("\n".join(lines) + "\n")


def _merge(found: list[tuple[tuple[int, ...], ...]]) -> list[tuple[tuple[int, ...], ...]]:
    """Join names that differ in one number only, place by place from the last."""
    for place in reversed(range(len(found[0]))):
        joined = defaultdict(tuple)
        for numbers in found:
            joined[numbers[:place], numbers[place + 1 :]] += numbers[place]
        found = [(*before, tuple(sorted(values)), *after) for (before, after), values in joined.items()]
    return found


def _fill(pattern: str, ranges: tuple[tuple[int, ...], ...]) -> str:
    for values in ranges:
        first, last = values[0], values[-1]
        is_range = len(values) > 2 and values == tuple(range(first, last + 1))
        text = f"{first}-{last}" if is_range else ",".join(map(str, values))
        pattern = pattern.replace("#", f"{{{text}}}" if len(values) > 1 else text, 1)
    return pattern


if __name__ == "__main__":
    assert version("BS-RoFormer") == "0.3.10"
    torch.manual_seed(0)
    bands = {"freqs_per_bands": (4, 8, 16, 16, 21), "dim_freqs_in": 65}
    make_reference("bs_roformer", BSRoformer(**TINY, **bands, num_stems=2))
    make_reference("mel_band_roformer", MelBandRoformer(**TINY, num_bands=6, num_stems=1, dim_freqs_in=65))
    write_keys("bs_roformer", BSRoformer(**PUBLISHED, num_stems=4))
    write_keys("mel_band_roformer", MelBandRoformer(**PUBLISHED, num_stems=1))
