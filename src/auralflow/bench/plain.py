"""A separator as it would be if nobody had made it faster: what eager torch does with the model."""

from __future__ import annotations

from torch import nn

from auralflow.separation.engine import Separator


class PlainSeparator(Separator):
    """Runs the model as it was loaded."""

    def _make_fast(self, model: nn.Module, stems: tuple[str, ...]) -> nn.Module:
        return model
