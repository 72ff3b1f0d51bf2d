"""Sung melodies and speech from the syllables of a `VoiceBank`.

Each note takes a syllable recorded near its pitch. The consonant keeps its speed and comes before the beat, as singers
place it; the vowel is read slowly, to and fro, until the note is filled: one frozen frame would sound like a machine.
The curves of pitch and loudness are drawn anew, and each phrase is one synthesis of the WORLD vocoder.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d, uniform_filter1d  # type: ignore[import-untyped]

from notes import RATE, Note, Sound
from voice_bank import BANDS, FFT_SIZE, FRAME_S, Floats, VoiceBank, band_positions, vocode

_PAUSE_S = 0.25
_SHORTEST_S = 0.05
_SILENCE_DB = -140.0
_LEVEL_DB = -20.0


@dataclass(frozen=True)
class SingingStyle:
    """How one singer sings one song."""

    formant_ratio: float = 1.0
    """By how much the resonances are moved: above 1 is a smaller body."""
    vibrato_cents: float = 30.0
    vibrato_hz: float = 5.5
    vibrato_delay_s: float = 0.3
    portamento_s: float = 0.08
    """How long the pitch takes from note to note."""
    scoop_semitones: float = 0.6
    """How far below a note some are begun."""
    drift_cents: float = 7.0
    jitter_cents: float = 3.0
    detune_cents: float = 0.0
    legato: float = 0.8
    """Share of syllables that go on into the next without a gap."""
    melisma: float = 0.15
    """Share of notes sung on the vowel of the one before."""
    breathiness: float = 0.0
    """From 0, as recorded, to 1, a whisper with a pitch."""
    tilt_db_per_octave: float = 0.0
    dynamics_db: float = 4.0
    """How much louder a phrase is in its middle than at its ends."""
    breaths: float = 0.4
    """Share of phrases begun by an audible breath, where the recordings have such noises."""
    spoken: bool = False
    """Keep the syllables' own turns of pitch, and let it fall in each, as in speech."""


def draw_style(random: np.random.Generator) -> SingingStyle:
    """A singer of wide ranges; now and then one tuned hard by a machine, or one who half speaks."""
    style = SingingStyle(
        formant_ratio=float(np.exp(np.clip(random.normal(0, 0.09), np.log(0.82), np.log(1.22)))),
        vibrato_cents=float(random.choice([0.0, 1.0], p=[0.25, 0.75]) * random.uniform(8, 80)),
        vibrato_hz=float(random.uniform(4.5, 6.5)),
        vibrato_delay_s=float(random.uniform(0.05, 0.5)),
        portamento_s=float(random.uniform(0.04, 0.12)),
        scoop_semitones=float(random.uniform(0, 1.5)),
        drift_cents=float(random.uniform(3, 15)),
        jitter_cents=float(random.uniform(1, 6)),
        detune_cents=float(random.normal(0, 6)),
        legato=float(random.uniform(0.4, 1.0)),
        melisma=float(random.uniform(0, 0.35)),
        breathiness=float(max(0.0, random.uniform(-0.4, 0.6))),
        tilt_db_per_octave=float(random.uniform(-2.0, 2.0)),
        dynamics_db=float(random.uniform(1, 8)),
        breaths=float(random.uniform(0, 0.8)),
    )
    kind = random.random()
    if kind < 0.12:
        return replace(
            style, portamento_s=0.0, vibrato_cents=0.0, scoop_semitones=0.0, drift_cents=0.0, jitter_cents=0.5
        )
    return replace(style, spoken=True, vibrato_cents=0.0, melisma=0.0) if kind < 0.22 else style


