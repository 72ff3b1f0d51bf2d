"""One track: its sounds side by side, in one pass."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np

from auralflow.audio.types import Samples
from auralflow.data.channels import fit_channels
from auralflow.data.checks.findings import Finding
from auralflow.data.checks.fingerprint import Fingerprint, Fingerprinter
from auralflow.data.checks.meter import SoundMeter
from auralflow.data.checks.mix import MAX_RESIDUAL_DB, MixMeter
from auralflow.data.checks.sound import CheckedSound
from auralflow.data.track import Track

MIXTURE = "mixture"
MAX_LENGTH_DIFFERENCE_S = 0.1
"""Sounds of a track that differ by more are an object of warning; a few frames of a codec are not."""


@dataclass(frozen=True, eq=False)
class TrackNotes:
    """What was found out about one track."""

    findings: tuple[Finding, ...]
    meters: dict[str, SoundMeter]
    """Of every sound of which something could be decoded, the mixture last."""
    fingerprint: Fingerprint | None
    """Of the mixture, or of the sum of the stems; None if their rates differ or it is not all there."""


def examine_track(track: Track) -> TrackNotes:
    """Decode every sound of a track once, all of them together; memory does not grow with their length."""
    stems = [CheckedSound(track.name, stem, sound) for stem, sound in track.stems.items()]
    mixture = CheckedSound(track.name, MIXTURE, track.mixture) if track.mixture else None
    sounds = [*stems, *([mixture] if mixture else [])]
    told = [*_compare_rates(track.name, sounds), *_compare_channels(track.name, sounds)]
    rates = {sound.sound.sample_rate for sound in sounds}
    # Blocks of two rates are not of one length: such sounds are measured each for itself.
    counts = {sound.sound.channels for sound in sounds}
    mix = _make_mix_meter(stems, mixture) if mixture and len(rates) == 1 and counts <= {1, max(counts)} else None
    fingerprinter = Fingerprinter((mixture or sounds[0]).sound.sample_rate) if mixture or len(rates) == 1 else None
    for blocks in zip_longest(*sounds):
        if mix:
            _compare(mix, blocks)
        if fingerprinter:
            _add_print(fingerprinter, blocks[-1] if mixture else _sum(blocks))
    told += [finding for sound in sounds for finding in sound.findings]
    if all(sound.is_whole for sound in sounds):
        told += _compare_lengths(track.name, sounds)
        told += _judge_mix(track.name, stems, mix) if mix else []
    is_printed = mixture.is_whole if mixture else all(stem.is_whole for stem in stems)
    return TrackNotes(
        tuple(told),
        {sound.stem: sound.meter for sound in sounds if sound.meter.n_samples},
        fingerprinter.finish() if fingerprinter and is_printed else None,
    )


def _make_mix_meter(stems: Sequence[CheckedSound], mixture: CheckedSound) -> MixMeter:
    return MixMeter(len(stems), mixture.sound.sample_rate, mixture.sound.n_samples)


def _compare(mix: MixMeter, blocks: Sequence[Samples | None]) -> None:
    """Hand the blocks to the meter, as far as all sounds reach."""
    *stems, mixture = _conform([block for block in blocks if block is not None])
    if len(stems) == len(blocks) - 1:
        mix.update(mixture, stems)


def _conform(blocks: Sequence[Samples]) -> list[Samples]:
    """Cut to the shortest, with the channels of the widest."""
    channels = max(block.shape[0] for block in blocks)
    shortest = min(block.shape[1] for block in blocks)
    return [fit_channels(block[:, :shortest], channels) for block in blocks]


def _sum(blocks: Iterable[Samples | None]) -> Samples:
    """In mono, as long as the longest."""
    there = [block.mean(axis=0) for block in blocks if block is not None]
    total = np.zeros((1, max(map(len, there))), np.float32)
    for block in there:
        total[0, : len(block)] += block
    return total


def _add_print(fingerprinter: Fingerprinter, block: Samples | None) -> None:
    if block is not None:
        fingerprinter.update(block)


def _compare_rates(track: str, sounds: Sequence[CheckedSound]) -> Iterator[Finding]:
    rates = [sound.sound.sample_rate for sound in sounds]
    if len(set(rates)) > 1:
        told = ", ".join(f"{sound.stem} {rate} Hz" for sound, rate in zip(sounds, rates, strict=True))
        yield Finding(
            "sample_rate", "error", track, None, f"{told}; convert them to one rate. Their sum was not looked at"
        )


def _compare_channels(track: str, sounds: Sequence[CheckedSound]) -> Iterator[Finding]:
    counts = [sound.sound.channels for sound in sounds]
    if len(set(counts)) > 1:
        told = ", ".join(f"{sound.stem} {count}" for sound, count in zip(sounds, counts, strict=True))
        if set(counts) <= {1, max(counts)}:
            yield Finding("channels", "note", track, None, f"{told}; mono is put on every channel as it is read")
        else:
            yield Finding("channels", "error", track, None, f"{told}; convert them to one count")


def _compare_lengths(track: str, sounds: Sequence[CheckedSound]) -> Iterator[Finding]:
    durations_s = [sound.meter.duration_s for sound in sounds]
    if max(durations_s) - min(durations_s) > MAX_LENGTH_DIFFERENCE_S:
        told = ", ".join(f"{sound.stem} {length:.2f} s" for sound, length in zip(sounds, durations_s, strict=True))
        yield Finding("length", "warning", track, None, f"{told}; silence stands in for what is missing")


def _judge_mix(track: str, stems: Sequence[CheckedSound], mix: MixMeter) -> Iterator[Finding]:
    residual_db = mix.residual_db
    if residual_db is None or residual_db <= MAX_RESIDUAL_DB:
        return
    flipped = mix.find_flipped()
    for index in flipped:
        yield Finding(
            "phase", "error", track, stems[index].stem, "stands in the mixture with its sign turned; invert the stem"
        )
    left_db = mix.residual_db_without(flipped)
    if left_db is not None and left_db > MAX_RESIDUAL_DB:
        detail = f"mixture minus stems is at {left_db:.1f} dB relative to the mixture{_describe_lag(mix)}"
        yield Finding("mixture", "warning", track, MIXTURE, detail)


def _describe_lag(mix: MixMeter) -> str:
    lag = mix.find_lag()
    if not lag:
        return ""
    return (
        f"; it comes {abs(lag)} samples ({1000 * abs(lag) / mix.sample_rate:.1f} ms) {'late' if lag > 0 else 'early'}"
    )
