"""The songs of a test set with their true stems, and how they are read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np

from auralflow.audio.types import Samples
from auralflow.data.blocks import open_sound
from auralflow.data.channels import fit_channels
from auralflow.data.open import find_root, open_dataset
from auralflow.data.pool import assign_stems
from auralflow.data.track import Sound, Track
from auralflow.errors import AudioError, ConfigError, ShapeError
from auralflow.evaluation.config import EvaluationConfig

MAX_PADDING_S = 0.1
"""Files whose lengths differ by no more than this are cut or padded at their end; codecs do that to files."""


@dataclass(frozen=True)
class Reference:
    """A song to score, its stems as the system names them."""

    name: str
    """As in the data set; relative to its root."""
    parts: dict[str, tuple[Sound, ...]]
    """The sounds that sum to each stem it has."""
    absent: tuple[str, ...]
    """Stems it lacks; they leave the set for this song."""
    rest: tuple[Sound, ...]
    """Sounds in the mixture and in no stem that is scored."""
    mixture: Sound | None
    """The published one, if it is to be used."""

    @property
    def sounds(self) -> tuple[Sound, ...]:
        """Every file that is read."""
        parts = (sound for part in self.parts.values() for sound in part)
        return (*parts, *(self.rest if self.mixture is None else (self.mixture,)))


@dataclass(frozen=True, eq=False)
class Recording:
    """A song in memory."""

    stems: tuple[str, ...]
    targets: Samples
    """(stem, channel, time)."""
    mixture: Samples
    """(channel, time)."""
    sample_rate: int
    notes: tuple[str, ...] = ()
    """What was done to files to make them fit."""

    @property
    def n_samples(self) -> int:
        """Length of every channel."""
        return int(self.mixture.shape[-1])


def list_tracks(config: EvaluationConfig) -> tuple[tuple[Track, ...], str]:
    """The songs of the split, and what to say of the choice.

    Raises:
        AudioError: there is no data set, or a file cannot be read.
        ConfigError: the data has no such split, or no songs at all.
    """
    dataset = open_dataset(find_root(config.data), config.layout)
    if not dataset.ARE_SONGS:
        raise ConfigError(f"{config.data}: expected songs with their stems, got sounds that do not belong together")
    by_split = dataset.list_tracks()
    if config.split == "all":
        tracks, told = tuple(track for split in by_split.values() for track in split), "all splits"
    elif config.split in by_split:
        tracks, told = by_split[config.split], config.split
    elif set(by_split) == {"unsplit"}:
        tracks, told = by_split["unsplit"], "all songs (the data has no splits)"
    else:
        raise ConfigError(f"split: {config.data} has {', '.join(by_split)}; there is no '{config.split}' in it")
    return tracks[: config.max_songs], told


def make_references(
    tracks: Sequence[Track], stems: Sequence[str], given: Sequence[str], config: EvaluationConfig
) -> list[Reference]:
    """Songs with their sounds assigned to the stems of a system; see `auralflow.data.pool.assign_stems`.

    Args:
        stems: stems to score.
        given: every stem of the system, those among them. They all take their sounds before some are chosen: what is
            `other` must not depend on what else is scored.

    Raises:
        ConfigError: no song has one of the stems.
    """
    references = []
    for track in tracks:
        song = assign_stems(track, given)
        assigned = dict(zip(given, song.parts, strict=True))
        parts = {stem: assigned[stem] for stem in stems if assigned[stem]}
        absent = tuple(stem for stem in stems if stem not in parts)
        unscored = tuple(sound for stem in given if stem not in stems for sound in assigned[stem])
        mixture = track.mixture if config.mixture == "published" else None
        references.append(Reference(track.name, parts, absent, (*unscored, *song.rest), mixture))
    for stem in stems:
        if not any(stem in reference.parts for reference in references):
            raise ConfigError(f"stems: no song of {config.data} has a stem '{stem}'; choose others with --stems")
    return [reference for reference in references if reference.parts]


def read_recording(reference: Reference) -> Recording:
    """Decode a song: its stems, and its mixture, which is the published one or the sum of all its sounds.

    Raises:
        AudioError: a file cannot be read, or files do not fit together.
    """
    sample_rate = _common_rate(reference)
    channels = max(sound.channels for sound in reference.sounds)
    n_samples = _length(reference)
    notes: list[str] = []

    def read(sound: Sound) -> Samples:
        return read_fitted(sound, n_samples, channels, notes.append)

    targets = np.zeros((len(reference.parts), channels, n_samples), np.float32)
    for target, part in zip(targets, reference.parts.values(), strict=True):
        for sound in part:
            target += read(sound)
    if reference.mixture is not None:
        mixture = read(reference.mixture)
    else:
        mixture = targets.sum(axis=0)
        for sound in reference.rest:
            mixture += read(sound)
    return Recording(tuple(reference.parts), targets, mixture, sample_rate, tuple(notes))


def read_fitted(sound: Sound, n_samples: int, channels: int, note: Callable[[str], None]) -> Samples:
    """As `read_sound`, with so many channels; mono goes to all of them.

    Raises:
        AudioError: as `read_sound`.
        ShapeError: it is neither mono nor of so many channels.
    """
    return np.ascontiguousarray(fit_channels(read_sound(sound, n_samples, (1, channels), note), channels))


def check_rate(sound: Sound, sample_rate: int) -> None:
    """Refuse a file of another rate than its song.

    Raises:
        AudioError: it has one.
    """
    if sound.sample_rate != sample_rate:
        raise AudioError(
            f"{sound.path}: expected {sample_rate} Hz, as the song has, got {sound.sample_rate} Hz; resample it"
        )


def read_sound(sound: Sound, n_samples: int, channels: Collection[int], note: Callable[[str], None]) -> Samples:
    """All of a file, cut or padded to a length where it differs by a little.

    Raises:
        AudioError: it cannot be read, is of another length, or has samples that are no finite number.
        ShapeError: it has other channels than are allowed.
    """
    if sound.channels not in channels:
        allowed = " or ".join(map(str, sorted(set(channels))))
        raise ShapeError(
            f"{sound.path}: expected {allowed} channels, as the song has, got {sound.channels}; convert it"
        )
    samples = np.zeros((sound.channels, n_samples), np.float32)
    with open_sound(sound) as reader:
        n_read = 0
        for block in reader:
            kept = block[:, : max(0, n_samples - n_read)]
            samples[:, n_read : n_read + kept.shape[1]] = kept
            n_read += block.shape[1]
    if reader.n_not_finite:
        raise AudioError(f"{sound.path}: has {reader.n_not_finite} samples that are NaN or infinite; make it anew")
    for warning in reader.warnings:
        note(f"{sound.path.name}: {warning}")
    _check_length(sound, n_read, n_samples, note)
    return samples


def _check_length(sound: Sound, n_read: int, n_samples: int, note: Callable[[str], None]) -> None:
    difference = n_read - n_samples
    if not difference:
        return
    size, how = abs(difference), "long" if difference > 0 else "short"
    told = f"{size} samples ({size / sound.sample_rate:.3f} s) too {how}"
    if size > MAX_PADDING_S * sound.sample_rate:
        raise AudioError(
            f"{sound.path}: expected {n_samples} samples, as the song has, got {n_read}: {told}; up to "
            f"{MAX_PADDING_S} s would be cut or padded"
        )
    note(f"{sound.path.name}: {told}, {'cut' if difference > 0 else 'padded with silence'} at its end")


def _common_rate(reference: Reference) -> int:
    rates = {sound.sample_rate: sound.path for sound in reference.sounds}
    if len(rates) > 1:
        told = ", ".join(f"{path.name} {rate} Hz" for rate, path in sorted(rates.items()))
        raise AudioError(f"{reference.name}: expected files of one sample rate, got {told}; convert them")
    return next(iter(rates))


def _length(reference: Reference) -> int:
    if reference.mixture is not None:
        return reference.mixture.n_samples
    return max(sound.n_samples for sound in reference.sounds)
