"""Arrays in, arrays out: separate a song that is in memory, and see how far it is.

python examples/separate_arrays.py
python examples/separate_arrays.py --model path/to/my_model.py
"""

from __future__ import annotations

import argparse

import numpy as np

from auralflow import Audio, Separator, load_model, plan_outputs
from auralflow.data.synth import SongConfig, mix_stems, render_song
from auralflow.separation.progress import Progress


def main() -> None:
    """Separate eight seconds of a rendered song."""
    parser = argparse.ArgumentParser(description="separate a song that is in memory")
    parser.add_argument("--model", default="default", help="name of a model, or a .py file")
    model = load_model(parser.parse_args().model)

    song = SongConfig(seed=1, duration_s=8.0)
    mixture = Audio(mix_stems(render_song(song)), song.sample_rate)

    separator = Separator(model)
    stems = separator.separate(mixture, progress=show)
    for name, stem in stems.items():
        print(f"{name:<10} {stem.samples.shape} {level_db(stem):7.1f} dB")

    # A plan asks for less, or for more: here one stem, and the mixture without it.
    first = separator.spec.stems[0]
    plan = plan_outputs(separator.spec.stems, [first], mix=[f"minus=-{first}"])
    parts = separator.separate(mixture, outputs=plan)
    missing = np.abs(parts[first].samples + parts["minus"].samples - mixture.samples).max()
    print(f"{first} + minus = the mixture, to {missing:.1e}")


def show(progress: Progress) -> None:
    """Print how much is done."""
    print(f"{progress.fraction:.0%} done, {progress.done_s:.1f} s of audio")


def level_db(audio: Audio) -> float:
    """Root mean square against full scale."""
    return float(10 * np.log10(np.mean(audio.samples**2) + 1e-20))


if __name__ == "__main__":
    main()
