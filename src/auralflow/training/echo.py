"""More mixtures out of one batch, made on the device that trains, where reading and changing sounds is what takes time.

Source: to step more than once on what was read is data echoing (D. Choi et al., "Faster neural network training with
data echoing", 2019); to shuffle stems within a batch, on the GPU, is how Demucs makes mixtures (A. Défossez et al.,
"Music source separation in the waveform domain", 2019, after S. Uhlich et al., 2017).
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from auralflow.data.loader import Batch

_SHUFFLED = 0.5
"""Chance that a stem changes places, for each stem of each echo: the others stay with what they were played with."""
_GAIN_DB = (-6.0, 3.0)


def add_echoes(batch: Batch, n_echoes: int) -> Batch:
    """A batch with `n_echoes` more of its size behind it, whose stems are those of the batch in other company.

    In each echo every stem changes places within the batch or does not, each of its chunks has another gain (-6 to 3
    dB) and polarity, and half of them have their channels swapped. What is nobody's target stays as it is, and a
    mixture is the sum of what is in it. Random numbers are those of torch's generator of the device.

    Example:
        >>> batch = Batch(torch.ones(2, 2, 8), torch.ones(2, 1, 2, 8))
        >>> add_echoes(batch, 3).targets.shape
        torch.Size([8, 1, 2, 8])
    """
    if not n_echoes:
        return batch
    rest = batch.mixture - batch.targets.sum(1)
    echoes = [_change(batch.targets) for _ in range(n_echoes)]
    mixtures = [echo.sum(1).add_(rest) for echo in echoes]
    return Batch(torch.cat([batch.mixture, *mixtures]), torch.cat([batch.targets, *echoes]), batch.failures)


def _change(targets: Float[Tensor, "batch stem channel time"]) -> Float[Tensor, "batch stem channel time"]:
    n_items, n_stems = targets.shape[:2]
    device = targets.device
    stays = torch.arange(n_items, device=device)
    # Whether a stem moves is drawn on the host, which then need not wait for the device.
    columns = [torch.randperm(n_items, device=device) if torch.rand(()) < _SHUFFLED else stays for _ in range(n_stems)]
    echo = targets[torch.stack(columns, 1), torch.arange(n_stems, device=device)]
    gains_db = torch.empty(n_items, n_stems, 1, 1, device=device).uniform_(*_GAIN_DB)
    signs = torch.randint(2, gains_db.shape, device=device) * 2 - 1
    swaps = torch.rand(gains_db.shape, device=device) < 0.5
    return torch.where(swaps, echo.flip(2), echo).mul_(10 ** (gains_db / 20) * signs)
