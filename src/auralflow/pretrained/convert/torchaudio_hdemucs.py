"""Hybrid Demucs as torchaudio has it (`HDEMUCS_HIGH_MUSDB`, `HDEMUCS_HIGH_MUSDB_PLUS`): a state dict and nothing else.

The network is that of the package `demucs` with branches called `freq_encoder`, `freq_decoder`, `time_encoder` and
`time_decoder`, and a normalisation in the bare layer that no signal passes. Sizes are those of the tensors. What
does not show there is as torchaudio has it: a stride of half the kernel, 4 groups of normalisation, and, where there
are four, the stems drums, bass, other and vocals.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from auralflow.errors import CheckpointError
from auralflow.models.hdemucs import SPEC, HDemucsConfig
from auralflow.pretrained.convert.converted import Converted, Member
from auralflow.pretrained.convert.state import read_state

_NAMES = {"freq_encoder": "encoder", "freq_decoder": "decoder", "time_encoder": "tencoder", "time_decoder": "tdecoder"}


def convert(path: Path, *, stems: Sequence[str] | None = None, sample_rate: int = 44100) -> Converted:
    """A state dict of torchaudio's `HDemucs`.

    Args:
        path: the file.
        stems: names of the stems in their order, where they are not the four that torchaudio publishes.
        sample_rate: of what the network was trained on.

    Raises:
        CheckpointError: the file is damaged, or is no such state dict, or the number of its stems is another.
        ConfigError: sizes that cannot be.
    """
    state = _Sizes(path, read_state(path))
    channels = state.shape("time_encoder.0.conv.weight", 3)[1]
    n_outputs = state.shape(f"time_decoder.{state.count('time_decoder') - 1}.conv_tr.weight", 3)[1]
    names = tuple(SPEC.stems if stems is None else stems)
    if len(names) * channels != n_outputs:
        raise CheckpointError(
            f"{path}: expected names of its {n_outputs // channels} stems, got {', '.join(names)}; "
            "give them as the option stems"
        )
    spec = replace(SPEC, stems=names, channels=channels, sample_rate=sample_rate)
    return Converted("hdemucs", spec, (Member(_read_config(state), _rename(state)),))


class _Sizes:
    """A state dict, asked for shapes."""

    def __init__(self, path: Path, tensors: dict[str, Tensor]) -> None:
        self.path, self.tensors = path, tensors

    def shape(self, key: str, n_axes: int) -> tuple[int, ...]:
        tensor = self.tensors.get(key)
        if tensor is None or tensor.ndim != n_axes or not tensor.numel():
            raise CheckpointError(
                f"{self.path}: expected a state dict of torchaudio's HDemucs, found no '{key}' with {n_axes} axes"
            )
        return tuple(tensor.shape)

    def count(self, name: str) -> int:
        """Members of a list of modules."""
        pattern = re.compile(re.escape(name) + r"\.(\d+)\.")
        found = {int(match[1]) for match in map(pattern.match, self.tensors) if match}
        if not found or found != set(range(len(found))):
            raise CheckpointError(f"{self.path}: expected '{name}.0' and so on, found {sorted(found)[:4] or 'none'}")
        return len(found)

    def first_with(self, name: str, depth: int) -> int:
        """First level of the encoder that has a tensor of this name; `depth` where none has."""
        return next((i for i in range(depth) if f"freq_encoder.{i}.{name}" in self.tensors), depth)


def _read_config(state: _Sizes) -> HDemucsConfig:
    depth, n_spectral = state.count("freq_encoder"), state.count("time_encoder")
    width, _, kernel, _ = state.shape("freq_encoder.0.conv.weight", 4)
    n_freqs = state.shape("freq_emb.embedding.weight", 2)[0]
    branch = "freq_encoder.0.dconv.layers"
    time_kernel = 4
    if depth > n_spectral:
        time_kernel = state.shape(f"freq_encoder.{n_spectral}.conv.weight", 3)[2]
    return HDemucsConfig(
        width=width,
        growth=state.shape("freq_encoder.1.conv.weight", 4)[0] / width if depth > 1 else 2.0,
        depth=depth,
        n_fft=kernel * n_freqs,
        kernel=kernel,
        stride=kernel // 2,
        time_stride=time_kernel // 2,
        context=state.shape("freq_decoder.0.rewrite.weight", 3 if depth > n_spectral else 4)[2] // 2,
        encoder_context=state.shape("freq_encoder.0.rewrite.weight", 4)[2] // 2,
        norm_start=state.first_with("norm1.weight", depth),
        branch_depth=state.count(branch),
        branch_compression=width / state.shape(f"{branch}.0.0.weight", 3)[0],
        lstm_start=state.first_with("dconv.layers.0.3.lstm.weight_ih_l0", depth),
        attention_start=min(state.first_with(f"dconv.layers.0.{place}.content.weight", depth) for place in (3, 4)),
    )


def _rename(state: _Sizes) -> dict[str, Tensor]:
    """Tensors by our names, without the normalisation in the bare layer of the time encoder."""
    bare = f"time_encoder.{state.count('time_encoder') - 1}."
    has_bare = f"{bare}rewrite.weight" not in state.tensors
    renamed = {}
    for key, tensor in state.tensors.items():
        if has_bare and key.startswith(f"{bare}norm"):
            continue
        first, dot, rest = key.partition(".")
        renamed[_NAMES.get(first, first) + dot + rest] = tensor
    return renamed
