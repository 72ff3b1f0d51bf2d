"""A solo voice taken apart into syllables, which `singing` puts together again on other notes.

The analysis is the WORLD vocoder's (Morise, Yokomori, Ozawa 2016, PyPI `pyworld`): every 5 ms a pitch (DIO and
StoneMask, or Harvest), a spectral envelope (CheapTrick) and an aperiodicity (D4C). Envelopes are kept as decibels in
bands of the mel scale, an eighth of WORLD's size, since nothing finer survives a change of pitch.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr
from scipy.ndimage import uniform_filter1d  # type: ignore[import-untyped]
from scipy.signal import butter, find_peaks, sosfilt  # type: ignore[import-untyped]

from notes import RATE, Sound

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", "pkg_resources is deprecated", UserWarning)
    import pyworld  # type: ignore[import-untyped]

FRAME_S = 0.005
FFT_SIZE = 2048
BANDS = 128
LOWEST_HZ, HIGHEST_HZ = 71.0, 1100.0
_SHORT_S = 60.0
_FORMAT = 2
_FULL_RATE = 32_000
_MOST_BREATHS = 60
_MOST_FRAMES = 40_000
_LOW_NOISE = 2
"""Of the five aperiodicities, 3 kHz apart, those that a recording at 16 kHz has."""

Floats = npt.NDArray[np.float64]
Spans = npt.NDArray[np.int32]


@dataclass(frozen=True)
class VoiceBank:
    """The frames of a voice, 5 ms each, and where its syllables lie among them."""

    pitch_hz: npt.NDArray[np.float32]
    """(frame), 0 where there is no pitch."""
    envelope: npt.NDArray[np.float16]
    """(frame, band), dB of power; 0 dB is the mean power of the syllable's vowel, summed over WORLD's bins."""
    aperiodicity: npt.NDArray[np.float16]
    """(frame, 5), dB, 0 is noise alone: WORLD's coded aperiodicity."""
    syllables: Spans
    """(syllable, 5): frames where it starts, where its beat is, where its vowel starts and ends, where it ends."""
    notes: npt.NDArray[np.float32]
    """(syllable), MIDI number of the pitch on which it was sung."""
    breaths: Spans
    """(breath, 2): first frame and end of noises without pitch; 0 dB is the loudest of the recording there."""
    is_speech: bool = False

    @property
    def middle_note(self) -> float:
        """MIDI number about which the voice was recorded."""
        return float(np.median(self.notes))

    @property
    def singing_note(self) -> float:
        """MIDI number about which it sings best: people sing about a fifth higher than they speak."""
        return self.middle_note + 7 * self.is_speech


def analyse_voice(folder: Path, cache: Path, max_s: float = 600.0, like: Sequence[VoiceBank] = ()) -> VoiceBank:
    """The bank of the recordings in `folder`, at most `max_s` seconds of them; kept in `cache` for the next time.

    Args:
        like: sung voices, if these recordings are speech; what is above the highest frequency of recordings at less
            than 32 kHz is guessed after them.
    """
    kept = cache / f"{folder.name}-{max_s:.0f}s-v{_FORMAT}.npz"
    if not kept.exists():
        cache.mkdir(parents=True, exist_ok=True)
        unfinished = kept.with_name(f"{kept.stem}.{os.getpid()}.part.npz")
        np.savez(unfinished, **_analyse(folder, max_s, like).__dict__)
        unfinished.replace(kept)
    with np.load(kept) as arrays:
        return VoiceBank(**{name: array if array.ndim else array.item() for name, array in arrays.items()})


def _analyse(folder: Path, max_s: float, like: Sequence[VoiceBank]) -> VoiceBank:
    files = sorted(file for file in folder.iterdir() if file.suffix in {".ogg", ".wav", ".flac"})
    sounds = [_read(file, max_s / len(files)) for file in files]
    careful = sum(map(len, sounds)) < _SHORT_S * RATE
    banks = [bank for bank in (_take_apart(sound, careful) for sound in sounds) if len(bank.syllables)]
    if not banks:
        raise ValueError(f"{folder} holds no syllable: it needs recordings of one voice, with pauses or consonants.")
    bank = replace(_join(banks), is_speech=bool(like))
    rate = soundfile.info(files[0]).samplerate
    return guess_highs(bank, like, 0.45 * rate) if like and rate < _FULL_RATE else bank


