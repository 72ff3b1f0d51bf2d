"""The networks that were compared before one was trained long, each as a run of `auralflow train`.

python recipes/small_4stem/candidates.py RUNS DATA --minutes 40
python recipes/small_4stem/candidates.py RUNS DATA --minutes 20 --ablations

DATA is what `make.py` made. Makes RUNS/<name> for each candidate; `auralflow train RUNS/<name>` trains it, with
`OMP_NUM_THREADS=1` in the environment. All have the same data, drawn alike, the same optimizer, and a length that takes
so many minutes of one core, data included, by the pace that `--measure` finds. With `--ablations`, the runs are those
of the one that was chosen, each with one thing changed.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from auralflow.api import configure

_N_EPOCHS = 4
BATCH = 4

COMMON: dict[str, Any] = {
    "data.chunk_s": 4.0,
    "data.batch_size": BATCH,
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
    "trainer.max_epochs": _N_EPOCHS,
    "trainer.checkpoint_steps": 100,
    "valid.max_songs": 6,
    "valid.max_s": 25.0,
}
_WAVEFORM_LOSS = [{"name": "l1", "weight": 1.0}]


def masks_loss(**options: Any) -> list[dict[str, Any]]:
    """The loss of networks that give masks."""
    return [{"name": "compressed_spectrum", "weight": 1.0, "options": options}]


@dataclass(frozen=True)
class Candidate:
    """A network, its loss, and its pace."""

    model: str
    chunk_s: float
    """Seconds of one core (Zen 4) that a chunk takes."""
    loss: list[dict[str, Any]]
    settings: dict[str, Any]


CANDIDATES: dict[str, Candidate] = {
    "band_split_rnn": Candidate(
        "band_split_rnn",
        0.306,
        masks_loss(),
        {
            "config.stft": {"n_fft": 2048, "hop_samples": 1024},
            "config.n_bands": 32,
            "config.width": 48,
            "config.n_hidden": 48,
            "config.n_layers": 4,
            "config.mask": "real",
        },
    ),
    "spectrogram_net_octave": Candidate("spectrogram_net_octave", 0.183, masks_loss(), {}),
    "scnet": Candidate(
        "scnet",
        0.545,
        _WAVEFORM_LOSS,
        {
            "config.stft": {"n_fft": 4096, "hop_samples": 1024, "window": "rectangle", "edges": "reflect"},
            "config.widths": [4, 16, 32, 48],
            "config.n_dual_paths": 4,
        },
    ),
    "open_unmix": Candidate(
        "open_unmix",
        0.216,
        masks_loss(),
        {"config.n_hidden": 192, "config.n_layers": 2, "config.dropout": 0.2},
    ),
    "spectrogram_net_lstm": Candidate(
        "spectrogram_net_lstm",
        0.980,
        masks_loss(),
        {
            "config.stft": {"n_fft": 2048, "hop_samples": 1024},
            "config.unet": {"widths": [12, 24, 36, 48, 64, 96], "n_frame_levels": 2},
            "config.n_hidden": 128,
        },
    ),
}


CHOSEN = "spectrogram_net_octave"


def ablations(data: Path) -> dict[str, dict[str, Any]]:
    """By name, what each changes in a run of the chosen network."""
    return {
        "as_it_is": {},
        "loss_of_magnitudes": {"loss": masks_loss(is_phase_sensitive=False)},
        "loss_uncompressed": {"loss": masks_loss(exponent=1.0)},
        "nothing_augmented": {"data.augment": []},
        "stems_always_from_many_songs": {"data.remix": 1.0},
        "a_quarter_of_the_songs": {"data.max_tracks": len(list((data / "songs" / "train").iterdir())) // 4},
        "nothing_recorded": {"data.sources": sources(data)[:1]},
        "syllables_as_well": {"data.sources": sources(data) + seldom(data)},
    }


def main() -> None:
    """Write the config files of all runs that have none yet, or measure the pace of the candidates."""
    parser = argparse.ArgumentParser(description="write the runs of the candidates")
    parser.add_argument("runs", type=Path, help="folder to make")
    parser.add_argument("data", type=Path, help="folder that make.py made")
    parser.add_argument("--minutes", type=float, default=120.0, help="of one core, for each")
    parser.add_argument("--ablations", action="store_true", help="of the chosen network, in place of the candidates")
    parser.add_argument("--measure", action="store_true", help="print the seconds that a chunk takes, and make nothing")
    arguments = parser.parse_args()
    if arguments.measure:
        for name, candidate in CANDIDATES.items():
            print(f"{name}: {measure(arguments.data, candidate):.3f} s", flush=True)
        return
    runs = {name: (candidate, dict[str, Any]()) for name, candidate in CANDIDATES.items()}
    if arguments.ablations:
        runs = {name: (CANDIDATES[CHOSEN], changes) for name, changes in ablations(arguments.data).items()}
    for name, (candidate, changes) in runs.items():
        if not (arguments.runs / name).exists():
            n_chunks = 60 * arguments.minutes / candidate.chunk_s / _N_EPOCHS
            write_run(arguments.runs / name, arguments.data, candidate, round(n_chunks / BATCH) * BATCH, **changes)


def sources(data: Path) -> list[dict[str, Any]]:
    """Rendered songs, and recorded sounds."""
    return [
        {"root": str(data.absolute() / "songs"), "layout": "musdb_hq", "weight": 0.6},
        {"root": str(data.absolute() / "sounds"), "layout": "stem_folders", "weight": 0.4},
    ]


def seldom(data: Path) -> list[dict[str, Any]]:
    """Voices as they were recorded, and the low end of recorded songs."""
    return [
        {"root": str(data.absolute() / name), "layout": "stem_folders", "weight": weight}
        for name, weight in (("syllables", 0.2), ("lows", 0.06))
    ]


def write_run(folder: Path, data: Path, candidate: Candidate, n_chunks: int, **more: Any) -> None:
    """`auralflow config` with all that the candidates have in common, and what is its own."""
    own = {"data.sources": sources(data), "data.n_samples": n_chunks, "loss": candidate.loss}
    settings = COMMON | own | candidate.settings | more
    overrides = [f"{key}={yaml.safe_dump(value, default_flow_style=True).strip()}" for key, value in settings.items()]
    configure(folder, model=candidate.model, stems="vocals,drums,bass,other", overrides=overrides)


def measure(data: Path, candidate: Candidate) -> float:
    """Seconds of processor for a chunk: of a longer run, less those of a shorter one."""
    short, long = (_train(data, candidate, n_chunks) for n_chunks in (48, 144))
    return (long - short) / (144 - 48)


def _train(data: Path, candidate: Candidate, n_chunks: int) -> float:
    brief = {"trainer.max_epochs": 1, "valid.max_songs": 1, "valid.max_s": 5.0}
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder, "run")
        write_run(run, data, candidate, n_chunks, **brief)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [sys.executable, "-m", "auralflow", "train", str(run), "--quiet"]
        subprocess.run(command, check=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
