"""A temporal convolutional network: dilated depthwise convolutions, each looking twice as far as the one before.

Luo and Mesgarani (2019, "Conv-TasNet"), after the WaveNet of van den Oord et al. (2016). One block:

    features --1x1--> hidden --PReLU, norm, dilated depthwise, PReLU, norm--> 1x1 --+--> change, added to the features
                                                                                    +--> skip, added up over all blocks
"""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn

from auralflow.models.blocks.norms import Norm, make_norm


class TemporalConvNet(nn.Module):
    """`n_repeats` times `n_blocks` blocks with dilations 1, 2, 4, ...; see the head of this file.

    The output is the sum of all skips or, when `n_skip` is 0, the features after the last block. One 1 x 1 convolution
    makes change and skip. The change of the last block would reach nothing, so beside a skip there is none.

    Args:
        width: features that the blocks hand on.
        n_hidden: features inside a block.
        n_skip: features of the output, or 0 for `width` features without skips.
        kernel: frames that a depthwise convolution sees, odd.
        causal: look at past frames only.

    Shape:
        `[batch, feature, frame]` to the same, `n_out` features. The sums keep the dtype of the input under autocast.
    """

    def __init__(
        self,
        width: int,
        n_hidden: int,
        n_skip: int,
        *,
        kernel: int,
        n_blocks: int,
        n_repeats: int,
        norm: Norm,
        causal: bool,
    ) -> None:
        super().__init__()
        self.sizes = (width, n_skip)
        self.n_out = n_skip or width
        dilations = [2**block for _ in range(n_repeats) for block in range(n_blocks)]
        outputs = [width + n_skip] * (len(dilations) - 1) + [self.n_out]
        self.blocks = nn.ModuleList(
            _make_block(width, n_hidden, n_out, kernel, dilation, norm, causal)
            for n_out, dilation in zip(outputs, dilations, strict=True)
        )

    def forward(self, features: Float[Tensor, "batch feature frame"]) -> Float[Tensor, "batch n_out frame"]:
        skips = features.new_zeros(features.shape[0], self.sizes[1], features.shape[2])
        for block in self.blocks[:-1]:
            change, skip = block(features).split(self.sizes, dim=1)
            features, skips = features + change, skips + skip
        last: Tensor = self.blocks[-1](features)
        return (skips if self.sizes[1] else features) + last


def _make_block(
    width: int, n_hidden: int, n_out: int, kernel: int, dilation: int, norm: Norm, causal: bool
) -> nn.Sequential:
    reach = (kernel - 1) * dilation
    return nn.Sequential(
        nn.Conv1d(width, n_hidden, 1),
        nn.PReLU(),
        make_norm(norm, n_hidden),
        nn.ConstantPad1d((reach, 0), 0.0) if causal else nn.Identity(),
        nn.Conv1d(n_hidden, n_hidden, kernel, padding=0 if causal else reach // 2, dilation=dilation, groups=n_hidden),
        nn.PReLU(),
        make_norm(norm, n_hidden),
        nn.Conv1d(n_hidden, n_out, 1),
    )
