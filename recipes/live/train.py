"""Train `spectrogram_net_causal` on a processor, by an error that is summed up in bands before it is differentiated.

python recipes/live/train.py live_run SONGS SOUNDS --minutes 60

The data, its mixing and augmentation are those of `auralflow train`, and so is the bundle. The loop is its own for one
reason: all bins of a band and both channels have one mask, so that with X the mixture's and S a stem's spectrogram

    sum |m X - S|^2  =  m^2 sum |X|^2  -  2 m sum Re(X* S)  +  sum |S|^2

over the bins of a band and the channels. The sums need no gradient; only m does, and there are 12 times fewer of them
than bins. The loss is the sum of the square roots over stems, bands and frames, over that of the mixture's.
"""

from __future__ import annotations

import argparse
import copy
import math
import random
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from auralflow.data.config import AugmentConfig, DataConfig, SourceConfig
from auralflow.data.draw import Chunk
from auralflow.data.loader import ChunkDataset, RankSampler, Schedule
from auralflow.data.prepare import build_cache, make_drawer, prepare_data
from auralflow.models.spectrogram_net_causal import SPEC, SpectrogramNetCausal, SpectrogramNetCausalConfig
from auralflow.pretrained.bundle import save_bundle
from auralflow.speed.process import tune_process
from auralflow.training.ema import Ema

LEARNING_RATE, WARM_UP_STEPS, CLIP_NORM, EMA_DECAY, N_KEPT = 2e-3, 30, 1.0, 0.99, 24
_FLOOR = 1e-6  # of the mean power of a band: 60 dB below it


def main() -> None:
    """Train for so many minutes, the learning rate falling to nothing over them, and write a bundle."""
    parser = argparse.ArgumentParser(description="train the small causal model on a processor")
    parser.add_argument("run", type=Path, help="folder to make; a bundle")
    parser.add_argument("data", nargs="+", help="folders of songs or sounds, as for auralflow train")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--batch", type=int, default=6, help="chunks of 3 s")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()

    tune_process()
    torch.manual_seed(arguments.seed)
    random.seed(arguments.seed)
    model = SpectrogramNetCausal(SPEC, SpectrogramNetCausalConfig()).train()
    ema = Ema(model, EMA_DECAY)
    batches = draw_batches(model, arguments.data, arguments.run, arguments.batch, arguments.seed)
    n_steps = fit(model, ema, batches, arguments.minutes * 60, arguments.run)
    print(f"{n_steps} steps of {arguments.batch} chunks; the bundle is {arguments.run}")


@dataclass(frozen=True)
class BandSums:
    """All that a step needs of a batch of chunks."""

    powers: Tensor
    """What the network hears, (batch, frame, view, band)."""
    loudness: Tensor
    """The same over all bands, (batch, frame)."""
    mixture: Tensor
    """sum |X|^2 over a band, (batch, 1, frame, band)."""
    shared: Tensor
    """sum Re(X* S), (batch, stem, frame, band)."""
    own: Tensor
    """sum |S|^2, the same."""


def draw_batches(
    model: SpectrogramNetCausal, folders: list[str], run: Path, batch_size: int, seed: int
) -> Iterator[BandSums]:
    """Chunks of 3 s, most of them mixed of stems of different songs, summed up in worker processes."""
    config = DataConfig(
        sources=tuple(SourceConfig(folder) for folder in folders),
        chunk_s=3.0,
        batch_size=batch_size,
        remix=0.75,
        augment=(AugmentConfig("gain", 1.0), AugmentConfig("channel_swap"), AugmentConfig("polarity")),
        cache="pcm",
    )
    data = prepare_data(config, SPEC)
    print(*data.lines, sep="\n", flush=True)
    cache = build_cache(data, run / "cache", SPEC)
    drawer = make_drawer(data, config, SPEC, seed=seed, cache=cache)
    sampler = RankSampler(Schedule(10**6, batch_size, n_epochs=1))

    def collate(chunks: Sequence[Chunk]) -> BandSums:
        # One by one, for what stays in the processor's cache is summed up faster.
        sums = [sum_up(model, torch.from_numpy(chunk.targets)[None]) for chunk in chunks]
        names = [field.name for field in fields(BandSums)]
        return BandSums(*(torch.cat([getattr(one, name) for one in sums]) for name in names))

    return iter(DataLoader(ChunkDataset(drawer), batch_size, sampler=sampler, num_workers=1, collate_fn=collate))


