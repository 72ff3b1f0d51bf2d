"""Both RoFormers beside the package BS-RoFormer 1.2.4, at the published bands and STFT."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from auralflow.models.bs_roformer import BSRoformer, BSRoformerConfig
from auralflow.models.mel_band_roformer import MelBandRoformer, MelBandRoformerConfig
from auralflow.spec import ModelSpec

PYTHON = Path(__file__).parents[3] / ".venv-peers" / "bin" / "python"
SCRIPT = Path(__file__).with_name("roformers_1_2_4.py")
SPEC = ModelSpec(("vocals", "rest"), 44100, 2, segment_samples=44100)
SIZES: dict[str, Any] = {"width": 48, "depth": 3, "freq_depth": 2, "n_heads": 3, "head_width": 16}

pytestmark = [pytest.mark.peers, pytest.mark.skipif(not PYTHON.exists(), reason="needs benchmarks/peers/make_env.sh")]


@pytest.mark.parametrize(
    ("name", "model_class", "config"),
    [
        ("bs_roformer", BSRoformer, BSRoformerConfig(**SIZES)),
        ("mel_band_roformer", MelBandRoformer, MelBandRoformerConfig(**SIZES)),
    ],
)
def test_stems_are_those_of_the_package(name: str, model_class: Any, config: Any, tmp_path: Path) -> None:
    subprocess.run([PYTHON, SCRIPT, name, tmp_path / "out.npz"], check=True)
    with np.load(tmp_path / "out.npz") as arrays:
        found = {key: torch.from_numpy(arrays[key]) for key in arrays.files}
    model = model_class(SPEC, config).eval()
    model.load_state_dict({key.removeprefix("state."): found[key] for key in found if key.startswith("state.")})
    with torch.inference_mode():
        stems = model(found["mixture"])
    assert found["stems"].std() > 0.001
    error = (stems - found["stems"]).norm() / found["stems"].norm()
    assert error < 2e-6
