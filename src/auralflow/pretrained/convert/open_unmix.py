"""Open-Unmix: a state dict for each stem, `<stem>-<hash>.pth` or `<stem>.pth`, alone or together in a folder.

The sizes of the networks are those of their tensors. Hop and sample rate stand in `separator.json`, which the package
writes when it trains; the sets that were published come without, and are told apart by the length of their frames.
Files of before 2021 also hold the rate, and the windows of a transform that is ours to make.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from auralflow.dsp.stft import STFTConfig
from auralflow.errors import CheckpointError
from auralflow.models.open_unmix import SPEC, OpenUnmixConfig
from auralflow.pretrained.convert.converted import Converted, Member
from auralflow.pretrained.convert.unpickle import load_checkpoint
from auralflow.spec import ModelSpec

_FILE_NAME = re.compile(r"(?P<stem>.+?)(?:[-_][0-9a-f]{8})?\.pth")
_ORDER = ("vocals", "drums", "bass", "other", "speech", "noise")
_RATE, _WINDOWS = "sample_rate", ("stft.window", "transform.0.window")
_PUBLISHED = {4096: (1024, 44100), 1024: (512, 16000)}  # samples in a frame: hop and rate


@dataclass(frozen=True, eq=False)
class _Network:
    file: Path
    state: dict[str, Tensor]
    sample_rate: Tensor | None
    """Of an old file."""


def convert(path: Path) -> Converted:
    """A folder of networks, or the file of a single one, as `auralflow.models.open_unmix`.

    Several stems get the package's Wiener filter, one iteration; a single one gets none, as it would be the mixture.

    Raises:
        CheckpointError: there are no networks, or they do not fit each other, or their hop and rate are not known.
    """
    networks = {stem: _read(file) for stem, file in _find_files(path).items()}
    plans = [_plan(network) for network in networks.values()]
    for network, plan in zip(networks.values(), plans, strict=True):
        if plan != plans[0]:
            raise CheckpointError(f"{network.file}: is of another size than those beside it; keep sets in folders")
    channels, sample_rate, config = plans[0]
    spec = _make_spec(tuple(networks), channels, sample_rate, config.stft.hop_samples)
    config = replace(config, n_wiener_iterations=1 if len(networks) > 1 else 0)
    state = {
        f"target_models.{stem}.{key}": tensor
        for stem, network in networks.items()
        for key, tensor in network.state.items()
    }
    return Converted("open_unmix", spec, (Member(config, state),))


def _find_files(path: Path) -> dict[str, Path]:
    """Files by stem, in the package's order."""
    found: dict[str, Path] = {}
    for file in sorted(path.iterdir()) if path.is_dir() else [path]:
        name = _FILE_NAME.fullmatch(file.name)
        if name is None:
            continue
        stem = name["stem"]
        if stem in found:
            raise CheckpointError(f"{path}: expected one file for each stem, found {found[stem].name} and {file.name}")
        found[stem] = file
    if not found:
        raise CheckpointError(f"{path}: expected files called '<stem>.pth' or '<stem>-<hash>.pth', found none")
    return {stem: found[stem] for stem in sorted(found, key=_place)}


def _place(stem: str) -> tuple[int, str]:
    return _ORDER.index(stem) if stem in _ORDER else len(_ORDER), stem


def _read(file: Path) -> _Network:
    content: Any = load_checkpoint(file)
    if not isinstance(content, dict) or not all(isinstance(value, Tensor) for value in content.values()):
        raise CheckpointError(f"{file}: expected the tensors of an Open-Unmix network by name, found something else")
    state = {key: tensor for key, tensor in content.items() if key not in (_RATE, *_WINDOWS)}
    return _Network(file, state, content.get(_RATE))


def _plan(network: _Network) -> tuple[int, int, OpenUnmixConfig]:
    """Channels, sample rate and config."""
    n_heard, n_freqs = (_shape(network, key, 1)[0] for key in ("input_mean", "output_mean"))
    n_hidden, n_inputs = _shape(network, "fc1.weight", 2)
    n_layers = sum(re.fullmatch(r"lstm\.weight_ih_l\d+", key) is not None for key in network.state)
    is_bidirectional = "lstm.weight_ih_l0_reverse" in network.state
    n_fft = 2 * (n_freqs - 1)
    hop, sample_rate = _find_transform(network, n_fft)
    # With longer hops the package divides the last samples by nearly nothing; silent edges have one more frame there.
    stft = STFTConfig(n_fft, hop, edges="reflect" if 4 * hop <= n_fft else "zero")
    config = OpenUnmixConfig(stft, n_hidden, n_layers, is_bidirectional, n_heard)
    return n_inputs // n_heard, sample_rate, config


def _shape(network: _Network, key: str, n_axes: int) -> tuple[int, ...]:
    tensor = network.state.get(key)
    if tensor is None or tensor.ndim != n_axes or not tensor.numel():
        names = ", ".join(sorted(network.state)[:3])
        raise CheckpointError(
            f"{network.file}: expected an Open-Unmix network, found no '{key}' with {n_axes} axes; it has {names}, ..."
        )
    return tuple(tensor.shape)


def _find_transform(network: _Network, n_fft: int) -> tuple[int, int]:
    """Hop and sample rate: what `separator.json` says, or what is known of the published sets."""
    path = network.file.parent / "separator.json"
    if path.is_file():
        about = _read_numbers(path, ("nfft", "nhop", "sample_rate"))
        if about["nfft"] != n_fft:
            raise CheckpointError(f"{path}: expected nfft {n_fft}, as {network.file.name} has, got {about['nfft']}")
        return about["nhop"], about["sample_rate"]
    if n_fft not in _PUBLISHED:
        raise CheckpointError(f"{network.file}: expected separator.json beside it, for hop and sample rate; found none")
    hop, sample_rate = _PUBLISHED[n_fft]
    return hop, sample_rate if network.sample_rate is None else round(network.sample_rate.item())


def _read_numbers(path: Path, keys: tuple[str, ...]) -> dict[str, int]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {key: round(float(content[key])) for key in keys}
    except (OSError, ValueError, KeyError, TypeError, OverflowError) as error:
        expected = f"expected JSON with the numbers {', '.join(keys)}"
        raise CheckpointError(f"{path}: {expected}; {type(error).__name__}: {error}") from None


def _make_spec(stems: tuple[str, ...], channels: int, sample_rate: int, hop_samples: int) -> ModelSpec:
    """Segments of as many frames as those of `SPEC`, and half a second to blend over."""
    window = OpenUnmixConfig().wiener_frames * hop_samples
    segment = SPEC.segment_samples // SPEC.grid_samples * window + sample_rate // 2
    return ModelSpec(stems, sample_rate, channels, segment, context_samples=window, grid_samples=window)