def sing(
    bank: VoiceBank, notes: Sequence[Note], n_samples: int, random: np.random.Generator, style: SingingStyle
) -> Sound:
    """The melody `notes` of one voice, at about -20 dBFS RMS where it sounds.

    Consonants and breaths come before their note. Notes that overlap are cut by the next; there is one voice.
    Shape: (n_samples), mono.
    """
    sound = np.zeros(n_samples, np.float32)
    for phrase in _phrases(notes, n_samples / RATE):
        start_s, sung = _sing_phrase(bank, phrase, random, style)
        if random.random() < style.breaths and len(bank.breaths):
            _add(sound, *_breathe(bank, start_s, random, style))
        _add(sound, start_s, sung)
    return _levelled(sound)


def speak(bank: VoiceBank, n_samples: int, random: np.random.Generator, density: float = 0.7) -> Sound:
    """Speech or rap without a melody: syllables in phrases, at the pitch and pace of talking, then pauses.

    `density` is the share of the time that is spoken, above 0 to 1. Shape: (n_samples), mono.
    """
    style = replace(draw_style(random), spoken=True, vibrato_cents=0.0, melisma=0.0, portamento_s=0.1, legato=0.85)
    notes: list[Note] = []
    middle, per_second = bank.middle_note - random.uniform(0, 4), random.uniform(3.5, 7.0)
    at_s = random.uniform(0.1, 0.5)
    while at_s < n_samples / RATE:
        phrase = _spoken_phrase(at_s, middle, per_second, random)
        notes += phrase
        spoken_s = phrase[-1].start_s + phrase[-1].duration_s - at_s
        at_s += spoken_s + max(_PAUSE_S + 0.05, spoken_s * (1 / density - 1) * random.uniform(0.6, 1.4))
    return sing(bank, notes, n_samples, random, style)


def _spoken_phrase(at_s: float, middle: float, per_second: float, random: np.random.Generator) -> list[Note]:
    """Pitches fall over the phrase, with accents; the last syllable is long."""
    count = int(random.integers(3, 14))
    lengths = random.uniform(0.6, 1.4, count) / per_second
    lengths[-1] *= random.uniform(1, 2)
    starts = at_s + np.cumsum(lengths) - lengths
    accents = random.exponential(1.3, count) * (random.random(count) < 0.35)
    pitches = middle + np.linspace(1.5, -2.5, count) + 2 * np.minimum(accents, 3) + random.normal(0, 0.6, count)
    return [
        Note(float(start), float(length), float(pitch), int(np.clip(80 + 12 * accent, 1, 127)))
        for start, length, pitch, accent in zip(starts, lengths, pitches, accents, strict=True)
    ]


def _phrases(notes: Sequence[Note], end_s: float) -> list[list[Note]]:
    """The notes between pauses; those that follow at once, as in a chord, are left out."""
    phrases: list[list[Note]] = []
    for note in sorted((note for note in notes if note.start_s < end_s), key=lambda note: note.start_s):
        last = phrases[-1][-1] if phrases else None
        if last is not None and note.start_s < last.start_s + _SHORTEST_S:
            continue
        if last is None or note.start_s - _end_s(last) > _PAUSE_S:
            phrases.append([])
        phrases[-1].append(note)
    return phrases


@dataclass(frozen=True)
class _Sung:
    """One syllable on its place. Frames count from the phrase's first note."""

    beat: int
    end: int
    syllable: npt.NDArray[np.int32]
    lead: int
    gain_db: float

    @property
    def blend(self) -> int:
        """Frames over which it comes out of the one before: 30 ms, or 60 where no consonant parts the vowels."""
        return 6 if self.lead > 6 else 12


def _sing_phrase(
    bank: VoiceBank, notes: list[Note], random: np.random.Generator, style: SingingStyle
) -> tuple[float, Sound]:
    sung = _text(bank, notes, random, style)
    first, count = -sung[0].lead, sung[-1].end + sung[0].lead
    reads, levels = np.zeros(count), np.full(count, _SILENCE_DB)
    mix = _Frames(np.zeros((count, BANDS)), np.zeros((count, bank.aperiodicity.shape[1])), reads, levels)
    for index, one in enumerate(sung):
        following = sung[index + 1] if index + 1 < len(sung) else None
        _place(bank, mix, one, following, first, random, style)
    seconds = np.arange(first, first + count, dtype=np.float64) * FRAME_S + notes[0].start_s
    pitch = _pitch_curve(notes, seconds, random, style)
    read = mix.read.astype(int)
    if style.spoken:
        pitch += _own_turns(bank, read)
    arch = style.dynamics_db * np.sin(np.pi * np.linspace(0.15, 0.9, count)) + _wander(count, 0.3, random)
    return seconds[0], _synthesize(pitch, bank.pitch_hz[read] > 0, mix, mix.level + arch, style)


