"""What the package BS-RoFormer 1.2.4 makes of a mixture: its weights under public names, the mixture and the stems.

    .venv-peers/bin/python tests/parity/peers/roformers_1_2_4.py NAME OUT.npz

Its layers are wrapped, for streams of residuals of which there is one here; the names of that are taken out. In
BS-RoFormer later transformers mix the values of the first one into their own. That mix is closed: its share is the
sigmoid of minus infinity, so that its weights can be left out.
"""

from __future__ import annotations

import re
import sys
import warnings

import numpy as np
import torch

warnings.filterwarnings("ignore")
from bs_roformer import BSRoformer, MelBandRoformer  # noqa: E402

SIZES = {
    "dim": 48,
    "depth": 3,
    "stereo": True,
    "time_transformer_depth": 1,
    "freq_transformer_depth": 2,
    "dim_head": 16,
    "heads": 3,
    "stft_hop_length": 441,
    "num_residual_streams": 1,
    "flash_attn": False,
    "mask_estimator_depth": 2,
}


def build(name: str) -> torch.nn.Module:
    """A model with random weights, even where fresh ones are all equal."""
    torch.manual_seed(0)
    if name == "bs_roformer":
        model = BSRoformer(**SIZES, num_stems=2)
    else:
        model = MelBandRoformer(**SIZES, num_stems=2, linear_transformer_depth=0, add_value_residual=False)
    for key, tensor in model.state_dict().items():
        if key.endswith("gamma"):
            tensor += 0.3 * torch.randn_like(tensor)
        elif "value_residual_mix" in key:
            tensor.fill_(0 if key.endswith("weight") else -torch.inf)
    return model.eval()


def rename(key: str) -> str:
    """The name in public checkpoints."""
    return re.sub(r"\.layers\.(\d+)\.([01])\.branch\.", r".layers.\1.\2.", key)


def list_state(name: str, model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """The state dict under public names, without the closed mix."""
    state = {rename(key): tensor for key, tensor in model.state_dict().items() if "value_residual_mix" not in key}
    if name == "mel_band_roformer":  # an empty place for linear attention comes first
        state = {
            re.sub(r"^layers\.(\d+)\.([12])", lambda m: f"layers.{m[1]}.{int(m[2]) - 1}", k): v
            for k, v in state.items()
        }
    return state


if __name__ == "__main__":
    name, out = sys.argv[1:]
    model = build(name)
    mixture = 0.1 * torch.randn(1, 2, 441 * 100)
    with torch.inference_mode():
        stems = model(mixture)
    arrays = {f"state.{key}": tensor.numpy() for key, tensor in list_state(name, model).items()}
    np.savez(out, mixture=mixture.numpy(), stems=stems.numpy(), **arrays)
