"""What waveform models share: the check of what comes in, and recurrence over a sequence of features."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn

from auralflow.errors import ShapeError
from auralflow.spec import ModelSpec


def check_mixture(mixture: Tensor, spec: ModelSpec) -> None:
    """Refuse what is no mixture for this spec.

    Raises:
        ShapeError: another number of axes than three, or of channels than `spec.channels`.
    """
    if mixture.ndim != 3 or mixture.shape[1] != spec.channels:
        raise ShapeError(f"expected a mixture of shape (batch, {spec.channels}, time), got {tuple(mixture.shape)}")


class ResidualLSTM(nn.Module):
    """Bidirectional LSTM over frames and a linear layer back to as many features, added to its input.

    Args:
        width: features that come in and go out.
        n_hidden: units of the LSTM in each direction.

    Shape:
        `[batch, feature, frame]` to the same.
    """

    def __init__(self, width: int, n_hidden: int, n_layers: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(width, n_hidden, n_layers, batch_first=True, bidirectional=True)
        self.mix = nn.Linear(2 * n_hidden, width)

    def forward(self, features: Float[Tensor, "batch feature frame"]) -> Float[Tensor, "batch feature frame"]:
        seen, _ = self.lstm(features.transpose(1, 2))
        changed: Tensor = features + self.mix(seen).transpose(1, 2)
        return changed
