"""Files of the package demucs 4.1.0, and what it makes of them; run by the Python of benchmarks/peers/make_env.sh.

    .venv-peers/bin/python tests/data/make_demucs.py                            the committed files
    .venv-peers/bin/python tests/data/make_demucs.py weights NAME FOLDER        random weights, as FOLDER/NAME
    .venv-peers/bin/python tests/data/make_demucs.py separate FILE MIXTURE.npy ESTIMATES.npy
    .venv-peers/bin/python tests/data/make_demucs.py keys NAME FILE             its state dict, a key and a shape a line
    .venv-peers/bin/python tests/data/make_demucs.py torchaudio_keys _hdemucs.py FILE

NAME is one of `NETWORKS` below. FILE is a network (`.th` or `.safetensors`) or a bag (`.yaml`); it is loaded by the
package's own loader and run as `demucs.api.Separator` does with `shifts=0`: the track normalised, then `apply_model`.
`_hdemucs.py` is the file of that name in torchaudio 2.11.0, which needs nothing else of it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import runpy
import struct
import sys
import types
from fractions import Fraction
from pathlib import Path
from typing import Any

import functorch.einops
import numpy as np
import torch
import yaml

sys.modules["einops"] = functorch.einops  # the one function that the package takes from einops, as torch has it

from demucs import apply, hdemucs, hf, htdemucs, repo  # noqa: E402

HERE = Path(__file__).parent
FOUR = ["drums", "bass", "other", "vocals"]
SIX = [*FOUR, "guitar", "piano"]

_SPECTRUM: dict[str, Any] = {"nfft": 4096, "wiener_iters": 0, "end_iters": 0, "wiener_residual": False, "cac": True}
_LEVELS = {
    "channels": 48,
    "channels_time": None,
    "growth": 2,
    "rewrite": True,
    "multi_freqs": [],
    "multi_freqs_depth": 3,
    "rescale": 0.1,
    "freq_emb": 0.2,
    "emb_scale": 10,
    "emb_smooth": True,
    "kernel_size": 8,
    "stride": 4,
    "time_stride": 2,
    "context": 1,
    "context_enc": 0,
    "norm_starts": 4,
    "norm_groups": 4,
    "dconv_depth": 2,
    "dconv_init": 0.001,
}
_TRANSFORMER = {
    "bottom_channels": 512,
    "t_layers": 5,
    "t_hidden_scale": 4.0,
    "t_heads": 8,
    "t_dropout": 0.02,
    "t_layer_scale": True,
    "t_gelu": True,
    "t_emb": "sin",
    "t_max_positions": 10000,
    "t_max_period": 10000.0,
    "t_weight_pos_embed": 1.0,
    "t_cape_mean_normalize": True,
    "t_cape_augment": True,
    "t_cape_glob_loc_scale": [5000.0, 1.0, 1.4],
    "t_sin_random_shift": 0,
    "t_norm_in": True,
    "t_norm_in_group": False,
    "t_group_norm": False,
    "t_norm_first": True,
    "t_norm_out": True,
    "t_weight_decay": 0.0,
    "t_lr": None,
    "t_sparse_self_attn": False,
    "t_sparse_cross_attn": False,
    "t_mask_type": "diag",
    "t_mask_random_seed": 42,
    "t_sparse_attn_window": 500,
    "t_global_window": 100,
    "t_sparsity": 0.95,
    "t_auto_sparsity": False,
    "t_cross_first": False,
}
HDEMUCS = _SPECTRUM | _LEVELS | {"depth": 6, "dconv_mode": 1, "dconv_comp": 4, "dconv_attn": 4, "dconv_lstm": 4}
HDEMUCS |= {"hybrid": True, "hybrid_old": False}
HTDEMUCS = _SPECTRUM | _LEVELS | _TRANSFORMER | {"depth": 4, "dconv_mode": 3, "dconv_comp": 8}
SMALL = {"channels": 4, "norm_groups": 2, "samplerate": 8000, "dconv_comp": 2}


def _of_data(sources: list[str], segment: Any) -> dict[str, Any]:
    return {"sources": sources, "audio_channels": 2, "samplerate": 44100, "segment": segment}


NETWORKS: dict[str, tuple[type, dict[str, Any]]] = {
    # The settings of the published networks; of the hybrid one (`hdemucs_mmi`), those of the training config, but 9 s
    # in place of 44 s, so that a short song has several segments.
    "htdemucs": (htdemucs.HTDemucs, _of_data(FOUR, Fraction(39, 5)) | HTDEMUCS),
    "htdemucs_6s": (htdemucs.HTDemucs, _of_data(SIX, Fraction(39, 5)) | HTDEMUCS | {"bottom_channels": 0}),
    "hdemucs": (hdemucs.HDemucs, _of_data(FOUR, 9) | HDEMUCS),
    "small_ht": (
        htdemucs.HTDemucs,
        _of_data(["vocals", "other"], Fraction(2, 5))
        | HTDEMUCS
        | SMALL
        | {"nfft": 256, "depth": 2, "bottom_channels": 12, "t_layers": 2, "t_heads": 3, "t_hidden_scale": 1.5},
    ),
    "small_h": (
        hdemucs.HDemucs,
        _of_data(["vocals", "other"], 0.42)
        | HDEMUCS
        | SMALL
        | {"nfft": 64, "depth": 3, "norm_starts": 1, "dconv_attn": 1, "dconv_lstm": 1, "dconv_depth": 1},
    ),
}


def main() -> None:
    """Read the arguments and do it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "task", choices=["all", "weights", "separate", "keys", "torchaudio_keys"], nargs="?", default="all"
    )
    parser.add_argument("arguments", nargs="*")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--double", action="store_true", help="separate in double precision")
    options = parser.parse_args()
    if options.task == "weights":
        name, folder = options.arguments
        write_weights(build(name, options.seed), Path(folder), name)
    elif options.task == "separate":
        separate(*map(Path, options.arguments), is_double=options.double)
    elif options.task == "keys":
        name, file = options.arguments
        klass, kwargs = NETWORKS[name]
        write_keys(klass(**kwargs), Path(file))
    elif options.task == "torchaudio_keys":
        source, file = options.arguments
        write_keys(runpy.run_path(source)["hdemucs_high"](FOUR), Path(file))
    else:
        write_all()


