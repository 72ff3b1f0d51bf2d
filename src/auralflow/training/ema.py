"""A running mean of the weights: mostly better than the last ones, at no cost when the model is used.

Source: B. Polyak, A. Juditsky, "Acceleration of stochastic approximation by averaging", 1992; with exponential decay
and the warm-up of the decay, min(decay, (1 + n) / (10 + n)) after n steps, that is usual since Inception.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class Ema:
    """Mean of a module's floating-point state.

    Args:
        decay: share of the old mean in the new one, once warmed up.

    Example:
        >>> layer = nn.Linear(1, 1)
        >>> mean = Ema(layer, decay=0.999)
        >>> mean.update()
        >>> with mean.applied():
        ...     layer(torch.zeros(1)).shape
        torch.Size([1])
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self._module, self._decay = module, decay
        self.n_updates = 0
        self.mean = {name: tensor.detach().clone() for name, tensor in self._state()}

    @torch.no_grad()
    def update(self) -> None:
        """Take in the weights as they are now."""
        decay = min(self._decay, (1 + self.n_updates) / (10 + self.n_updates))
        self.n_updates += 1
        for name, tensor in self._state():
            self.mean[name] = self.mean[name].to(tensor.device)
            if tensor.is_floating_point():
                self.mean[name].lerp_(tensor, 1 - decay)
            else:
                self.mean[name].copy_(tensor)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The module has the mean inside the block and its own weights after it."""
        own = {name: tensor.detach().clone() for name, tensor in self._state()}
        self._put(self.mean)
        try:
            yield
        finally:
            self._put(own)

    def state_dict(self) -> dict[str, object]:
        """Tensors and a count."""
        return {"n_updates": self.n_updates, "mean": self.mean}

    def load_state_dict(self, state: dict[str, object]) -> None:
        """What `state_dict` gave."""
        self.n_updates = int(state["n_updates"])  # type: ignore[call-overload]
        for name, tensor in state["mean"].items():  # type: ignore[attr-defined]
            self.mean[name].copy_(tensor)

    @torch.no_grad()
    def _put(self, values: dict[str, Tensor]) -> None:
        for name, tensor in self._state():
            tensor.copy_(values[name])

    def _state(self) -> Iterator[tuple[str, Tensor]]:
        yield from self._module.state_dict(keep_vars=True).items()
