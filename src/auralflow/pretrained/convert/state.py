"""The tensors of a checkpoint by name, out of what trainers wrap them in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from auralflow.errors import CheckpointError
from auralflow.pretrained.convert.content import find_kind
from auralflow.pretrained.convert.named import show_names
from auralflow.pretrained.convert.unpickle import load_checkpoint

_WRAPPERS = ("best_state", "model_state_dict", "state_dict", "state")
_PREFIXES = ("model.", "module.", "_orig_mod.")


def read_state(path: Path) -> dict[str, Tensor]:
    """The tensors of a file of torch or safetensors, by the names that the network has for them.

    Raises:
        CheckpointError: the file is damaged, or has other things than tensors.
    """
    if find_kind(path) != "safetensors":
        return unwrap(path, load_checkpoint(path))
    try:
        return _strip(load_file(path))
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path}: the file is damaged or incomplete ({error}); download it again") from None


def unwrap(path: Path, value: Any) -> dict[str, Tensor]:
    """The state dict in a checkpoint: of several, that of the best epoch; prefixes of wrapped networks are taken off.

    Raises:
        CheckpointError: there is none; the message says what there is.
    """
    while isinstance(value, dict) and (found := next((k for k in _WRAPPERS if isinstance(value.get(k), dict)), None)):
        value = value[found]
    if not isinstance(value, dict):
        raise CheckpointError(f"{path}: expected tensors by name, got a value of type {type(value).__name__}")
    others = [key for key, item in value.items() if not (isinstance(key, str) and isinstance(item, Tensor))]
    if others or not value:
        raise CheckpointError(f"{path}: expected tensors by name, got also: {show_names(others, 5) or 'nothing'}")
    return _strip(value)


def _strip(state: dict[str, Tensor]) -> dict[str, Tensor]:
    for prefix in _PREFIXES:
        if state and all(key.startswith(prefix) for key in state):
            return _strip({key.removeprefix(prefix): tensor for key, tensor in state.items()})
    return state
