"""Which package a checkpoint comes from, as far as it can be seen in the file."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from safetensors import SafetensorError, safe_open

from auralflow.errors import CheckpointError
from auralflow.pretrained.bundle import WEIGHTS
from auralflow.pretrained.convert.content import find_kind
from auralflow.pretrained.convert.named import show_names
from auralflow.pretrained.convert.public_yaml import read_yaml
from auralflow.pretrained.convert.state import unwrap
from auralflow.pretrained.convert.unpickle import load_structure
from auralflow.pretrained.names import CHECKPOINTS, DESCRIPTION

FORMATS = ("demucs", "mdx_net", "msst", "open_unmix", "torchaudio_hdemucs")


def find_format(source: Path) -> str:
    """The name of the converter for a file, or for a folder with all files of a model.

    Raises:
        CheckpointError: none of them reads it; the message says what was found.
    """
    if source.is_dir():
        return _find_of_folder(source)
    kind = find_kind(source)
    if kind == "onnx":
        return "mdx_net"
    if kind == "text":
        return _find_of_text(source)
    if kind == "safetensors":
        metadata, keys = _read_safetensors(source)
        return "demucs" if "klass" in metadata else _find_of_keys(source, keys)
    value = load_structure(source)
    if isinstance(value, dict) and "klass" in value:
        return "demucs"
    return _find_of_keys(source, unwrap(source, value))


def find_source(source: Path, format: str) -> Path:
    """What the converter of a format takes: of a folder, for some, the one file that matters.

    Raises:
        CheckpointError: there is none in the folder, or more than one.
    """
    if not source.is_dir() or format in ("msst", "open_unmix"):
        return source
    if format == "demucs" and (bag := _find_bag(source)):
        return bag
    return find_weights(source)


def find_weights(folder: Path) -> Path:
    """The only file with weights of a folder.

    Raises:
        CheckpointError: there is none, or more than one.
    """
    files = _list_weights(folder)
    if len(files) != 1:
        found = ", ".join(path.name for path in files[:4]) or "none"
        raise CheckpointError(f"{folder}: expected one file of weights ({', '.join(CHECKPOINTS)}), found {found}")
    return files[0]


def _list_weights(folder: Path) -> list[Path]:
    return sorted(
        path for path in folder.iterdir() if path.suffix.lower() in CHECKPOINTS and not path.name.startswith(".")
    )


def _find_of_folder(folder: Path) -> str:
    if (folder / DESCRIPTION).is_file() and (folder / WEIGHTS).is_file():
        raise CheckpointError(f"{folder}: is a bundle of this package already; use it as it is")
    if _find_bag(folder):
        return "demucs"
    files = _list_weights(folder)
    if len(files) > 1 and all(find_format(path) == "open_unmix" for path in files):
        return "open_unmix"
    return find_format(find_weights(folder))


def _find_bag(folder: Path) -> Path | None:
    """The description of a bag of Demucs networks, if there is one in the folder."""
    bags = [path for path in sorted(folder.glob("*.yaml")) if "models" in read_yaml(path)]
    if len(bags) > 1:
        raise CheckpointError(f"{folder}: expected one bag, found {', '.join(path.name for path in bags)}; name one")
    return bags[0] if bags else None


def _find_of_text(source: Path) -> str:
    values = read_yaml(source)
    if "models" in values:
        return "demucs"
    raise CheckpointError(
        f"{source}: expected weights, or the list of a bag; this is a config with {show_names(values, 5)}: "
        "name the file of weights, and leave this one beside it"
    )


def _read_safetensors(source: Path) -> tuple[Mapping[str, str], list[str]]:
    try:
        with safe_open(source, framework="pt") as file:
            return file.metadata() or {}, list(file.keys())
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{source}: the file is damaged or incomplete ({error}); download it again") from None


_SIGNS: dict[str, tuple[str, ...]] = {
    "torchaudio_hdemucs": ("freq_encoder.0.conv.weight", "time_encoder.0.conv.weight"),
    "open_unmix": ("input_mean", "lstm.weight_ih_l0", "bn3.weight"),
}
"""Tensors by which a format is known."""

ARCHITECTURES: dict[str, tuple[str, ...]] = {
    "mel_band_roformer": ("band_split.to_features.0.1.weight", "layers.0.0.norm.gamma"),
    "bs_roformer": ("band_split.to_features.0.1.weight",),
    "tfc_tdf": ("first_conv.weight", "bottleneck_block.blocks.0.tfc1.2.weight"),
    "scnet": ("encoder.0.SDlayer.convs.0.weight", "separation_net.dp_modules.0.lstm_layers.0.weight_ih_l0"),
    "htdemucs": ("tencoder.0.conv.weight", "crosstransformer.norm_in.weight"),
    "hdemucs": ("tencoder.0.conv.weight",),
}
"""Tensors by which the architectures of the format `msst` are known; the first that has all of them."""


def find_architecture(keys: Collection[str]) -> str | None:
    """Which of `ARCHITECTURES` has tensors of these names."""
    return next((name for name, signs in ARCHITECTURES.items() if all(sign in keys for sign in signs)), None)


def _find_of_keys(source: Path, keys: Collection[str]) -> str:
    for name, signs in _SIGNS.items():
        if all(sign in keys for sign in signs):
            return name
    if any(key.startswith("target_models.") for key in keys):
        return "open_unmix"
    if find_architecture(keys):
        return "msst"
    found = show_names(sorted(keys), 4) or "none"
    raise CheckpointError(
        f"{source}: tensors of no architecture that is known here: {found}; formats that are read: {', '.join(FORMATS)}"
    )
