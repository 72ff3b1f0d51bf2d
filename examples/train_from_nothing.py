"""Train a model with no data at hand: render songs, train, and separate one that was held out.

    python examples/train_from_nothing.py --out first_model
    python examples/train_from_nothing.py --out first_model --model waveform_unet

Takes about a minute for each model on two cores. The songs are simple and the model is small: what it learns is
little, and says nothing about real music. The score on held-out songs is printed beside that of the untrained model
and of the best that a mere volume knob could do.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from auralflow import Audio, Separator, load_model, read_audio, separate
from auralflow.api import configure, synth_data, train
from auralflow.audio.types import Samples
from auralflow.data.open import open_dataset
from auralflow.data.track import Track
from auralflow.dsp.ratios import sdr
from auralflow.training.epochs import EpochEnd
from auralflow.training.folder import RunFolder
from auralflow.training.run import TrainEvents
from auralflow.training.start import build_model

Stems = dict[str, Samples]
Separate = Callable[[Audio, Stems], Stems]

SAMPLE_RATE = 8000
SONGS = {"songs": 16, "duration": 12.0, "rate": SAMPLE_RATE, "seed": 1}
SPEC = [f"spec.sample_rate={SAMPLE_RATE}", "spec.segment_samples=12000", "spec.context_samples=1000", "spec.channels=1"]
MODELS = {
    "spectrogram_net_simple": [
        "config.stft={n_fft: 512, hop_samples: 128}",
        "config.unet={widths: [8, 12, 16, 24], n_frame_levels: 2}",
        "optimizer.learning_rate=5e-3",
        "trainer.max_epochs=4",
        "data.n_samples=96",
    ],
    "waveform_unet": [
        "config.width=24",
        "config.depth=4",
        "config.n_hidden=64",
        "optimizer.learning_rate=2e-3",
        "trainer.max_epochs=14",
        "data.n_samples=128",
    ],
}
TRAINING = [
    "data.batch_size=8",
    "data.n_workers=1",
    "data.cache=pcm",
    "scheduler.name=cosine",
    "scheduler.warm_up_steps=10",
]


def main() -> None:
    """Render, train, separate, compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("first_model"), help="folder for everything")
    parser.add_argument("--model", choices=list(MODELS), default="spectrogram_net_simple", help="what to train")
    arguments = parser.parse_args()
    songs, run = arguments.out / "songs", arguments.out / arguments.model
    synth_data(songs, **SONGS)  # type: ignore[arg-type]
    configure(run, model=arguments.model, overrides=[*SPEC, *MODELS[arguments.model], *TRAINING])
    untrained = make_untrained(run)
    train(run, songs, report=TrainEvents(line=print, epoch=print_epoch))
    held_out = open_dataset(songs).list_tracks()["test"]
    rows = {"volume knob": best_gain, "untrained": separator(untrained), "trained": separator(load_model(str(run)))}
    scores = {name: score(separate_one, held_out) for name, separate_one in rows.items()}
    print_table(scores, len(held_out))
    (arguments.out / f"{arguments.model}.json").write_text(json.dumps(scores))
    song = next(iter(held_out)).mixture
    assert song is not None
    separate(song.path, model=str(run), out=arguments.out / "separated")
    print(f"stems of one of them: {arguments.out / 'separated' / 'mixture'}")


def make_untrained(run: Path) -> nn.Module:
    """The model that the training begins with."""
    folder = RunFolder(run)
    config = folder.read_train()
    return build_model(run, folder.read_model(), config.trainer.seed, config.fine_tune).model.eval()


def separator(model: nn.Module) -> Separate:
    """Separation by a model."""
    engine = Separator(model)
    return lambda mixture, targets: {name: stem.samples for name, stem in engine.separate(mixture).items()}


def best_gain(mixture: Audio, targets: Stems) -> Stems:
    """The mixture at the level that fits each target best: what no model should fall behind."""
    power = np.vdot(mixture.samples, mixture.samples)
    return {name: mixture.samples * (np.vdot(mixture.samples, stem) / power) for name, stem in targets.items()}


def score(separate_one: Separate, tracks: Sequence[Track]) -> dict[str, float]:
    """Mean SDR of each stem in dB."""
    scores: dict[str, list[float]] = {}
    for track in tracks:
        targets = {name: read_audio(sound.path).samples for name, sound in sorted(track.stems.items())}
        mixture = Audio(sum(targets.values()), SAMPLE_RATE)  # type: ignore[arg-type]
        for name, estimate in separate_one(mixture, targets).items():
            pair = (torch.from_numpy(x.copy()).flatten() for x in (estimate, targets[name]))
            scores.setdefault(name, []).append(float(sdr(*pair)))
    return {name: statistics.mean(values) for name, values in sorted(scores.items())}


def print_epoch(end: EpochEnd) -> None:
    """A line for each epoch."""
    scores = "  ".join(f"{stem} {value:.2f}" for stem, value in end.valid.sdr_db.items()) if end.valid else ""
    print(f"epoch {end.epoch}: loss {end.train_loss:.4f}, {end.samples_per_s:.1f} chunks/s, SDR {scores}", flush=True)


def print_table(scores: dict[str, dict[str, float]], n_songs: int) -> None:
    """A row for each way of separating."""
    print(f"\nmean SDR of {n_songs} songs that were held out, in dB:")
    for name, stems in scores.items():
        told = "  ".join(f"{stem} {value:6.2f}" for stem, value in stems.items())
        print(f"{name:<12} {told}  mean {statistics.mean(stems.values()):6.2f}")


if __name__ == "__main__":
    main()
