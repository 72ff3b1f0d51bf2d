"""Tensors as torch stores them: views of flat storages."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor

from auralflow.errors import CheckpointError

DTYPES = {
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "DoubleStorage": torch.float64,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
    "ComplexFloatStorage": torch.complex64,
    "ComplexDoubleStorage": torch.complex128,
}
"""Names of torch's storage classes, and what they hold."""

_TIMES, _SPARE_BYTES = 8, 64 << 20


class Budget:
    """Bytes that values made of one file may take together: not many times the file.

    Tied parameters are several views of one storage, and each becomes a copy. Without end, that would fill memory.
    """

    def __init__(self, file_bytes: int) -> None:
        self.bytes_left = _TIMES * file_bytes + _SPARE_BYTES

    def spend(self, n_bytes: int) -> None:
        """Take some of it.

        Raises:
            CheckpointError: there is not so much left.
        """
        self.bytes_left -= n_bytes
        if self.bytes_left < 0:
            raise CheckpointError("has values that are together many times as large as the file")


@dataclass(frozen=True, eq=False)
class Storage:
    """Values in a row, of which tensors are views."""

    flat: Tensor


@dataclass(frozen=True)
class StorageType:
    """The stand-in for a storage class of torch."""

    dtype: torch.dtype


def read_storage(content: bytearray, dtype: torch.dtype) -> Storage:
    """A storage with these bytes; a bool that is stored as another byte than 0 and 1 is true."""
    if not content:
        return Storage(torch.empty(0, dtype=dtype))
    if dtype is torch.bool:
        return Storage(torch.frombuffer(content, dtype=torch.uint8) != 0)
    return Storage(torch.frombuffer(content, dtype=dtype))


def make_tensor(budget: Budget, storage: Any, offset: Any, shape: Any, strides: Any, *extras: Any) -> Tensor:
    """The view of a storage that a pickle describes, as a contiguous copy.

    Raises:
        CheckpointError: it reaches outside the storage, has more values than that, or there is no budget left.
    """
    if not isinstance(storage, Storage):
        raise CheckpointError("has a tensor without a storage")
    if any(extras[2:]):
        raise CheckpointError("has a tensor with properties of its own (a conjugate view?); save it resolved")
    _check_view(storage.flat.numel(), offset, shape, strides)
    budget.spend(prod(shape) * storage.flat.element_size())
    return torch.as_strided(storage.flat, shape, strides, offset).clone(memory_format=torch.contiguous_format)


def _check_view(n_stored: int, offset: Any, shape: Any, strides: Any) -> None:
    if not (isinstance(shape, tuple) and isinstance(strides, tuple) and len(shape) == len(strides) <= 64):
        raise CheckpointError("has a tensor whose shape and strides do not belong together")
    if not all(type(value) is int and value >= 0 for value in (offset, *shape, *strides)):
        raise CheckpointError("has a tensor whose offset, shape or strides are no whole numbers from 0")
    n_values = prod(shape)
    last = offset + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
    if n_values > n_stored or (n_values and last >= n_stored):
        raise CheckpointError(f"declares a tensor of shape {list(shape)[:8]} where {n_stored} values are stored")