def _read(file: Path, longest_s: float) -> Floats:
    """Mono, without the rumble below every voice, which would count as sound in pauses."""
    sound, rate = soundfile.read(file, frames=int(longest_s * soundfile.info(file).samplerate), always_2d=True)
    mono = sound.mean(axis=1)
    mono = mono if rate == RATE else soxr.resample(mono, rate, RATE)
    return np.asarray(sosfilt(butter(2, 60.0, "highpass", fs=RATE, output="sos"), mono))


def _join(banks: list[VoiceBank]) -> VoiceBank:
    starts = np.cumsum([0, *(len(bank.pitch_hz) for bank in banks)])[:-1].astype(np.int32)
    moved = [(bank.syllables + start, bank.breaths + start) for bank, start in zip(banks, starts, strict=True)]
    return VoiceBank(
        np.concatenate([bank.pitch_hz for bank in banks]),
        np.concatenate([bank.envelope for bank in banks]),
        np.concatenate([bank.aperiodicity for bank in banks]),
        np.concatenate([syllables for syllables, _ in moved]),
        np.concatenate([bank.notes for bank in banks]),
        np.concatenate([breaths for _, breaths in moved]),
    )


def _take_apart(sound: Floats, careful: bool) -> VoiceBank:
    pitch, times = _pitch(sound, careful)
    power = _power_db(sound, len(times))
    envelope = pyworld.cheaptrick(sound, pitch, times, RATE, f0_floor=LOWEST_HZ, fft_size=FFT_SIZE)
    bands = _bands(envelope)
    loud, floor = np.percentile(power, 95), np.percentile(power, 5)
    voiced = (pitch > 0) & (power > max(loud - 30, min(floor + 10, loud - 12))) & ~_hisses(envelope)
    heard = power > max(loud - 50, min(floor + 8, loud - 20))
    pieces = [piece for run in _runs(voiced) for piece in _pieces(*run, pitch, power)]
    syllables = _syllables(pieces, voiced, heard, power, bands)
    quiet = heard & (pitch == 0) & (power < loud - 8)
    breaths = [run for run in _runs(quiet) if 0.15 <= (run[1] - run[0]) * FRAME_S <= 0.7][:_MOST_BREATHS]
    pitch = np.where(voiced, pitch, 0.0)
    return _gather(sound, pitch, times, bands, syllables, breaths, loud)


def _pitch(sound: Floats, careful: bool) -> tuple[Floats, Floats]:
    """DIO takes a strong harmonic for the pitch now and then; Harvest does not, at several times the work.

    Harvest is for short recordings, where each mistake would cost much of what there is.
    """
    if careful:
        pitch, times = pyworld.harvest(sound, RATE, LOWEST_HZ, HIGHEST_HZ)
        return pitch, times
    rough, times = pyworld.dio(sound, RATE, LOWEST_HZ, HIGHEST_HZ)
    return pyworld.stonemask(sound, rough, times, RATE), times


def _power_db(sound: Floats, frames: int) -> Floats:
    """Mean power over 10 ms about each frame, in dB."""
    mean = uniform_filter1d(sound**2, int(0.01 * RATE))
    positions = np.minimum((np.arange(frames) * FRAME_S * RATE).astype(int), len(sound) - 1)
    return np.asarray(10 * np.log10(np.maximum(mean[positions], 0) + 1e-12))


def band_positions(hz: Floats) -> Floats:
    """On which band of an envelope a frequency lies, as a fraction."""
    return np.asarray(np.log1p(hz / 700.0) / np.log1p(RATE / 2 / 700.0) * (BANDS - 1))


def _bands(envelope: Floats) -> Floats:
    """Power in WORLD's bins as dB in bands. Shape: (frame, bin) to (frame, band)."""
    bins = np.arange(envelope.shape[1], dtype=np.float64)
    centres = np.expm1(np.arange(BANDS) / (BANDS - 1) * np.log1p(RATE / 2 / 700.0)) * 700.0 / RATE * FFT_SIZE
    widths = np.maximum(np.gradient(centres), 1.0)
    weights = np.maximum(1 - np.abs(bins[:, None] - centres) / widths, 0)
    return np.asarray(10 * np.log10(np.maximum(envelope, 1e-16)) @ (weights / weights.sum(axis=0)))