def write_all() -> None:
    """Small networks in both formats, a bag of two, what the package makes of a few seconds, and the keys."""
    folder = HERE / "demucs_4_1_0"
    folder.mkdir(exist_ok=True)
    np.save(folder / "mixture.npy", draw_mixture(3503).astype(np.float16))
    for number, signature in enumerate(("0badcafe", "1badcafe")):
        write_safetensors(build("small_ht", number), folder / f"{signature}.safetensors")
    bag = {"models": ["0badcafe", "1badcafe"], "weights": [[1.0, 0.5], [0.0, 1.0]], "segment": 0.35}
    (folder / "small_bag.yaml").write_text(yaml.safe_dump(bag, default_flow_style=None, sort_keys=False))
    write_pickle(build("small_h", 2), folder, "2badcafe")
    hybrid = next(folder.glob("2badcafe-*.th"))
    for source, name in [("small_bag.yaml", "bag"), (hybrid.name, "h")]:
        separate(folder / source, folder / "mixture.npy", folder / f"estimates_{name}.npy")
    for name in ("htdemucs", "htdemucs_6s", "hdemucs"):
        klass, kwargs = NETWORKS[name]
        write_keys(klass(**kwargs), HERE / "keys" / f"{name}.txt")


def build(name: str, seed: int) -> torch.nn.Module:
    """A network with random weights."""
    klass, kwargs = NETWORKS[name]
    torch.manual_seed(seed)
    network: torch.nn.Module = klass(**kwargs)
    randomise(network, torch.Generator().manual_seed(1234 + seed))
    return network.eval()


@torch.no_grad()
def randomise(network: torch.nn.Module, generator: torch.Generator) -> None:
    """Gains and shifts as after training, roughly, so that no part of the network is as good as absent."""

    def uniform(tensor: torch.Tensor, low: float, high: float) -> None:
        tensor.copy_(low + (high - low) * torch.rand(tensor.shape, generator=generator))

    for name, parameter in network.named_parameters():
        if name.endswith("scale"):
            uniform(parameter, 0.1, 0.5)
        elif "norm" in name or (parameter.ndim == 1 and ".dconv.layers." in name and "lstm" not in name):
            centre = 1.0 if name.endswith("weight") else 0.0
            uniform(parameter, centre - 0.2, centre + 0.2)
        elif name.endswith("in_proj_bias"):
            uniform(parameter, -0.1, 0.1)


def write_weights(network: torch.nn.Module, folder: Path, name: str) -> None:
    """Hybrid networks as `.th`, those with a transformer as `.safetensors`: what of either is published."""
    folder.mkdir(parents=True, exist_ok=True)
    if isinstance(network, htdemucs.HTDemucs):
        write_safetensors(network, folder / f"{name}.safetensors")
    else:
        write_pickle(network, folder, name)


def write_pickle(network: torch.nn.Module, folder: Path, signature: str) -> None:
    """As `demucs.states.serialize_model` and `save_with_checksum` do, in half precision."""
    args, kwargs = network._init_args_kwargs
    state = {key: tensor.half() for key, tensor in network.state_dict().items()}
    content = {"klass": type(network), "args": args, "kwargs": kwargs, "state": state, "training_args": {"epochs": 1}}
    unnamed = folder / "unnamed.th"
    torch.save(content, unnamed)
    check = hashlib.sha256(unnamed.read_bytes()).hexdigest()[:8]
    for old in folder.glob(f"{signature}-*.th"):
        old.unlink()
    unnamed.rename(folder / f"{signature}-{check}.th")


