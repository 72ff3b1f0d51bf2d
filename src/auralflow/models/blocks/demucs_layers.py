"""The layers of Hybrid Demucs on the way down and on the way up, along frequency or along time.

Défossez (2021, "Hybrid spectrogram and waveform source separation", arXiv 2111.03600). With a frequency axis the
convolutions that change level go along it, and frames are left alone; without, they go along time. Attributes have the
names of public state dicts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from auralflow.models.blocks.demucs_inference import convolve_gated, deconvolve_rows
from auralflow.models.blocks.demucs_residual import ResidualBranch
from auralflow.speed.inference import is_inference_on_cpu


@dataclass(frozen=True)
class LayerShape:
    """The convolution of a layer."""

    kernel: int
    stride: int
    is_spectral: bool
    """It goes along frequency; else along time."""
    is_padded: bool = True
    """It sees a quarter of the kernel beyond either end, so that it divides the length by the stride."""
    norm_groups: int = 0
    """Groups that the features after each convolution are normalised in; 0 for no normalisation."""

    @property
    def edge(self) -> int:
        """What it sees beyond either end."""
        return self.kernel // 4 if self.is_padded else 0

    def normalise(self, n_features: int) -> nn.Module:
        """The layer's kind of normalisation."""
        return nn.GroupNorm(self.norm_groups, n_features) if self.norm_groups else nn.Identity()

    def convolve(self, n_in: int, n_out: int) -> nn.Module:
        """The convolution down a level."""
        if self.is_spectral:
            return nn.Conv2d(n_in, n_out, (self.kernel, 1), (self.stride, 1), (self.edge, 0))
        return nn.Conv1d(n_in, n_out, self.kernel, self.stride, self.edge)

    def deconvolve(self, n_in: int, n_out: int) -> nn.Module:
        """The convolution up a level, edges included."""
        if self.is_spectral:
            return nn.ConvTranspose2d(n_in, n_out, (self.kernel, 1), (self.stride, 1))
        return nn.ConvTranspose1d(n_in, n_out, self.kernel, self.stride)

    def rewrite(self, width: int, context: int) -> nn.Conv1d | nn.Conv2d:
        """The convolution within a level, to twice as many features for the gates."""
        kind = nn.Conv2d if self.is_spectral else nn.Conv1d
        return kind(width, 2 * width, 1 + 2 * context, padding=context)


class EncoderLayer(nn.Module):
    """Down a level: convolution, GELU, residual branch, gated convolution.

    Args:
        context: neighbours that the gated convolution sees to either side.
        branch: the residual branch, if any.
        is_bare: the first convolution alone.

    Shape:
        `[batch, feature, freq, frame]` to `[batch, feature, freq / stride, frame]`, or `[batch, feature, frame]` to
        `[batch, feature, frame / stride]`, rounded up. Without a frequency axis of its own, one of length 1 is dropped.
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        shape: LayerShape,
        context: int = 0,
        branch: ResidualBranch | None = None,
        *,
        is_bare: bool = False,
    ) -> None:
        super().__init__()
        self.shape, self.is_bare = shape, is_bare
        self.conv = shape.convolve(n_in, n_out)
        if is_bare:
            return
        self.norm1 = shape.normalise(n_out)
        self.rewrite = shape.rewrite(n_out, context)
        self.norm2 = shape.normalise(2 * n_out)
        self.dconv = branch

    def forward(
        self, features: Float[Tensor, "batch feature *axes"], injected: Float[Tensor, "batch inner frame"] | None = None
    ) -> Float[Tensor, "batch inner *axes_2"]:
        """One level down; `injected` is what the other branch brings where both become one."""
        if not self.shape.is_spectral:
            features = features.flatten(2)
            features = F.pad(features, (0, -features.shape[-1] % self.shape.stride))
        features = self.conv(features)
        if self.is_bare:
            return features
        if injected is not None:
            features = features + injected.unsqueeze(2)
        features = F.gelu(self.norm1(features))
        if self.dconv is not None:
            features = self.dconv(features)
        return self._gate(features)

    def _gate(self, features: Float[Tensor, "batch feature *axes"]) -> Float[Tensor, "batch feature *axes"]:
        sees_itself = all(size == 1 for size in self.rewrite.kernel_size)
        if sees_itself and isinstance(self.norm2, nn.Identity) and is_inference_on_cpu(features):
            return convolve_gated(features, self.rewrite)
        return F.glu(self.norm2(self.rewrite(features)), dim=1)


class DecoderLayer(nn.Module):
    """Up a level: gated convolution, residual branch, transposed convolution, GELU.

    Args:
        context, branch, is_bare: as of `EncoderLayer`; a bare layer has no skip connection.
        is_outermost: no GELU, as what it gives is the output.

    Shape:
        `[batch, feature, freq, frame]` to `[batch, feature, freq * stride, frame]`, or `[batch, feature, frame]` to
        `[batch, feature, n_frames]`.
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        shape: LayerShape,
        context: int = 0,
        branch: ResidualBranch | None = None,
        *,
        is_bare: bool = False,
        is_outermost: bool = False,
    ) -> None:
        super().__init__()
        self.shape, self.is_bare, self.is_outermost = shape, is_bare, is_outermost
        self.conv_tr = shape.deconvolve(n_in, n_out)
        self.norm2 = shape.normalise(n_out)
        if is_bare:
            return
        self.rewrite = shape.rewrite(n_in, context)
        self.norm1 = shape.normalise(2 * n_in)
        self.dconv = branch

    def forward(
        self, features: Tensor | None, skip: Tensor | None, n_frames: int
    ) -> tuple[Float[Tensor, "batch feature *axes"], Float[Tensor, "batch inner *axes_2"]]:
        """The level above, and what the transposed convolution made it of.

        Args:
            features: from the level below; None at the bottom, where only the skip connection brings some.
            skip: from the way down.
            n_frames: that the level above has, where the layer goes along time.
        """
        inner = self._refine(features, skip)
        given = self.norm2(self._deconvolve(inner))
        edge = self.shape.edge
        axis, length = (2, given.shape[2] - 2 * edge) if self.shape.is_spectral else (-1, n_frames)
        given = given.narrow(axis, edge, length)
        return given if self.is_outermost else F.gelu(given), inner

    def _deconvolve(self, inner: Tensor) -> Tensor:
        shape = self.shape
        if shape.is_spectral and shape.kernel % shape.stride == 0 and is_inference_on_cpu(inner):
            return deconvolve_rows(inner, cast(nn.ConvTranspose2d, self.conv_tr))
        given: Tensor = self.conv_tr(inner)
        return given

    def _refine(self, features: Tensor | None, skip: Tensor | None) -> Tensor:
        if skip is None:
            assert features is not None
            return features
        if features is not None:
            skip = skip + (features.unsqueeze(2) if features.ndim < skip.ndim else features)
        refined = F.glu(self.norm1(self.rewrite(skip)), dim=1)
        return refined if self.dconv is None else self.dconv(refined)
