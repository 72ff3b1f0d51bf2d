"""The run of the network that was chosen, trained for as long as it keeps improving.

python recipes/small_4stem/long.py RUNS/long DATA --epochs 40
python recipes/small_4stem/long.py RUNS/longer DATA --epochs 7 --source RUNS/long
python recipes/small_4stem/long.py RUNS/last DATA --epochs 1 --source RUNS/longer --last
python recipes/small_4stem/long.py RUNS/grown DATA --epochs 7 --source RUNS/last --paths 2
python recipes/small_4stem/long.py RUNS/voices DATA --epochs 8 --source RUNS/grown --paths 4 --exponent 1
python recipes/small_4stem/long.py RUNS/thousand DATA --epochs 6 --source RUNS/voices --paths 6 --exponent 1
python recipes/small_4stem/long.py RUNS/gpu DATA --epochs 12 --source RUNS/thousand --paths 6 --precision bf16 --gpu

Makes the run; `OMP_NUM_THREADS=1 auralflow train RUN --devices 2` trains it, in two processes of four chunks each, and
`auralflow train RUN --device cuda` what was written with `--gpu`. It draws from all that `make.py` made, and changes
more of what it draws than the candidates do, for by then it is the variety of the data that holds the network back.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from candidates import CANDIDATES, CHOSEN, masks_loss, seldom, sources, write_run


def augment(softest_db: float, stretched: float = 0.1) -> list[dict[str, Any]]:
    """What is changed of each stem, which gets a gain of `softest_db` to 4 dB; `stretched` is a share, dear to make."""
    return [
        {"name": "gain", "probability": 1.0, "options": {"range_db": [softest_db, 4.0]}},
        {"name": "channel_swap", "probability": 0.5},
        {"name": "polarity", "probability": 0.5},
        {"name": "equalizer", "probability": 0.4},
        {"name": "pitch_tempo", "probability": stretched},
        {"name": "speed", "probability": 0.35},
        {"name": "reverb", "probability": 0.05},
        {"name": "compressor", "probability": 0.05},
        {"name": "codec", "probability": 0.02},
    ]


def loss(exponent: float) -> list[dict[str, Any]]:
    """On every other frame, which is half of its work."""
    return masks_loss(exponent=exponent, every_frames=2)


SETTINGS: dict[str, Any] = {
    "config.dropout": 0.1,
    "loss": loss(0.5),
    "data.augment": augment(-10.0),
    "optimizer.ema_decay": 0.998,
    "valid.max_songs": None,
}
AGAIN: dict[str, Any] = {"optimizer.learning_rate": 1e-3}
"""Of a run that goes on from another."""
LAST: dict[str, Any] = {
    "data.augment": augment(-18.0),  # voices of real songs are often softer than those that were rendered
    "loss": loss(1.0),
    "optimizer.learning_rate": 4e-4,
    "optimizer.ema_decay": 0.99,
    "scheduler.warm_up_steps": 20,
}
"""Of the last epochs: magnitudes as they are, in small steps."""
GPU: dict[str, Any] = {
    "data.n_samples": 9600,
    "data.batch_size": 32,
    "data.n_workers": 15,
    "data.pin_memory": True,
    "data.chunk_s": 6.0,
    "data.augment": augment(-12.0, stretched=0.03),
    "loss": masks_loss(exponent=1.0),
    "optimizer.learning_rate": 1.5e-3,
    "optimizer.ema_decay": 0.999,
    "scheduler.warm_up_steps": 200,
    "valid.every_epochs": 2,
}
"""Of a run on a GPU, beside which 16 cores make the chunks: larger batches of longer chunks."""
_N_CHUNKS = 2400


def main() -> None:
    """Write its config files."""
    parser = argparse.ArgumentParser(description="write the long run")
    parser.add_argument("run", type=Path, help="folder to make")
    parser.add_argument("data", type=Path, help="folder that make.py made")
    parser.add_argument("--epochs", type=int, default=40, help=f"of {_N_CHUNKS} chunks, or {GPU['data.n_samples']}")
    parser.add_argument("--source", help="a run or a model's name, to go on from")
    parser.add_argument("--layers", type=int, default=3, help="recurrent; those that the source lacks begin anew")
    parser.add_argument("--paths", type=int, default=0, help="pairs of narrow recurrent layers; likewise")
    parser.add_argument("--exponent", type=float, help="of the loss, by default 0.5, or 1 for the last epochs")
    parser.add_argument("--precision", default="32", help="bf16 where the processor computes in it")
    parser.add_argument("--last", action="store_true", help="the last epochs: magnitudes as they are, in small steps")
    parser.add_argument("--gpu", action="store_true", help="larger batches of longer chunks, made by 15 processes")
    arguments = parser.parse_args()
    settings = SETTINGS | {
        "trainer.max_epochs": arguments.epochs,
        "trainer.precision": arguments.precision,
        "config.n_layers": arguments.layers,
        "config.n_dual_paths": arguments.paths,
    }
    settings["data.sources"] = sources(arguments.data) + seldom(arguments.data)
    if arguments.source:
        source = Path(arguments.source)
        settings |= AGAIN | {"fine_tune.source": str(source.absolute()) if source.exists() else arguments.source}
    if arguments.last:
        settings |= LAST
    if arguments.gpu:
        settings |= GPU
    if arguments.exponent is not None:
        settings["loss"] = loss(arguments.exponent)
    write_run(arguments.run, arguments.data, CANDIDATES[CHOSEN], _N_CHUNKS, **settings)


if __name__ == "__main__":
    main()
