"""The smallest spectrogram net: two convolutions over frames, no batch normalisation."""

from dataclasses import dataclass

from torch import Tensor, nn

from auralflow.dsp.stft import STFTConfig
from auralflow.models.blocks.spectrogram import SpectrogramMaskModel
from auralflow.spec import ModelSpec

SPEC = ModelSpec(stems=("vocals", "drums", "bass", "other"), sample_rate=8000, channels=1, segment_samples=8000)


@dataclass(frozen=True)
class TwoLayersConfig:
    """Options of `TwoLayers`."""

    n_hidden: int = 16
    """Features between the layers."""


class Network(nn.Module):
    def __init__(self, n_freqs: int, n_stems: int, channels: int, n_hidden: int) -> None:
        super().__init__()
        self.shape = (n_stems, channels, n_freqs)
        self.layers = nn.Sequential(
            nn.Conv1d(channels * n_freqs, n_hidden, 3, padding=1),
            nn.ReLU(),
            nn.Conv1d(n_hidden, n_stems * channels * n_freqs, 1),
        )

    def forward(self, magnitude: Tensor) -> Tensor:
        return self.layers(magnitude.flatten(1, 2)).unflatten(1, self.shape)


class TwoLayers(SpectrogramMaskModel):
    def __init__(self, spec: ModelSpec, config: TwoLayersConfig) -> None:
        stft = STFTConfig(256, 64)
        network = Network(stft.n_freqs, len(spec.stems), spec.channels, config.n_hidden)
        super().__init__(spec, stft, network, scale="log", activation="sigmoid")
