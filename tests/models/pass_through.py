"""The mixture as its first stem, silence as the others: shows what the engine itself does to the samples."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from auralflow.spec import ModelSpec

SPEC = ModelSpec(
    stems=("vocals", "drums", "bass", "other"),
    sample_rate=44100,
    channels=2,
    segment_samples=44100,
    context_samples=2048,
)


@dataclass(frozen=True)
class PassThroughConfig:
    """No settings."""


class PassThrough(nn.Module):
    def __init__(self, spec: ModelSpec, config: PassThroughConfig) -> None:
        super().__init__()
        self.spec, self.config = spec, config

    def forward(self, mixture: Tensor) -> Tensor:
        silence = torch.zeros_like(mixture)
        return torch.stack([mixture, *[silence for _ in self.spec.stems[1:]]], dim=1)