def guess_highs(bank: VoiceBank, like: Sequence[VoiceBank], above_hz: float) -> VoiceBank:
    """What is above `above_hz`, by least squares from what is below, as it is in the voices `like`."""
    first = int(band_positions(np.asarray(above_hz)))
    known, highs = (np.concatenate(parts) for parts in zip(*(_halves(voice, first) for voice in like), strict=True))
    some = np.random.default_rng(0).permutation(len(known))[:_MOST_FRAMES]
    guessed = _halves(bank, first)[0] @ np.linalg.lstsq(known[some], highs[some], rcond=None)[0]
    n_bands = BANDS - first
    aperiodicity = np.minimum(guessed[:, n_bands:], 0.0) * (bank.pitch_hz > 0)[:, None]
    return replace(
        bank,
        envelope=np.hstack([bank.envelope[:, :first], guessed[:, :n_bands]]).astype(np.float16),
        aperiodicity=np.hstack([bank.aperiodicity[:, :_LOW_NOISE], aperiodicity]).astype(np.float16),
    )


def _halves(bank: VoiceBank, first: int) -> tuple[Floats, Floats]:
    """What is known of a recording of few highs, coarsely, with and without a pitch; and what is above band `first`."""
    coarse = bank.envelope[:, : first - first % 8].astype(np.float64).reshape(len(bank.envelope), -1, 8).mean(axis=2)
    noise = np.split(bank.aperiodicity.astype(np.float64), [_LOW_NOISE], axis=1)
    voiced = (bank.pitch_hz > 0)[:, None]
    known = np.hstack([coarse, noise[0], np.ones((len(coarse), 1))])
    return np.hstack([known * voiced, known * ~voiced]), np.hstack([bank.envelope[:, first:], noise[1]])


def _hisses(envelope: Floats) -> npt.NDArray[np.bool_]:
    """Whether most power is high, where trackers go on with a pitch that is no more; D4C asks so too (LoveTrain)."""
    middle, high = (round(hz / RATE * FFT_SIZE) for hz in (4000, 7900))
    return np.asarray(envelope[:, 2:middle].sum(axis=1) < 0.5 * envelope[:, 2:high].sum(axis=1))


def vocode(pitch_hz: Floats, power: Floats, coded_aperiodicity: Floats) -> Sound:
    """WORLD's synthesis. Shapes: (frame), (frame, bin), (frame, 5) in dB, to mono samples of as many frames."""
    coded = np.ascontiguousarray(coded_aperiodicity)
    aperiodicity = pyworld.decode_aperiodicity(coded, RATE, 2 * (power.shape[1] - 1))
    return np.asarray(pyworld.synthesize(pitch_hz, power, aperiodicity, RATE, FRAME_S * 1000), np.float32)


