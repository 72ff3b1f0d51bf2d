"""The names that a checkpoint may use, and what each of them gives: plain values, tensors, and stand-ins."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from math import prod
from typing import Any

import numpy as np
from torch import Tensor

from auralflow.errors import CheckpointError
from auralflow.pretrained.convert.named import Named, check_key
from auralflow.pretrained.convert.stored_tensors import DTYPES, Budget, Storage, StorageType, make_tensor

Fetch = Callable[[StorageType, str, int], Storage]


@dataclass(frozen=True)
class _Maker:
    """The stand-in for a function or a plain class."""

    make: Callable[..., Any]


class AllowedNames:
    """What the names in one file of `file_bytes` mean; storages come from `fetch(type, key, n_values)`."""

    def __init__(self, file_bytes: int, fetch: Fetch) -> None:
        self._fetch, self._budget = fetch, Budget(file_bytes)
        of_tensors = _Maker(partial(make_tensor, self._budget))
        self._makers = _MAKERS | {("torch._utils", f"_rebuild_tensor{end}"): of_tensors for end in ("", "_v2")}

    def find(self, module: str, name: str) -> Any:
        """The stand-in for a name.

        Raises:
            CheckpointError: a name that no checkpoint needs.
        """
        module = "builtins" if module == "__builtin__" else module  # as Python 2 wrote it, and torch still does
        if module in ("torch", "torch.cuda") and name in DTYPES:
            return StorageType(DTYPES[name])
        if module == "torch" and name in _DTYPE_NAMES:
            return _DTYPE_NAMES[name]
        if (module, name) in self._makers:
            return self._makers[module, name]
        if (module, name) in _STAND_INS or module.partition(".")[0] in _STAND_IN_PACKAGES:
            return Named(module, name)
        raise CheckpointError(f"names {f'{module}.{name}'[:100]!r}, which no checkpoint needs; nothing of it was run")

    def make(self, maker: Any, arguments: tuple[Any, ...]) -> Any:
        """What a stand-in gives when it is called; raises as `find` does."""
        if type(maker) is Named and maker.arguments is None:
            return Named(maker.module, maker.name, arguments)
        if type(maker) is not _Maker:
            raise CheckpointError(f"calls a value that cannot be called ({type(maker).__name__})")
        # Makers copy: a long text or list, used again and again, would fill memory.
        self._budget.spend(sum(8 * len(a) for a in arguments if isinstance(a, (str, bytes, list, dict))))
        return maker.make(*arguments)

    def fill(self, made: Any, state: Any) -> None:
        """Give an object its state; raises as `find` does."""
        if type(made) is Named and made.arguments is not None:
            made.state = state
        elif type(made) is np.ndarray:
            self._budget.spend(_fill_array(made, state))
        elif isinstance(made, np.dtype):
            _check_byte_order(state)
        elif type(made) is not dict:  # attributes of a dictionary (torch's `_metadata`) are of no use here
            raise CheckpointError(f"restores the state of a value that has none ({type(made).__name__})")

    def fetch(self, identity: Any) -> Storage:
        """The storage that a persistent identity names; raises as `find` does."""
        kind, *rest = identity if type(identity) is tuple else (None,)
        if kind != "storage" or len(rest) not in (4, 5) or any(rest[4:]) or type(rest[0]) is not StorageType:
            # Five with None in the old format; with more, a view of another storage, as torch wrote before 0.4.
            if kind not in ("storage", "module"):
                raise CheckpointError("refers to something outside the file that is no storage")
            raise CheckpointError("has a storage of a sort that is not read (quantised, or of a very old torch)")
        dtype, key, _, n_values = rest[:4]
        if not (isinstance(key, str) and type(n_values) is int and n_values >= 0):
            raise CheckpointError("has a storage without a name or a size")
        return self._fetch(dtype, key, n_values)


_DTYPE_NAMES = {str(dtype).removeprefix("torch."): dtype for dtype in DTYPES.values()}

_STAND_IN_PACKAGES = frozenset(
    ["demucs", "lightning", "lightning_fabric", "ml_collections", "omegaconf", "pathlib", "pytorch_lightning"]
)
"""Classes of these packages stand in public checkpoints; of none is anything imported."""

_STAND_INS = frozenset(
    [("argparse", "Namespace"), ("types", "SimpleNamespace"), ("typing", "Any"), ("numpy", "ndarray")]
    + [("builtins", name) for name in ("bool", "float", "int", "object", "str", "tuple")]
)


def _make_dict(pairs: Any = (), *_: Any) -> dict[Any, Any]:
    if isinstance(pairs, (_Maker, Named)):  # the factory of a defaultdict
        return {}
    items = pairs.items() if type(pairs) is dict else pairs
    return {check_key(key): value for key, value in items}


def _make_size(sizes: Any = ()) -> tuple[Any, ...]:
    if type(sizes) is not tuple:
        raise CheckpointError("has a size that is none")
    return sizes


def _make_fraction(numerator: Any, denominator: Any = None) -> Fraction:
    # From text, Python also takes "1e999999999", and computes it.
    text = str(numerator) if denominator is None else f"{numerator}/{denominator}"
    if not re.fullmatch(r"-?\d{1,18}(/\d{1,18})?", text) or type(numerator) not in (int, str):
        raise CheckpointError("has a fraction that is none")
    return Fraction(text)


def _make_bytes(text: Any = "", encoding: Any = "latin1") -> bytes:
    if type(text) is not str or encoding not in ("latin1", "latin-1"):
        raise CheckpointError("has bytes in an unknown encoding")
    return text.encode("latin1")


def _take_data(data: Any, *_: Any) -> Tensor:
    if not isinstance(data, Tensor):
        raise CheckpointError("has a parameter without a tensor")
    return data


def _make_dtype(code: Any, *_: Any) -> np.dtype[Any]:
    if type(code) is not str or not re.fullmatch(r"[<=|]?(b1|[iu][1248]|f[248]|c8|c16)", code):
        raise CheckpointError("has a numpy value that is no number")
    return np.dtype(code)


def _make_scalar(dtype: Any, content: Any) -> Any:
    if not isinstance(dtype, np.dtype) or type(content) is not bytes or len(content) != dtype.itemsize:
        raise CheckpointError("has a numpy value that is no number")
    return np.frombuffer(content, dtype)[0].item()


def _make_array(*_: Any) -> np.ndarray[Any, Any]:
    return np.ndarray((0,), np.uint8)


def _fill_array(array: np.ndarray[Any, Any], state: Any) -> int:
    """Give an array its content; how many bytes that are."""
    _, shape, dtype, _, content = state
    fits = isinstance(dtype, np.dtype) and type(content) is bytes and type(shape) is tuple
    fits = fits and all(type(size) is int and size >= 0 for size in shape)
    if not fits or prod(shape) * dtype.itemsize != len(content):
        raise CheckpointError("has a numpy array whose shape and content do not belong together")
    array.__setstate__(state)
    return array.nbytes


def _check_byte_order(state: Any) -> None:
    if type(state) is not tuple or len(state) < 8 or state[1] not in ("<", "|", "=") or any(state[2:5]):
        raise CheckpointError("has a numpy type of another byte order, or a compound one")


_MAKERS: dict[tuple[str, str], _Maker] = {
    ("collections", "OrderedDict"): _Maker(_make_dict),
    ("collections", "defaultdict"): _Maker(_make_dict),
    ("collections", "Counter"): _Maker(_make_dict),
    ("builtins", "dict"): _Maker(_make_dict),
    ("builtins", "list"): _Maker(lambda items=(): list(items)),
    ("builtins", "set"): _Maker(lambda items=(): set(map(check_key, items))),
    ("builtins", "bytes"): _Maker(_make_bytes),
    ("_codecs", "encode"): _Maker(_make_bytes),
    ("fractions", "Fraction"): _Maker(_make_fraction),
    ("torch", "Size"): _Maker(_make_size),
    ("torch", "device"): _Maker(lambda name, index=0: str(name)),
    ("torch._utils", "_rebuild_parameter"): _Maker(_take_data),
    ("torch._utils", "_rebuild_parameter_with_state"): _Maker(_take_data),
    ("numpy", "dtype"): _Maker(_make_dtype),
} | {
    (f"numpy.{core}.multiarray", name): _Maker(make)
    for core in ("core", "_core")
    for name, make in {"scalar": _make_scalar, "_reconstruct": _make_array}.items()
}
