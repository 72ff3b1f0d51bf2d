"""Passes audio through, a second for each segment: time to kill the process in the middle."""

import time
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from auralflow.spec import ModelSpec

SPEC = ModelSpec(stems=("vocals", "other"), sample_rate=44100, channels=2, segment_samples=44100)


@dataclass(frozen=True)
class SlowConfig:
    """No settings."""


class Slow(nn.Module):
    def __init__(self, spec: ModelSpec, config: SlowConfig) -> None:
        super().__init__()
        self.spec, self.config = spec, config

    def forward(self, mixture: Tensor) -> Tensor:
        time.sleep(0.3)
        return torch.stack([mixture, torch.zeros_like(mixture)], dim=1)
