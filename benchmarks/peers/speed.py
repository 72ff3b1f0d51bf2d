"""One run of another package for `benchmarks/speed.py`; its Python is that of `make_env.sh`. Prints numbers as JSON.

    .venv-peers/bin/python benchmarks/peers/speed.py '{"case": "htdemucs", "folder": "...", "n_threads": 2}'

What is timed is what the package offers for a song in memory, at the settings that are its fastest with equal output:
`demucs.apply.apply_model` within the normalisation of `demucs.api`, `openunmix.predict.separate`, and of BS-RoFormer
its transformers, with torch's attention.
"""

from __future__ import annotations

import json
import re
import sys
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch

HERE = Path(__file__).parent
SAMPLE_RATE = 44100
WARM_UP_S = 3.0

sys.path[:0] = [str(HERE.parents[1] / "tests" / "data"), str(HERE / "stubs")]
warnings.filterwarnings("ignore")


def main() -> None:
    """Do the task that the argument describes."""
    task = json.loads(sys.argv[1])
    torch.set_num_threads(task["n_threads"])
    folder = Path(task["folder"])
    if task["case"] == "roformer":
        compute, inputs, warm_up = open_stack(folder)
        stems = ["features"]
    else:
        compute, stems = open_demucs(folder) if task["case"] == "htdemucs" else open_open_unmix(folder, task["case"])
        inputs = torch.from_numpy(np.load(folder / "song.npy"))
        warm_up = inputs[:, : round(WARM_UP_S * SAMPLE_RATE)]
    print(json.dumps(time_one(compute, inputs, warm_up, task) | {"stems": stems}))


def time_one(compute: Callable[[Any], Any], inputs: Any, warm_up: Any, task: dict[str, Any]) -> dict[str, Any]:
    """As `speed_ours.py` does."""
    compute(warm_up)
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    base, started = memory_bytes("VmRSS"), time.perf_counter()
    found = compute(inputs)
    numbers = {"seconds": time.perf_counter() - started, "base": base, "peak": memory_bytes("VmHWM")}
    if "out" in task:
        np.save(task["out"], found)
    return numbers


def open_demucs(folder: Path) -> tuple[Callable[[torch.Tensor], np.ndarray], list[str]]:
    """Demucs 4.1.0."""
    import make_demucs
    from demucs.apply import apply_model

    model: Any = make_demucs.load(folder / "htdemucs_home" / "htdemucs.safetensors")

    def separate(mixture: torch.Tensor) -> np.ndarray:
        mono = mixture.mean(0)
        mean, deviation = mono.mean(), mono.std() + 1e-8
        stems = apply_model(model, ((mixture - mean) / deviation)[None], shifts=0, split=True, overlap=0.25)[0]
        return (stems * deviation + mean).numpy()

    return separate, list(model.sources)


def open_open_unmix(folder: Path, case: str) -> tuple[Callable[[torch.Tensor], np.ndarray], list[str]]:
    """Open-Unmix 1.3.0, on the whole song at once, as it does by itself."""
    from openunmix import predict, utils

    stems = ["vocals", "drums", "bass", "other"]
    n_iterations = 1 if case == "open_unmix_wiener" else 0
    separator = utils.load_separator(folder / "open_unmix_home", stems, niter=n_iterations, pretrained=True)
    separator.freeze()

    def separate(mixture: torch.Tensor) -> np.ndarray:
        with torch.no_grad():
            found = predict.separate(mixture[None], SAMPLE_RATE, separator=separator)
        return torch.cat([found[stem] for stem in stems]).numpy()

    return separate, stems


def open_stack(folder: Path) -> tuple[Callable[[torch.Tensor], np.ndarray], torch.Tensor, torch.Tensor]:
    """The transformers of BS-RoFormer 1.2.4, in the order of its Mel-Band RoFormer."""
    from bs_roformer.mel_band_roformer import Transformer
    from rotary_embedding_torch import RotaryEmbedding

    with np.load(folder / "roformer" / "stack.npz") as arrays:
        features = torch.from_numpy(arrays["features"])
        state = {k.removeprefix("state."): torch.from_numpy(arrays[k]) for k in arrays.files if k.startswith("state.")}
    rotary = [RotaryEmbedding(dim=64), RotaryEmbedding(dim=64)]
    depth = 1 + max(int(key.split(".")[0]) for key in state)
    pairs = torch.nn.ModuleList(
        torch.nn.ModuleList(Transformer(dim=384, depth=1, dim_head=64, heads=8, rotary_embed=r) for r in rotary)
        for _ in range(depth)
    )
    # Each layer is wrapped there, for streams of residuals of which there is one.
    pattern = re.compile(r"(\.layers\.\d+\.[01])\.")
    pairs.load_state_dict({pattern.sub(r"\1.branch.", key): tensor for key, tensor in state.items()})
    pairs.eval()

    @torch.no_grad()
    def compute(features: torch.Tensor) -> np.ndarray:
        for along_time, along_freq in pairs:
            features = features.transpose(1, 2)
            features = along_time(features.flatten(0, 1))[0].reshape(features.shape).transpose(1, 2)
            features = along_freq(features.flatten(0, 1))[0].reshape(features.shape)
        return features.numpy()

    return compute, features, features[:, :50]


def memory_bytes(name: str) -> int:
    """Resident size now (VmRSS) or at its highest (VmHWM)."""
    return int(Path("/proc/self/status").read_text().split(f"{name}:")[1].split()[0]) * 1024


if __name__ == "__main__":
    main()
