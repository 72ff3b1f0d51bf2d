"""Every stem a share of the mixture: as cheap as a model can be while four stems are loud."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from auralflow.spec import ModelSpec

SPEC = ModelSpec(
    stems=("vocals", "drums", "bass", "other"),
    sample_rate=44100,
    channels=2,
    segment_samples=6 * 44100,
    context_samples=2048,
)
SHARES = (0.4, 0.3, 0.2, 0.1)


@dataclass(frozen=True)
class QuartersConfig:
    """No settings."""


class Quarters(nn.Module):
    """Stems that sum to the mixture."""

    def __init__(self, spec: ModelSpec, config: QuartersConfig) -> None:
        super().__init__()
        self.spec, self.config = spec, config

    def forward(self, mixture: Tensor) -> Tensor:
        """(batch, channel, time) to (batch, stem, channel, time)."""
        return torch.stack([mixture * share for share in SHARES], dim=1)
