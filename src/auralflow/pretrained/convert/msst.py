"""Checkpoints of the trainer "Music-Source-Separation-Training" (MSST) and of projects that keep to its files.

    model.ckpt     tensors by name, bare or under `state`, `state_dict`, `model_state_dict` or `best_state`
    model.yaml     audio: {chunk_size, sample_rate, ...}
                   model: {dim, depth, ...}
                   training: {instruments, target_instrument, ...}
                   inference: {num_overlap, ...}

The architecture is told by the names of the tensors, its settings stand in the YAML file, which is the one of the same
name, or the only one in the folder. A setting that is not known is refused, for what it changes is not known either.
"""

from __future__ import annotations

from pathlib import Path

from auralflow.errors import CheckpointError, UnknownNameError
from auralflow.pretrained.convert.converted import Converted, Member
from auralflow.pretrained.convert.formats import find_architecture, find_weights
from auralflow.pretrained.convert.msst_config import PublicConfig
from auralflow.pretrained.convert.msst_models import READERS
from auralflow.pretrained.convert.named import show_names
from auralflow.pretrained.convert.state import read_state


def convert(path: Path, *, config: str | None = None, architecture: str | None = None) -> Converted:
    """A checkpoint of MSST in our terms.

    Args:
        path: the file of weights, or a folder with one.
        config: its YAML file, by a name relative to the weights; by default the one beside them.
        architecture: by default told by the names of the tensors.

    Raises:
        CheckpointError: a file is damaged, the config is missing, or has what is not known.
        ConfigError: the config has a value that cannot be.
        UnknownNameError: another architecture.
    """
    weights = find_weights(path) if path.is_dir() else path
    state = read_state(weights)
    name = architecture or find_architecture(state)
    if name is None:
        raise CheckpointError(f"{weights}: tensors of none of {', '.join(READERS)}: {show_names(sorted(state), 3)}")
    if name not in READERS:
        raise UnknownNameError("architecture", name, READERS)
    spec, settings = READERS[name](PublicConfig.read(_find_config(weights, config)))
    return Converted(name, spec, (Member(settings, state),))


def _find_config(weights: Path, given: str | None) -> Path:
    if given is not None:
        path = weights.parent / given
        if not path.is_file():
            raise CheckpointError(f"{path}: no such file; expected the config of {weights.name}")
        return path
    found = sorted(path for path in weights.parent.iterdir() if path.suffix.lower() in (".yaml", ".yml"))
    same = [path for path in found if path.stem == weights.stem]
    if len(same or found) == 1:
        return (same or found)[0]
    others = f"; there are {', '.join(path.name for path in found[:4])}" if found else ""
    raise CheckpointError(f"{weights}: its config is missing; expected {weights.stem}.yaml beside it{others}")
