"""Judge a model as users will hear it: whole songs, through the separation engine."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from auralflow.audio.types import Audio, Samples
from auralflow.data.pool import Song
from auralflow.data.reader import SoundReader
from auralflow.dsp.ratios import sdr
from auralflow.errors import AudioError
from auralflow.separation.engine import Separator
from auralflow.training.config import ValidConfig
from auralflow.training.task import TrainingTask

_SILENCE = 1e-10
"""Mean square below which a target has no SDR."""


@dataclass(frozen=True, eq=False)
class Example:
    """One song, to look at and to listen to."""

    name: str
    targets: dict[str, Audio]
    estimates: dict[str, Audio]


@dataclass(frozen=True, eq=False)
class Validation:
    """How good a model is."""

    loss: float
    """Mean over the chunks of all songs, each cut into chunks as long as those of the training."""
    sdr_db: dict[str, float]
    """For each stem the mean over the songs in which it sounds; NaN when there is none."""
    examples: tuple[Example, ...] = ()
    failures: tuple[str, ...] = ()
    """Songs of this rank that could not be read, one line each."""

    @property
    def mean_sdr_db(self) -> float:
        """Over the stems."""
        values = [value for value in self.sdr_db.values() if not math.isnan(value)]
        return sum(values) / len(values) if values else math.nan


class Validator:
    """Songs that a task's model is tried on, shared among the ranks.

    Args:
        songs: all ranks give the same.
        n_chunk: samples of a chunk, for the loss.
    """

    def __init__(self, songs: Sequence[Song], config: ValidConfig, n_chunk: int, n_examples: int = 0) -> None:
        self._songs = list(songs)[: config.max_songs]
        self._config, self._n_chunk, self._n_examples = config, n_chunk, n_examples

    @property
    def has_songs(self) -> bool:
        """Whether there is anything to judge by."""
        return bool(self._songs)

    def run(self, task: TrainingTask) -> Validation:
        """Score the model as it is; with the mean weights, where the task keeps them.

        A song that cannot be read is left out, and told.
        """
        was_training = task.model.training
        task.model.eval()
        try:
            if task.ema is None:
                return self._run(task)
            with task.ema.applied():
                return self._run(task)
        finally:
            task.model.train(was_training)

    def _run(self, task: TrainingTask) -> Validation:
        spec, plan = task.spec, task.schedule
        separator = Separator(task.model, device=str(task.device))
        reader = SoundReader(spec.sample_rate, spec.channels)
        totals = torch.zeros(2 + 2 * len(spec.stems), dtype=torch.float64)
        examples: list[Example] = []
        failures: list[str] = []
        for number, song in enumerate(self._songs[plan.rank :: plan.n_ranks]):
            try:
                targets, mixture = self._read(song, reader)
            except AudioError as error:
                failures.append(str(error))
                continue
            totals[:2] += self._sum_losses(task, targets, mixture)
            stems = separator.separate(Audio(mixture, spec.sample_rate))
            estimates = np.stack([stems[name].samples for name in spec.stems])
            totals[2:] += _sum_scores(torch.from_numpy(estimates), torch.from_numpy(targets)).flatten()
            if number < self._n_examples:
                own = {n: Audio(t, spec.sample_rate) for n, t in zip(spec.stems, targets, strict=True)}
                examples.append(Example(song.name, own, stems))
        if plan.n_ranks > 1:
            totals = task.trainer.strategy.reduce(totals.to(task.device), reduce_op="sum").cpu()
        loss, n_losses = totals[:2].tolist()
        sums, counts = totals[2:].reshape(2, -1).tolist()
        scores = {n: s / c if c else math.nan for n, s, c in zip(spec.stems, sums, counts, strict=True)}
        return Validation(loss / n_losses if n_losses else math.nan, scores, tuple(examples), tuple(failures))

    def _read(self, song: Song, reader: SoundReader) -> tuple[Samples, Samples]:
        """Targets (stem, channel, time) and the mixture, which is their sum and that of the rest."""
        n_samples = max(reader.length(sound) for sound in song.sounds)
        if self._config.max_s is not None:
            n_samples = min(n_samples, round(self._config.max_s * reader.sample_rate))
        targets = np.zeros((len(song.parts), reader.channels, n_samples), np.float32)
        for target, part in zip(targets, song.parts, strict=True):
            for sound in part:
                target += reader.read(sound, 0, n_samples)
        mixture = targets.sum(axis=0)
        for sound in song.rest:
            mixture += reader.read(sound, 0, n_samples)
        return targets, mixture

    @torch.no_grad()
    def _sum_losses(self, task: TrainingTask, targets: Samples, mixture: Samples) -> Tensor:
        """Sum over the song's whole chunks (or over the song, if it is shorter than one), and how many there are."""
        total = torch.zeros(2, dtype=torch.float64)
        for start in range(0, max(1, mixture.shape[-1] - self._n_chunk + 1), self._n_chunk):
            chunk = slice(start, start + self._n_chunk)
            estimate = task.estimate(torch.from_numpy(mixture[None, :, chunk]).to(task.device))
            loss, _ = task.loss(estimate, torch.from_numpy(targets[None, ..., chunk]).to(task.device))
            total += torch.tensor([float(loss), 1.0], dtype=torch.float64)
        return total


def _sum_scores(estimates: Tensor, targets: Tensor) -> Tensor:
    """For each stem its SDR (0 where the target is silent), and whether it counts: (2, stem)."""
    heard = targets.square().mean(dim=(-1, -2)) > _SILENCE
    scores = sdr(estimates.flatten(1), targets.flatten(1))
    return torch.stack([torch.where(heard, scores, torch.zeros_like(scores)), heard.to(scores.dtype)]).double()
