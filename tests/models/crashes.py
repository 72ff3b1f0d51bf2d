"""Passes audio through, but loud marks in it bring the process down: how a job survives is what is tested.

A first sample above 0.9 makes it exit at once, one below -0.9 makes it hang.
"""

import os
import time
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from auralflow.spec import ModelSpec

SPEC = ModelSpec(stems=("vocals", "other"), sample_rate=44100, channels=2, segment_samples=44100)


@dataclass(frozen=True)
class CrashesConfig:
    """No settings."""


class Crashes(nn.Module):
    def __init__(self, spec: ModelSpec, config: CrashesConfig) -> None:
        super().__init__()
        self.spec, self.config = spec, config

    def forward(self, mixture: Tensor) -> Tensor:
        mark = float(mixture[0, 0, 0])
        if mark > 0.9:
            os._exit(7)
        if mark < -0.9:
            time.sleep(1000)
        return torch.stack([mixture, torch.zeros_like(mixture)], dim=1)
