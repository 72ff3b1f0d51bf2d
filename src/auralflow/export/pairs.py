"""Arithmetic on complex tensors that are pairs of real ones: what each operation of a graph does to them.

Fourier transforms become matrix products (`auralflow.dsp.real_dft`). Some operations on real tensors are
changed as well, which ONNX can do but does badly: cutting frames that overlap, writing into a part of a tensor, means
over very many values, and adding something very small.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import gcd
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils import _pytree as pytree

from auralflow.dsp.real_dft import inverse_real_dft, real_dft
from auralflow.errors import ConfigError


@dataclass(frozen=True, eq=False)
class Pair:
    """A complex tensor as two real ones."""

    real: Any
    """A tensor; a number where a complex number stands in the graph."""
    imag: Any


Number = Tensor | Pair | complex
"""What stands where an operand may be complex."""


def compute(target: Any, args: Any, kwargs: Any) -> Any:
    """An operation of a graph, where tensors among its arguments may be pairs.

    Raises:
        ConfigError: it is not known what it does to complex numbers; the message names it.
    """
    name = name_of(target)
    if name in _ALWAYS:
        return _ALWAYS[name](*args, **kwargs)
    if name in _SUMS:
        args = _keep_small_terms(args)
    leaves = pytree.tree_leaves((args, kwargs))
    if name in _CASTS and _mentions_complex(leaves):
        return _cast(args[0], leaves)
    if name in _MAKERS and _mentions_complex(leaves):
        return _make(target, args, kwargs)
    if not any(isinstance(value, Pair) for value in leaves):
        return _check_real(target(*args, **kwargs), target)
    if name in _ON_PARTS:
        return _apply_to_parts(target, args, kwargs)
    if name in _PRODUCTS:
        return _multiply(*args, by=target)
    if name in _ON_PAIRS:
        return _ON_PAIRS[name](*args, **kwargs)
    raise _refusal(target)


def name_of(target: Any) -> str:
    """`mul` for `aten::mul.Tensor`."""
    if isinstance(target, torch._ops.OpOverload):
        return str(target.name().partition("::")[2].partition(".")[0])
    return str(getattr(target, "__name__", target))


def _refusal(target: Any) -> ConfigError:
    return ConfigError(
        f"export: this model uses the operation {target} on complex numbers, which cannot be exported; "
        "export it with --to torch, or compute with its torch engine"
    )


def _check_real(result: Any, target: Any) -> Any:
    if any(isinstance(value, Tensor) and value.is_complex() for value in pytree.tree_leaves(result)):
        raise _refusal(target)
    return result


def _mentions_complex(leaves: Sequence[Any]) -> bool:
    return any(isinstance(v, Pair) or (isinstance(v, torch.dtype) and v.is_complex) for v in leaves)


# Operations that do to a complex tensor what they do to both of its parts. Other tensors among their arguments are
# data (whose imaginary part is zero) where they are floats, and indices or conditions where they are not.
_ON_PARTS = frozenset(
    """
    add alias cat chunk clone constant_pad_nd contiguous copy detach diagonal expand flatten flip index index_select
    lift_fresh_copy masked_fill mT mean movedim narrow neg new_empty new_zeros pad permute repeat reshape roll rsub
    select slice split split_with_sizes squeeze stack sub sum t tile transpose unbind unflatten unsqueeze view where
    zeros_like _unsafe_view
    """.split()  # noqa: SIM905 - a word list is easier to read and to keep sorted
)
_PRODUCTS = frozenset(("mul", "matmul", "bmm", "mm"))
_CASTS = frozenset(("to", "_to_copy"))
_MAKERS = frozenset(("full", "zeros", "empty"))
_MANY, _SMALL = 1 << 16, 1e-7
_SUMS = frozenset(("add", "sub", "rsub", "where", "masked_fill"))


def _apply_to_parts(function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """The function of all real parts and of all imaginary parts, as pairs."""
    is_sum = name_of(function) in _SUMS
    real = function(*pytree.tree_map(_real_part, args), **pytree.tree_map(_real_part, kwargs))
    imag = function(*pytree.tree_map(lambda value: _imag_part(value, is_sum), args), **_imag_kwargs(kwargs))
    if isinstance(real, Tensor):
        return Pair(real, imag)
    return [Pair(one, other) for one, other in zip(real, imag, strict=True)]


def _real_part(value: Any) -> Any:
    return value.real if isinstance(value, Pair) else value


def _imag_part(value: Any, is_sum: bool) -> Any:
    if isinstance(value, Pair):
        return value.imag
    if isinstance(value, Tensor) and value.is_floating_point():
        return torch.zeros_like(value)
    return 0.0 if is_sum and isinstance(value, int | float) else value


def _imag_kwargs(kwargs: dict[str, Any]) -> dict[str, Any]:
    return {key: value.imag if isinstance(value, Pair) else value for key, value in kwargs.items()}


def _multiply(a: Number, b: Number, *, by: Callable[..., Any] = operator.mul) -> Pair:
    """Any bilinear product; real operands stay what they are."""
    a, b = _lift(a), _lift(b)
    if not isinstance(a, Pair):
        assert isinstance(b, Pair)
        return Pair(by(a, b.real), by(a, b.imag))
    if not isinstance(b, Pair):
        return Pair(by(a.real, b), by(a.imag, b))
    return Pair(by(a.real, b.real) - by(a.imag, b.imag), by(a.real, b.imag) + by(a.imag, b.real))


def _lift(value: Any) -> Any:
    return Pair(value.real, value.imag) if isinstance(value, complex) else value


def _einsum(equation: str, operands: Sequence[Any], **kwargs: Any) -> Pair:
    if len(operands) != 2:
        raise _refusal("einsum of more than two tensors")
    return _multiply(*operands, by=lambda a, b: torch.einsum(equation, a, b))


def _divide(a: Number, b: Number) -> Pair:
    if not isinstance(b, Pair):
        assert isinstance(a, Pair)
        return Pair(a.real / b, a.imag / b)
    power = _power(b)
    return _multiply(a, Pair(b.real / power, -b.imag / power))


def _power(a: Pair) -> Tensor:
    power: Tensor = a.real * a.real + a.imag * a.imag
    return power


def _raise(a: Pair, exponent: Any) -> Pair:
    if exponent != 2:
        raise _refusal(f"pow with the exponent {exponent}")
    return _multiply(a, a)


def _cast(value: Number, leaves: Sequence[Any]) -> Any:
    dtype = next((leaf for leaf in leaves if isinstance(leaf, torch.dtype)), None)
    if isinstance(value, Pair):
        if dtype is None:
            return value
        if not dtype.is_complex:
            return value.real.to(dtype)
        return Pair(value.real.to(dtype.to_real()), value.imag.to(dtype.to_real()))
    assert isinstance(value, Tensor)
    assert dtype is not None
    real = value.to(dtype.to_real())
    return Pair(real, torch.zeros_like(real))


def _make(target: Any, args: Any, kwargs: dict[str, Any]) -> Pair:
    """A new tensor that was to be complex; what it is filled with is real, or refused by the operation itself."""
    real = target(*args, **kwargs | {"dtype": kwargs["dtype"].to_real()})
    return Pair(real, torch.zeros_like(real))


def _unfold(values: Tensor, dim: int, size: int, step: int) -> Tensor:
    """`Tensor.unfold` as one choice of rows, each as long as divides both the frame and the step."""
    values = values.movedim(dim, -1)
    n_row, n_frames = gcd(size, step), (values.shape[-1] - size) // step + 1
    rows = values[..., : ((n_frames - 1) * step + size)].unflatten(-1, (-1, n_row))
    of_frame = step // n_row * torch.arange(n_frames)[:, None] + torch.arange(size // n_row)
    frames = rows.index_select(-2, of_frame.flatten().to(values.device)).unflatten(-2, (n_frames, -1)).flatten(-2)
    cut: Tensor = frames.movedim(-2, dim if dim >= 0 else dim - 1)
    return cut


def _scatter_slice(
    into: Tensor, part: Tensor, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Tensor:
    """`torch.slice_scatter` as a concatenation."""
    if step != 1:
        return torch.slice_scatter(into, part, dim, start, end, step)
    first = slice(start, end).indices(into.shape[dim])[0]
    last = first + part.shape[dim]
    before, after = into.narrow(dim, 0, first), into.narrow(dim, last, into.shape[dim] - last)
    return torch.cat([piece for piece in (before, part, after) if piece.shape[dim]], dim)


def _scatter_one(into: Tensor, part: Tensor, dim: int, index: int) -> Tensor:
    first = index % into.shape[dim]
    return _scatter_slice(into, part.unsqueeze(dim), dim, first, first + 1)


def _rfft(frames: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Pair:
    n = n or frames.shape[dim]
    frames = frames.movedim(dim, -1)
    real, imag = real_dft(F.pad(frames, (0, n - frames.shape[-1])) if n != frames.shape[-1] else frames)
    scale = {"ortho": n**-0.5, "forward": 1 / n}.get(norm or "", 1.0)
    return Pair((real * scale).movedim(-1, dim), (imag * scale).movedim(-1, dim))


def _irfft(spectrum: Pair, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    n = n or 2 * (spectrum.real.shape[dim] - 1)
    missing = n // 2 + 1 - spectrum.real.shape[dim]
    real, imag = (F.pad(part.movedim(dim, -1), (0, missing)) for part in (spectrum.real, spectrum.imag))
    scale = {"ortho": n**0.5, "forward": float(n)}.get(norm or "", 1.0)
    frames: Tensor = (inverse_real_dft(real, imag, n) * scale).movedim(-1, dim)
    return frames


def _keep_small_terms(args: Any) -> Any:
    """The arguments of a sum, a number below 1e-7 as a tensor of one sample: onnxscript would take it for zero."""
    first = args[0].real if isinstance(args[0], Pair) else args[0]
    if not isinstance(first, Tensor) or not first.dim() or not first.is_floating_point():
        return args
    return tuple(
        first.new_full((1,), value) if isinstance(value, float) and 0 < abs(value) < _SMALL else value for value in args
    )


def _group_norm(
    features: Tensor,
    n_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
    cudnn_enabled: bool = True,
) -> Tensor:
    """`torch.group_norm`, with means of means where a group is large: ONNX Runtime adds millions of values up in a row,
    which loses digits."""
    if features.dim() < 3 or features[0].numel() // n_groups < _MANY:
        return torch.group_norm(features, n_groups, weight, bias, eps, cudnn_enabled)
    groups = features.unflatten(1, (n_groups, -1)).flatten(3)  # batch, group, channel, rest
    groups = groups - groups.mean(-1, keepdim=True).mean(-2, keepdim=True)
    variance = groups.square().mean(-1, keepdim=True).mean(-2, keepdim=True)
    normal = (groups / (variance + eps).sqrt()).reshape(features.shape)
    shape = (-1, *(1 for _ in features.shape[2:]))
    normal = normal if weight is None else normal * weight.reshape(shape)
    shifted: Tensor = normal if bias is None else normal + bias.reshape(shape)
    return shifted


def _on_real_or_parts(function: Callable[..., Tensor]) -> Callable[..., Any]:
    def apply(*args: Any, **kwargs: Any) -> Any:
        is_pair = any(isinstance(value, Pair) for value in args)
        return _apply_to_parts(function, args, kwargs) if is_pair else function(*args, **kwargs)

    return apply


_ALWAYS: dict[str, Callable[..., Any]] = {
    "fft_rfft": _rfft,
    "fft_irfft": _irfft,
    "complex": Pair,
    "polar": lambda size, angle: Pair(size * angle.cos(), size * angle.sin()),
    "view_as_complex": lambda pairs: Pair(*pairs.unbind(-1)),
    "getitem": operator.getitem,
    "_assert_tensor_metadata": lambda *_, **__: None,
    "group_norm": _group_norm,
    "unfold": _on_real_or_parts(_unfold),
    "slice_scatter": _on_real_or_parts(_scatter_slice),
    "select_scatter": _on_real_or_parts(_scatter_one),
}
_ON_PAIRS: dict[str, Callable[..., Any]] = {
    "abs": lambda a: _power(a).sqrt(),
    "angle": lambda a: torch.atan2(a.imag, a.real),
    "real": lambda a: a.real,
    "imag": lambda a: a.imag,
    "view_as_real": lambda a: torch.stack([a.real, a.imag], dim=-1),
    "square": lambda a: _multiply(a, a),
    "pow": _raise,
    "div": _divide,
    "einsum": _einsum,
    "reciprocal": lambda a: _divide(1.0, a),
    **dict.fromkeys(("conj", "_conj", "conj_physical", "_conj_physical"), lambda a: Pair(a.real, -a.imag)),
    **dict.fromkeys(("adjoint", "mH"), lambda a: Pair(a.real.mT, -a.imag.mT)),
    **dict.fromkeys(("resolve_conj", "resolve_neg"), lambda a: a),
}