def _runs(mask: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    return [(int(start), int(end)) for start, end in edges.reshape(-1, 2)]


def _pieces(start: int, end: int, pitch: Floats, power: Floats) -> Iterator[tuple[int, int]]:
    """A voiced run, cut where the pitch jumps and where the voice dips, as it does in voiced consonants."""
    jumps = np.flatnonzero(np.abs(np.diff(np.log2(pitch[start:end]))) > 1.5 / 12) + 1
    dips, _ = find_peaks(-uniform_filter1d(power[start:end], 5), prominence=3.5, distance=20)
    cuts = [start, *(start + np.union1d(jumps, dips)), end]
    yield from ((int(a), int(b)) for a, b in pairwise(cuts) if (b - a) * FRAME_S >= 0.15)


def _syllables(
    pieces: list[tuple[int, int]],
    voiced: npt.NDArray[np.bool_],
    heard: npt.NDArray[np.bool_],
    power: Floats,
    bands: Floats,
) -> list[tuple[int, ...]]:
    found: list[tuple[int, ...]] = []
    for start, end in pieces:
        before = _consonant_start(start, found[-1][-1] if found else 0, voiced, heard)
        while (syllable := _syllable(before, start, end, power, bands)) is not None:
            found.append(syllable)
            before = start = syllable[-1]
    return found


def _consonant_start(start: int, earliest: int, voiced: npt.NDArray[np.bool_], heard: npt.NDArray[np.bool_]) -> int:
    """Back over what is heard, with holes of 40 ms, the closures of plosives; 0.25 s at most, 0.1 s with a pitch."""
    first = start
    for frame in range(start - 1, max(earliest, start - 50) - 1, -1):
        if first - frame > 8 or (voiced[frame] and start - frame > 20):
            break
        first = frame if heard[frame] else first
    return first


def _syllable(before: int, start: int, end: int, power: Floats, bands: Floats) -> tuple[int, ...] | None:
    """The first syllable, voiced from `start` on: up to where its vowel turns into another, and at most 2 s."""
    if end - start < 30:
        return None
    loud = np.flatnonzero(power[start:end] > np.percentile(power[start:end], 80) - 6) + start
    if loud[-1] - loud[0] < 24:
        return None
    beat, vowel_end = int(loud[0]), min(int(loud[-1]) - 2, int(loud[0]) + 400)
    alike = _alike(bands[beat:vowel_end])
    vowel = beat + min(int(np.argmax(alike)), 25)
    others = np.flatnonzero(~alike[36:])
    if len(others):
        vowel_end = beat + 36 + int(others[0])
    last = vowel_end + 10 if len(others) or loud[-1] - vowel_end > 5 else min(end, vowel_end + 40)
    return max(before, beat - 50), beat, vowel, vowel_end, min(last, end)


def _alike(bands: Floats) -> npt.NDArray[np.bool_]:
    """Whether a frame's spectrum, 180 Hz to 6 kHz, is like the vowel's, which has come 75 ms after the beat."""
    shape = bands[:, 15:85] - bands[:, 15:85].mean(axis=1, keepdims=True)
    distance = np.abs(uniform_filter1d(shape, 5, axis=0) - shape[15:30].mean(axis=0)).mean(axis=1)
    return np.asarray(distance < 5.0)


def _gather(
    sound: Floats,
    pitch: Floats,
    times: Floats,
    bands: Floats,
    syllables: list[tuple[int, ...]],
    breaths: list[tuple[int, int]],
    loud: float,
) -> VoiceBank:
    """Keeps the frames of syllables and breaths only, each syllable levelled by its vowel."""
    spans = [(syllable[0], syllable[-1]) for syllable in syllables] + breaths
    levels = [_level(bands[syllable[2] : syllable[3]]) for syllable in syllables]
    levels += [float(np.median(levels)) if levels else loud] * len(breaths)
    starts = np.cumsum([0, *(end - start for start, end in spans)])[:-1]
    frames = np.concatenate([np.arange(*span) for span in spans]) if spans else np.zeros(0, int)
    gains = np.repeat(levels, [end - start for start, end in spans])
    moves = starts - np.array([start for start, _ in spans], int)
    count = len(syllables)
    return VoiceBank(
        pitch[frames].astype(np.float32),
        (bands[frames] - gains[:, None]).astype(np.float16),
        _aperiodicity(sound, pitch[frames], times[frames]),
        (np.array(syllables, int).reshape(-1, 5) + moves[:count, None]).astype(np.int32),
        np.array([_note(pitch[syllable[2] : syllable[3]]) for syllable in syllables], np.float32),
        (np.array(breaths, int).reshape(-1, 2) + moves[count:, None]).astype(np.int32),
    )


def _level(bands: Floats) -> float:
    """Mean power in dB, of bands weighted by how many bins each stands for."""
    widths = np.gradient(np.expm1(np.arange(BANDS) / (BANDS - 1) * np.log1p(RATE / 2 / 700.0)))
    return float(10 * np.log10((10 ** (bands / 10) @ widths).mean()))


def _note(pitch: Floats) -> float:
    return float(69 + 12 * np.log2(np.median(pitch[pitch > 0]) / 440.0))


def _aperiodicity(sound: Floats, pitch: Floats, times: Floats) -> npt.NDArray[np.float16]:
    """Every third frame is analysed, for D4C is most of the work and its result changes slowly."""
    if len(pitch) == 0:
        return np.zeros((0, pyworld.get_num_aperiodicities(RATE)), np.float16)
    some = pyworld.d4c(sound, pitch[::3].copy(), times[::3].copy(), RATE, threshold=0.0, fft_size=FFT_SIZE)
    coded = pyworld.code_aperiodicity(some, RATE).repeat(3, axis=0)[: len(pitch)]
    return np.where(pitch[:, None] > 0, coded, 0.0).astype(np.float16)
