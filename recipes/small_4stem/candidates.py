"""The networks that were compared before one was trained long, each as a run of `auralflow train`.

python recipes/small_4stem/candidates.py RUNS DATA

DATA is what `make.py` made. Makes RUNS/<name> for each candidate; `auralflow train RUNS/<name>` trains it, with
`OMP_NUM_THREADS=1` in the environment on one core. All have the same data, drawn alike, the same optimizer and a
length that takes 75 minutes of one core of an x86 processor with AVX2.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from auralflow.api import configure

_CHUNKS = 1200
"""Of an epoch."""

COMMON: dict[str, Any] = {
    "data.chunk_s": 4.0,
    "data.batch_size": 4,
    "data.n_samples": _CHUNKS,
    "data.n_workers": 1,
    "data.remix": 0.6,
    "data.keep_silent": 0.25,
    "data.augment": [
        {"name": "gain", "probability": 1.0, "options": {"range_db": [-10.0, 4.0]}},
        {"name": "channel_swap", "probability": 0.5},
        {"name": "polarity", "probability": 0.5},
        {"name": "equalizer", "probability": 0.2},
        {"name": "pitch_tempo", "probability": 0.08},
        {"name": "codec", "probability": 0.02},
    ],
    "optimizer.learning_rate": 1.5e-3,
    "optimizer.weight_decay": 0.01,
    "optimizer.clip_norm": 1.0,
    "optimizer.ema_decay": 0.995,
    "scheduler.name": "cosine",
    "scheduler.warm_up_steps": 100,
    "scheduler.final_factor": 0.02,
    "trainer.checkpoint_steps": 100,
}
_MASKS_LOSS = [{"name": "compressed_spectrum", "weight": 1.0}]
_WAVEFORM_LOSS = [{"name": "l1", "weight": 1.0}]


@dataclass(frozen=True)
class Candidate:
    """A network, its loss, and its length."""

    model: str
    epochs: int
    """So many take 75 minutes."""
    loss: list[dict[str, Any]]
    settings: dict[str, Any]


CANDIDATES: dict[str, Candidate] = {
    "band_split_rnn": Candidate(
        "band_split_rnn",
        7,
        _MASKS_LOSS,
        {
            "config.stft": {"n_fft": 2048, "hop_samples": 1024},
            "config.n_bands": 32,
            "config.width": 48,
            "config.n_hidden": 48,
            "config.n_layers": 4,
            "config.mask": "real",
        },
    ),
    "spectrogram_net_octave": Candidate("spectrogram_net_octave", 11, _MASKS_LOSS, {}),
    "scnet": Candidate(
        "scnet",
        4,
        _WAVEFORM_LOSS,
        {
            "config.stft": {"n_fft": 4096, "hop_samples": 1024, "window": "rectangle", "edges": "reflect"},
            "config.widths": [4, 16, 32, 48],
            "config.n_dual_paths": 4,
        },
    ),
    "open_unmix": Candidate(
        "open_unmix",
        8,
        _MASKS_LOSS,
        {"config.n_hidden": 192, "config.n_layers": 2, "config.dropout": 0.2},
    ),
    "spectrogram_net_lstm": Candidate(
        "spectrogram_net_lstm",
        3,
        _MASKS_LOSS,
        {
            "config.stft": {"n_fft": 2048, "hop_samples": 1024},
            "config.unet": {"widths": [12, 24, 36, 48, 64, 96], "n_frame_levels": 2},
            "config.n_hidden": 128,
        },
    ),
}


def main() -> None:
    """Write the config files of all candidates that have none yet."""
    parser = argparse.ArgumentParser(description="write the runs of the candidates")
    parser.add_argument("runs", type=Path, help="folder to make")
    parser.add_argument("data", type=Path, help="folder that make.py made")
    arguments = parser.parse_args()
    for name, candidate in CANDIDATES.items():
        if not (arguments.runs / name).exists():
            write_run(arguments.runs / name, arguments.data, candidate)


def write_run(folder: Path, data: Path, candidate: Candidate) -> None:
    """`auralflow config` with all that the candidates have in common, and what is its own."""
    sources = [
        {"root": str(data.absolute() / "songs"), "layout": "musdb_hq", "weight": 0.6},
        {"root": str(data.absolute() / "sounds"), "layout": "stem_folders", "weight": 0.4},
    ]
    own = {"data.sources": sources, "loss": candidate.loss, "trainer.max_epochs": candidate.epochs}
    settings = COMMON | own | candidate.settings
    overrides = [f"{key}={yaml.safe_dump(value, default_flow_style=True).strip()}" for key, value in settings.items()]
    configure(folder, model=candidate.model, stems="vocals,drums,bass,other", overrides=overrides)


if __name__ == "__main__":
    main()