def see_again(batches: Iterable[BandSums]) -> Iterator[BandSums]:
    """After each batch one of the last ones once more: summing up takes longer than a step."""
    kept: deque[BandSums] = deque(maxlen=N_KEPT)
    for batch in batches:
        yield batch
        kept.append(batch)
        yield random.choice(kept)


def save(ema: Ema, model: SpectrogramNetCausal, run: Path) -> None:
    """Write the mean weights as a bundle, in half precision."""
    with ema.applied():
        halved = copy.deepcopy(model).half()
    save_bundle(halved, run, architecture="spectrogram_net_causal", config=model.config)


def fit(model: SpectrogramNetCausal, ema: Ema, batches: Iterable[BandSums], budget_s: float, run: Path) -> int:
    """Follow the gradient until the time is up, with a bundle from time to time; gives the number of steps."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, weight_decay=0.01, fused=True)
    start_s, total, step = time.monotonic(), 0.0, 0
    for step, batch in enumerate(see_again(batches), 1):
        passed = (time.monotonic() - start_s) / budget_s
        if passed >= 1:
            break
        factor = min(step / WARM_UP_STEPS, 0.5 + 0.5 * math.cos(math.pi * passed))
        for group in optimizer.param_groups:
            group["lr"] = LEARNING_RATE * factor
        loss = band_error(model, batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP_NORM)
        optimizer.step()
        optimizer.zero_grad()
        ema.update()
        total += float(loss.detach())
        if step % 10 == 0:
            print(f"{passed:6.1%}  step {step}  loss {total / 10:.4f}", flush=True)
            total = 0.0
            save(ema, model, run)
    save(ema, model, run)
    return step


@torch.no_grad()
def sum_up(model: SpectrogramNetCausal, targets: Tensor) -> BandSums:
    """Sums over bands and channels; the stems are all there is, so that they sum to the mixture.

    Shape:
        targets (batch, stem, channel, time)
    """
    network = model.network
    stems = model.transform(targets)
    mixture = stems.sum(1)
    power, shared, own = (
        network.bands.pool(sums) * network.bands.widths.to(targets.dtype)
        for sums in (_dot(mixture, mixture), _dot(mixture.unsqueeze(1), stems), _dot(stems, stems))
    )
    return BandSums(*network.hear(mixture), power.unsqueeze(1), shared, own)


def band_error(model: SpectrogramNetCausal, batch: BandSums) -> Tensor:
    """The loss of the head of this file."""
    network = model.network
    masks, _ = network.compute_bands(batch.powers, batch.loudness, network.initial_state(len(batch.powers)))
    floor = _FLOOR * batch.mixture.mean((-1, -2), keepdim=True) + 1e-9
    errors = (masks * (masks * batch.mixture - 2 * batch.shared) + batch.own).clamp_min(0) + floor
    ratio: Tensor = errors.sqrt().sum((-1, -2)) / (batch.mixture + floor).sqrt().sum((-1, -2))
    return ratio.sum(1).mean()


def _dot(one: Tensor, other: Tensor) -> Tensor:
    """Re(one* other), summed over channels: (..., channel, freq, frame) to (..., frame, freq)."""
    parts = torch.view_as_real(one) * torch.view_as_real(other)
    return parts.sum(-1).sum(-3).transpose(-1, -2)


if __name__ == "__main__":
    main()