def write_safetensors(network: torch.nn.Module, path: Path) -> None:
    """As those on the Hugging Face Hub: class and arguments as JSON in the metadata, tensors in half precision."""
    args, kwargs = network._init_args_kwargs
    klass = f"{type(network).__module__}.{type(network).__name__}"
    header: dict[str, Any] = {
        "__metadata__": {"klass": klass, "args": json.dumps(_encode(list(args))), "kwargs": json.dumps(_encode(kwargs))}
    }
    content = b""
    for key, tensor in network.state_dict().items():
        values = tensor.half().numpy().tobytes()
        header[key] = {
            "dtype": "F16",
            "shape": list(tensor.shape),
            "data_offsets": [len(content), len(content) + len(values)],
        }
        content += values
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + content)


def _encode(value: Any) -> Any:
    if isinstance(value, Fraction):
        return {"_type": "fraction", "numerator": value.numerator, "denominator": value.denominator}
    if isinstance(value, dict):
        return {key: _encode(item) for key, item in value.items()}
    return [_encode(item) for item in value] if isinstance(value, list | tuple) else value


@torch.no_grad()
def separate(source: Path, mixture: Path, estimates: Path, *, is_double: bool = False) -> None:
    """Estimates (stem, channel, time) of a mixture (channel, time)."""
    dtype = torch.float64 if is_double else torch.float32
    model = load(source).to(dtype)
    audio = torch.from_numpy(np.load(mixture)).to(dtype)
    mono = audio.mean(0)
    mean, deviation = mono.mean(), mono.std() + 1e-8
    # The package adds weighted pieces into single precision.
    torch.set_default_dtype(dtype)
    separated = apply.apply_model(model, ((audio - mean) / deviation)[None], shifts=0, overlap=0.25)[0]
    np.save(estimates, (separated * deviation + mean).float().numpy())


def load(source: Path) -> torch.nn.Module:
    """By the package's loaders."""
    if source.suffix == ".safetensors":
        with_reader()
        return hf.load_safetensors_model(source)
    if source.suffix == ".yaml":
        with_reader()
        bag = yaml.safe_load(source.read_text())
        networks = [hf.load_safetensors_model(source.parent / f"{name}.safetensors") for name in bag["models"]]
        return apply.BagOfModels(networks, bag.get("weights"), bag.get("segment"))
    return repo.LocalRepo(source.parent).get_model(source.stem.partition("-")[0])


def with_reader() -> None:
    """What the package needs of safetensors, which is not installed beside it."""

    class _File:
        def __init__(self, path: str, framework: str) -> None:
            content = Path(path).read_bytes()
            size = struct.unpack("<Q", content[:8])[0]
            self._header = json.loads(content[8 : 8 + size])
            self._content = content[8 + size :]

        def __enter__(self) -> Any:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def metadata(self) -> Any:
            return self._header["__metadata__"]

        def keys(self) -> list[str]:
            return [key for key in self._header if key != "__metadata__"]

        def get_tensor(self, key: str) -> torch.Tensor:
            about = self._header[key]
            values = np.frombuffer(self._content[slice(*about["data_offsets"])], np.float16)
            return torch.from_numpy(values.copy()).reshape(about["shape"])

    module: Any = types.ModuleType("safetensors")
    module.safe_open = _File
    sys.modules.setdefault("safetensors", module)


def draw_mixture(n_samples: int) -> np.ndarray:
    """Partials that come and go at two places, noise, and silence; so coarse that half precision holds it."""
    random = np.random.default_rng(20221115)
    time = np.arange(n_samples) / 8000
    left, right = (0.1 * random.standard_normal(n_samples) * (np.sin(9 * time) > 0) for _ in range(2))
    for frequency, pan in ((150, 0.9), (440, 0.3), (1270, 0.5), (2900, 0.7)):
        tone = 0.15 * np.sin(2 * np.pi * frequency * time) * np.exp(-6 * (time * frequency / 150 % 1))
        left, right = left + pan * tone, right + (1 - pan) * tone
    sound = np.stack([left, right])
    sound[:, 2000:2100] = 0
    return (np.round(sound * 2**9) / 2**9).astype(np.float32)


def write_keys(network: torch.nn.Module, path: Path) -> None:
    """Key and shape of each tensor of a network."""
    lines = [f"{key} {' '.join(map(str, t.shape))}".rstrip() for key, t in network.state_dict().items()]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