@dataclass
class _Frames:
    """What the vocoder will say, filled syllable by syllable. Shapes: (frame, band), (frame, 5), (frame), (frame)."""

    envelope: Floats
    aperiodicity: Floats
    read: Floats
    """Which frame of the bank was read."""
    level: Floats


def _text(bank: VoiceBank, notes: list[Note], random: np.random.Generator, style: SingingStyle) -> list[_Sung]:
    """Which syllable sounds from when to when; one on several notes where a melisma is drawn."""
    groups: list[list[Note]] = []
    for note in notes:
        if groups and random.random() < style.melisma and note.start_s < _end_s(groups[-1][-1]) + 0.03:
            groups[-1].append(note)
        else:
            groups.append([note])
    sung: list[_Sung] = []
    room = 50
    for index, group in enumerate(groups):
        beat, end = (round((at - notes[0].start_s) / FRAME_S) for at in (group[0].start_s, _end_s(group[-1])))
        if index + 1 < len(groups):
            end = min(end, round((groups[index + 1][0].start_s - notes[0].start_s) / FRAME_S))
        end = max(end, beat + 12)
        syllable = _choose(bank, float(np.mean([note.pitch for note in group])), end - beat, random)
        lead = int(np.clip(syllable[1] - syllable[0], 3, room))
        sung.append(_Sung(beat, end, syllable, lead, (group[0].velocity - 90) * 0.12))
        room = max(3, (end - beat) // 2)
    return sung


def _end_s(note: Note) -> float:
    return note.start_s + note.duration_s


def _choose(bank: VoiceBank, pitch: float, frames: int, random: np.random.Generator) -> npt.NDArray[np.int32]:
    """A syllable recorded near the pitch, at most an octave off if there is one.

    Rather one with a consonant, for they are few after all cuts, and with a vowel that is long enough.
    """
    away = np.abs(bank.notes - pitch)
    away = np.where(away <= max(12.0, away.min()), away, np.inf)
    vowels = bank.syllables[:, 3] - bank.syllables[:, 2]
    consonants = 0.2 + np.minimum(bank.syllables[:, 1] - bank.syllables[:, 0], 16) / 16
    weights = consonants * np.exp(-(away - away.min()) / 2.5) * np.sqrt(np.minimum(1.0, vowels / frames))
    chosen: npt.NDArray[np.int32] = bank.syllables[random.choice(len(weights), p=weights / weights.sum())]
    return chosen


def _place(
    bank: VoiceBank,
    mix: _Frames,
    one: _Sung,
    following: _Sung | None,
    first: int,
    random: np.random.Generator,
    style: SingingStyle,
) -> None:
    """Writes one syllable into the phrase, blended with the one before where they touch."""
    joined = following is not None and following.beat - one.end < 8 and random.random() < style.legato
    next_start = None if following is None else following.beat - following.lead
    end = one.end if next_start is None else min(one.end, next_start)
    if joined and following is not None and next_start is not None:
        end = next_start + following.blend
    start = one.beat - one.lead
    read = _time_map(one, max(end - one.beat, 6), joined, random)[: len(mix.read) - (start - first)]
    fade = _fades(len(read), joined, random)
    at = slice(start - first, start - first + len(read))
    envelope, aperiodicity = (_between(array, read) for array in (bank.envelope, bank.aperiodicity))
    ramp = np.minimum(1.0, (np.arange(len(read)) + 1) / (one.blend + 1))
    share = np.where(mix.level[at] > _SILENCE_DB, ramp, 1.0)
    mix.envelope[at] += share[:, None] * (envelope - mix.envelope[at])
    mix.aperiodicity[at] += share[:, None] * (aperiodicity - mix.aperiodicity[at])
    mix.level[at] += share * (one.gain_db + fade - mix.level[at])
    mix.read[at] = np.where(share > 0.5, read, mix.read[at])


def _time_map(one: _Sung, frames: int, joined: bool, random: np.random.Generator) -> Floats:
    """Which frame of the bank is read when: consonant and ends at their own speed, the vowel slowly and wandering."""
    start, beat, vowel, vowel_end, end = (int(frame) for frame in one.syllable)
    attack = min(vowel - beat, frames // 3)
    release = 0 if joined else min(end - vowel_end, frames // 3)
    held = frames - attack - release
    line = np.linspace(vowel, vowel_end - 1, held)
    slack = (vowel_end - vowel) * (1 - min(1.0, (vowel_end - vowel) / held))
    wander = _wander(held, 0.06, random) * min(8.0, slack / 6) * np.hanning(held)
    return np.concatenate(
        [
            np.linspace(max(start, beat - one.lead), beat, one.lead, endpoint=False),
            np.linspace(beat, vowel, attack, endpoint=False),
            np.clip(line + wander, vowel, vowel_end - 1),
            np.linspace(vowel_end, end - 1, release),
        ]
    )


def _fades(frames: int, joined: bool, random: np.random.Generator) -> Floats:
    """Level in dB: up in 15 ms, and down at the end in 40 to 120 ms unless the next syllable follows at once."""
    level = np.zeros(frames)
    level[:3] = [-18.0, -8.0, -3.0]
    if not joined:
        length = min(int(random.integers(8, 25)), frames // 2)
        level[-length:] -= 60 * np.linspace(0, 1, length) ** 2
    return level


def _between(array: npt.NDArray[np.float16], positions: Floats) -> Floats:
    """Rows at fractional positions."""
    low = positions.astype(int)
    high = np.minimum(low + 1, len(array) - 1)
    part = (positions - low)[:, None]
    return np.asarray(array[low] * (1 - part) + array[high] * part)


def _wander(count: int, width_s: float, random: np.random.Generator) -> Floats:
    """Smooth noise of standard deviation 1 that changes over about `width_s`."""
    width = width_s / FRAME_S
    noise = gaussian_filter1d(random.standard_normal(count + int(8 * width)), width)[int(4 * width) :][:count]
    return np.asarray(noise * np.sqrt(2 * np.sqrt(np.pi) * width))


def _pitch_curve(notes: list[Note], seconds: Floats, random: np.random.Generator, style: SingingStyle) -> Floats:
    """MIDI number over time: steps made into glides, scoops, a late vibrato, and what no singer can help."""
    starts = np.array([note.start_s for note in notes])
    playing = np.maximum(np.searchsorted(starts, seconds, side="right") - 1, 0)
    pitch = np.array([note.pitch for note in notes])[playing]
    since = seconds - starts[playing]
    if glide := int(style.portamento_s / FRAME_S):
        window = np.hanning(glide + 2) / np.hanning(glide + 2).sum()
        pitch = np.convolve(np.pad(pitch, glide + 2, mode="edge"), window, mode="same")[glide + 2 : -glide - 2]
    scoops = style.scoop_semitones * random.random(len(notes)) * (random.random(len(notes)) < 0.35)
    pitch = pitch - scoops[playing] * np.exp(-np.maximum(since, 0) / 0.06)
    count = len(seconds)
    rate = style.vibrato_hz * (1 + 0.04 * _wander(count, 0.2, random))
    depth = style.vibrato_cents / 100 * np.clip((since - style.vibrato_delay_s) / 0.3, 0, 1)
    pitch = pitch + depth * np.sin(2 * np.pi * (np.cumsum(rate) * FRAME_S + random.random()))
    flaws = style.drift_cents * _wander(count, 0.25, random) + style.jitter_cents * _wander(count, 0.012, random)
    return np.asarray(pitch + (flaws + style.detune_cents) / 100)


def _own_turns(bank: VoiceBank, read: npt.NDArray[np.int_]) -> Floats:
    """How far, in semitones, the frames read are from the pitch of their syllable; smoothed over their joins."""
    owner = np.clip(np.searchsorted(bank.syllables[:, 0], read, side="right") - 1, 0, len(bank.notes) - 1)
    hz = np.where(bank.pitch_hz[read] > 0, bank.pitch_hz[read], 440 * 2 ** ((bank.notes[owner] - 69) / 12))
    turns = 69 + 12 * np.log2(hz / 440.0) - bank.notes[owner]
    through = (read - bank.syllables[owner, 1]) / np.maximum(bank.syllables[owner, 4] - bank.syllables[owner, 1], 1)
    return np.asarray(gaussian_filter1d(np.clip(turns, -4, 4) + 0.5 - 1.5 * np.clip(through, 0, 1), 3))


def _synthesize(
    pitch: Floats, voiced: npt.NDArray[np.bool_], frames: _Frames, level: Floats, style: SingingStyle
) -> Sound:
    """WORLD's synthesis, with the resonances moved, tilted and made breathy as the style says."""
    f0 = np.where(voiced, 440 * 2 ** ((pitch - 69) / 12), 0.0)
    # Half the size is half the work, and long enough for pulses that follow each other soon.
    size = FFT_SIZE // 2 if f0[voiced].min(initial=np.inf) > 140 else FFT_SIZE
    hz = np.arange(size // 2 + 1) * RATE / size
    tilt = style.tilt_db_per_octave * np.log2(np.clip(hz, 200, 8000) / 800)
    power_db = frames.envelope @ _unfolding(hz / style.formant_ratio) + level[:, None] + tilt
    coded = np.minimum(frames.aperiodicity, 0.0) * (1 - style.breathiness)
    return vocode(f0, np.exp(power_db * (np.log(10) / 10)), coded)


def _unfolding(hz: Floats) -> Floats:
    """From bands to the level at frequencies, by lines between the bands. Shape: (band, frequency)."""
    positions = np.clip(band_positions(hz), 0, BANDS - 1)
    return np.asarray(np.maximum(1 - np.abs(positions - np.arange(BANDS)[:, None]), 0))


def _breathe(bank: VoiceBank, before_s: float, random: np.random.Generator, style: SingingStyle) -> tuple[float, Sound]:
    """A breath that ends a little before the phrase, and when it starts."""
    start, end = bank.breaths[random.integers(len(bank.breaths))]
    count = int(end - start)
    swell = random.uniform(-6, 3) + 20 * np.log10(np.hanning(count + 2)[1:-1] + 1e-3)
    read = np.arange(start, end, dtype=np.float64)
    frames = _Frames(_between(bank.envelope, read), np.zeros((count, bank.aperiodicity.shape[1])), read, swell)
    breath = _synthesize(np.full(count, 60.0), np.zeros(count, bool), frames, swell, style)
    return before_s - len(breath) / RATE - random.uniform(0.02, 0.08), breath


def _add(sound: Sound, start_s: float, piece: Sound) -> None:
    start = round(start_s * RATE)
    piece = piece[max(0, -start) :]
    start = max(0, start)
    piece = piece[: max(0, len(sound) - start)]
    sound[start : start + len(piece)] += piece


def _levelled(sound: Sound) -> Sound:
    """At the level where it sounds: within 40 dB of its loudest 20 ms."""
    power = uniform_filter1d(sound.astype(np.float64) ** 2, int(0.02 * RATE)) if len(sound) else np.zeros(0)
    heard = power > power.max(initial=0.0) * 1e-4
    if not heard.any():
        return sound
    gain = 10 ** (_LEVEL_DB / 20) / np.sqrt(np.mean(sound[heard].astype(np.float64) ** 2))
    return np.asarray(sound * gain, np.float32)
