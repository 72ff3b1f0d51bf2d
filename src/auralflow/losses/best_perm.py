"""Another loss under the order of stems that suits the estimate best."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from itertools import permutations
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from auralflow.errors import ConfigError
from auralflow.estimate import Estimate
from auralflow.losses._base import PerStemLoss
from auralflow.losses._build import build_loss

MAX_STEMS = 6
"""More would mean more than 720 orders."""


@dataclass(frozen=True)
class BestPerm(PerStemLoss):
    """Permutation-invariant loss, `min over orders p of mean_j loss(e_j, s_p(j))`, the minimum taken for each item.

    For stems without names, as two singers: the model may return them in any order. All pairs are compared without
    gradient first; then the loss is computed once, against the targets in the best order. At most 6 stems.

    Source: utterance-level permutation-invariant training, Kolbæk et al. (2017, "Multitalker speech separation with
    utterance-level permutation invariant training of deep recurrent neural networks").

    Raises:
        ConfigError: the loss does not exist, refuses its options, or has no value per stem.

    Example:
        >>> targets = torch.randn(1, 3, 2, 100)
        >>> loss = BestPerm("l1")
        >>> loss(Estimate(targets.flip(1), targets.sum(1)), targets)
        tensor(0.)
    """

    loss: str = "si_sdr"
    """Name of the loss that compares two stems, or path of a `.py` file that defines one."""
    options: dict[str, Any] = field(default_factory=dict)
    """Options of that loss."""

    def __post_init__(self) -> None:
        _ = self.pair_loss  # built now, so that its options are checked now

    @cached_property
    def pair_loss(self) -> PerStemLoss:
        """The loss that compares two stems."""
        loss = build_loss(self.loss, self.options, name_key="loss", options_key="options")
        if not isinstance(loss, PerStemLoss):
            raise ConfigError(f"loss: expected a loss with one value per stem, got '{self.loss}'; see PerStemLoss")
        return loss

    @property
    def needs(self) -> tuple[str, ...]:
        """What the loss needs."""
        return self.pair_loss.needs

    @property
    def minimum(self) -> float | None:
        """That of the loss."""
        return self.pair_loss.minimum

    def per_stem(
        self, estimate: Estimate, targets: Float[Tensor, "batch stem channel time"]
    ) -> Float[Tensor, "batch stem"]:
        """The loss of each stem against the target that the best order gives it."""
        if targets.shape[1] > MAX_STEMS:
            raise ConfigError(f"best_perm: expected at most {MAX_STEMS} stems, got {targets.shape[1]}")
        order = self._find_best_order(estimate, targets)
        return self.pair_loss.per_stem(estimate, targets.take_along_dim(order[:, :, None, None], dim=1))

    @torch.no_grad()
    def _find_best_order(
        self, estimate: Estimate, targets: Float[Tensor, "batch stem channel time"]
    ) -> Int[Tensor, "batch stem"]:
        """For each stem of the estimate, the index of its target."""
        n_stems = targets.shape[1]
        stem = torch.arange(n_stems, device=targets.device)
        # Turned by k, the targets meet each estimate with the k-th next: n calls give all n^2 pairs.
        turned = [self.pair_loss.per_stem(estimate, targets.roll(-k, dims=1)) for k in range(n_stems)]
        pairs = torch.stack(turned, dim=-1)  # batch, estimate, turn
        orders = torch.tensor(list(permutations(range(n_stems))), device=targets.device)
        values = pairs[:, stem, (orders - stem) % n_stems].mean(-1)
        return orders[values.argmin(-1)]
