"""How far an export is from the model it was made of."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from auralflow.data.synth import SongConfig, mix_stems, render_song
from auralflow.errors import CheckpointError
from auralflow.spec import ModelSpec

TOLERANCE = 1e-4
"""An export that is further off than this is refused; 32-bit arithmetic in another order stays well below."""


def measure_parity(model: nn.Module, exported: Callable[[Tensor], Tensor], spec: ModelSpec) -> dict[str, float]:
    """The largest relative error on noise, half of it silenced, and on a rendered song, of one segment each.

    That is the largest difference of any two samples, divided by the largest sample of the model's own stems.
    """
    errors = {}
    for name, mixture in _make_probes(spec).items():
        with torch.inference_mode():
            expected, got = model(mixture), exported(mixture)
        largest = expected.abs().max().clamp(min=torch.finfo(expected.dtype).tiny)
        errors[name] = float((got - expected).abs().max() / largest)
    return errors


def check_parity(errors: dict[str, float], source: str) -> None:
    """Refuse an export that is not the model.

    Raises:
        CheckpointError: an error is above the tolerance, or no number.
    """
    for name, error in errors.items():
        if not error <= TOLERANCE:
            raise CheckpointError(
                f"{source}: the export differs from the model by {error:.1e} on {name}, more than {TOLERANCE:.0e}; "
                "it was not written"
            )


def _make_probes(spec: ModelSpec) -> dict[str, Tensor]:
    shape = (1, spec.channels, spec.segment_samples)
    noise = 0.1 * torch.randn(shape, generator=torch.Generator().manual_seed(0))
    noise[..., shape[-1] // 2 :] = 0  # digital silence, where a small constant that was lost would give NaN
    return {"noise": noise, "a song": _render(spec).expand(shape)}


def _render(spec: ModelSpec) -> Tensor:
    """A segment of a song: the two sides where the model is stereo, else their mean in every channel."""
    seconds = min(max(1.0, spec.segment_s + 0.5), 1200.0)
    song = torch.from_numpy(
        mix_stems(render_song(SongConfig(seed=1, duration_s=seconds, sample_rate=spec.sample_rate)))
    )
    sides = song if spec.channels == 2 else song.mean(0, keepdim=True)
    return F.pad(sides, (0, max(0, spec.segment_samples - sides.shape[-1])))[..., : spec.segment_samples]
