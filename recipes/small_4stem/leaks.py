"""What leaks where: of what is heard in each estimated stem, how much is of which true one, from low to high.

python recipes/small_4stem/leaks.py small_data/rendered_test default

A model of masks treats what it is given bin by bin, so that the masks it makes of a mixture can be applied to each true
stem alone. Prints for each estimated stem and band the share of energy that comes from each true stem, and for each
true stem how much of it is missing from its own estimate. Songs count alike, however loud or long.
"""

from __future__ import annotations

import argparse
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from auralflow import load_model
from auralflow.evaluation.config import EvaluationConfig
from auralflow.evaluation.plan import make_plan
from auralflow.evaluation.references import read_recording
from auralflow.models.blocks.spectrogram import SpectrogramMaskModel

BANDS_HZ = (0, 120, 500, 2000, 6000, 22050)

Energies = npt.NDArray[np.float64]
"""Of axes (estimate, stem, band)."""


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description="what leaks where")
    parser.add_argument("data", type=Path, help="folder of songs in stems")
    parser.add_argument("model", help="a model of masks, by name or path")
    parser.add_argument("--split", default="test", help="which songs")
    arguments = parser.parse_args()
    model = load_model(arguments.model).eval()
    if not isinstance(model, SpectrogramMaskModel):
        raise SystemExit(f"{arguments.model}: expected a model of masks, got {type(model).__name__}")
    stems = model.spec.stems
    config = EvaluationConfig(arguments.model, str(arguments.data), split=arguments.split, mixture="sum", stems=stems)
    n_songs, heard, given = 0, *(np.zeros((len(stems), len(stems), len(BANDS_HZ) - 1)) for _ in range(2))
    for reference in make_plan(config).references:
        targets = torch.from_numpy(np.stack(read_recording(reference).targets))
        energies, originals = follow(model, targets)
        total = originals.sum()
        n_songs, heard, given = n_songs + 1, heard + energies / total, given + originals / total
    print(f"{n_songs} songs\n")
    print_heard(stems, heard)
    print_missing(stems, heard, given)


@torch.inference_mode()
def follow(model: SpectrogramMaskModel, targets: torch.Tensor) -> tuple[Energies, Energies]:
    """Energy of each true stem in each estimate, and in the mixture (the same for all estimates).

    Args:
        targets: true stems, shape (stem, channel, time).
    """
    n_segment = model.spec.segment_samples or targets.shape[-1]
    heard = given = 0.0
    for segment in targets.split(n_segment, -1):
        estimate = model.estimate(segment.sum(0, keepdim=True))
        assert estimate.masks is not None
        powers = model.transform(segment).abs().square()
        masked = estimate.masks[0].abs().square().unsqueeze(1) * powers
        heard = heard + _sum_bands(model, masked)
        given = given + _sum_bands(model, powers)
    return np.asarray(heard), np.broadcast_to(given, np.shape(heard))


def _sum_bands(model: SpectrogramMaskModel, powers: torch.Tensor) -> Energies:
    bins = powers.sum((-3, -1)).double().numpy()
    edges = [round(hz * model.stft.n_fft / model.spec.sample_rate) for hz in BANDS_HZ[:-1]]
    return np.asarray(np.add.reduceat(bins, edges, axis=-1))


def print_heard(stems: tuple[str, ...], heard: Energies) -> None:
    """Of what is heard in each estimate, how much is of which stem."""
    print(f"| heard in | band, Hz | {' | '.join(stems)} |\n|{'---|' * (len(stems) + 2)}")
    for stem, by_source in zip(stems, heard, strict=True):
        for band, energies in zip(("all", *_name_bands()), (by_source.sum(-1), *by_source.T), strict=True):
            print(f"| {stem} | {band} | {' | '.join(f'{share:.0%}' for share in energies / energies.sum())} |")
    print()


def print_missing(stems: tuple[str, ...], heard: Energies, given: Energies) -> None:
    """How much softer each stem is in its own estimate than it was, in dB."""
    print(f"| dB lost of | all | {' | '.join(_name_bands())} |\n|{'---|' * (len(BANDS_HZ) + 1)}")
    for index, stem in enumerate(stems):
        kept = heard[index, index]
        ratios = [kept.sum() / given[index, index].sum(), *(kept / given[index, index])]
        print(f"| {stem} | {' | '.join(f'{-10 * np.log10(ratio):.1f}' for ratio in ratios)} |")


def _name_bands() -> list[str]:
    return [f"{low} to {high}" for low, high in pairwise(BANDS_HZ)]


if __name__ == "__main__":
    main()
