"""Two convolutions on the mixture's magnitude give a mask for each stem.

Shape:
    `[batch, channel, time]` to `[batch, stem, channel, time]`.
"""

from dataclasses import dataclass, field

from torch import nn

from auralflow import ModelSpec
from auralflow.dsp.stft import STFTConfig
from auralflow.models.blocks.spectrogram import SpectrogramMaskModel

SPEC = ModelSpec(("vocals", "other"), sample_rate=44100, channels=2, segment_samples=264600, context_samples=22050)


@dataclass(frozen=True)
class MyModelConfig:
    stft: STFTConfig = field(default_factory=STFTConfig)
    """Spectrogram that the network sees."""
    width: int = 16
    """Feature maps between the two convolutions."""


class MyModel(SpectrogramMaskModel):
    def __init__(self, spec: ModelSpec, config: MyModelConfig) -> None:
        n_stems, channels, width = len(spec.stems), spec.channels, config.width
        listen = nn.Conv2d(channels, width, kernel_size=5, padding=2)
        decide = nn.Conv2d(width, n_stems * channels, kernel_size=5, padding=2)
        network = nn.Sequential(listen, nn.SELU(), decide, nn.Unflatten(1, (n_stems, channels)))
        super().__init__(spec, config.stft, network, scale="log", normalise=True, activation="softmax")
