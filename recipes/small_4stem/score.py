"""Write a song: a score for drums, bass, accompaniment, voice and second voice, from random numbers.

About half of the songs have their accompaniment from `mma` (see `accompaniment`), the others from our own players.
Drums are human performances (see `grooves`), patterns, or mma's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator

from accompaniment import Band, GrooveFile, play_band, read_groove_file
from basslines import play_bass
from form import Song, Style, draw_song
from genres import BASS_PROGRAMS, COUNTERS, LEADS, OTHER_BASS_PROGRAMS, SHARES, STYLES
from grooves import GrooveLibrary, Performance, play_groove
from melodies import Singer, write_harmony, write_melody
from notes import Note
from parts import Part, Score
from patterns import play_pattern
from players import PLAYERS, play

__all__ = ["GrooveLibrary", "Part", "Score", "write_score"]

_MMA_SHARE = 0.68
"""Of the songs whose style mma and our players both know."""
_ABSENT_SHARE = 0.1
"""Of songs without voice, without bass, without drums."""
_STRETCH = (0.87, 1.15)
"""How much faster or slower than it was played a performance may sound."""


@dataclass(frozen=True)
class _Cast:
    """Who plays a song: a file of mma or none, a performance or none, and the seed of everything that recurs."""

    style: Style
    file: GrooveFile | None
    performance: Performance | None
    seed: int

    def stream(self, who: int, section: str) -> Generator:
        """The random numbers of one player in all sections of a name, so that the part recurs."""
        return np.random.default_rng([self.seed, who, *section.encode()])


def write_score(random: Generator, duration_s: float, grooves: GrooveLibrary) -> Score:
    """A song of a random style, tempo, key, form and band.

    Args:
        duration_s: No note sounds beyond it, in seconds.
        grooves: Drum performances to draw from.

    Raises:
        RuntimeError: `mma` is not installed, or refused a chart.
    """
    name = _draw_name(random)
    style = STYLES[name]
    file, metre = _draw_file(style, random)
    performance = _draw_performance(style, metre, grooves, random)
    song = draw_song(name, style, _draw_tempo(style, performance, random), metre, duration_s, random)
    cast = _Cast(style, file, performance, int(random.integers(2**31)))
    band = play_band(file, song, random) if file else Band((), (), OTHER_BASS_PROGRAMS[0], ())
    drums = _write_drums(cast, band, song, grooves, random)
    bass, program = _write_bass(cast, band, song, drums, random)
    phrases = _write_voice(song, random)
    others = [*_write_others(cast, band, song, random), *_write_leads(song, bool(phrases), random)]
    score = _join(song, drums, (bass, program), others, phrases, random)
    return _end(_leave_out(score, random), duration_s)


def _draw_name(random: Generator) -> str:
    weights = np.array([SHARES.get(name, 1.0) for name in STYLES])
    return str(random.choice(list(STYLES), p=weights / weights.sum()))


def _draw_file(style: Style, random: Generator) -> tuple[GrooveFile | None, str]:
    """A file of mma's library (or none) and the metre of the song."""
    if style.libraries and (not style.players or random.random() < _MMA_SHARE):
        file = read_groove_file(str(random.choice(list(style.libraries))))
        metre = "6/8" if "68" in file.name and file.beats != 4 else {3: "3/4", 4: "4/4"}[file.beats]
        return file, metre
    return None, str(random.choice(list(style.metres)))


def _draw_performance(style: Style, metre: str, grooves: GrooveLibrary, random: Generator) -> Performance | None:
    """Mostly, where the style has performances; they are most often more human than the patterns."""
    tempos = (style.tempo_bpm[0] * _STRETCH[0], style.tempo_bpm[1] * _STRETCH[1])
    if not style.grooves or random.random() > 0.65:
        return None
    return grooves.draw(style.grooves, metre, tempos, random)


def _draw_tempo(style: Style, performance: Performance | None, random: Generator) -> float:
    low, high = style.tempo_bpm
    if performance is None:
        return float(random.uniform(low, high))
    slowest, fastest = (performance.tempo_bpm * stretch for stretch in _STRETCH)
    return float(random.uniform(max(low, slowest), min(high, fastest)))


def _write_drums(cast: _Cast, band: Band, song: Song, grooves: GrooveLibrary, random: Generator) -> list[Note]:
    """A performance, else mma's drums (mostly, if it has any), else a pattern."""
    if cast.performance is not None:
        return play_groove(cast.performance, grooves, song, random)
    if band.drums and (not cast.style.patterns or random.random() < 0.7):
        return list(band.drums)
    kinds = list(cast.style.patterns or ("soft",))
    usual = str(random.choice(kinds))
    chosen = {name: usual if random.random() < 0.6 else str(random.choice(kinds)) for name in _names(song)}
    return [
        note
        for section in song.sections
        for note in play_pattern(chosen[section.name], song, section, cast.stream(1, section.name))
    ]


def _write_bass(cast: _Cast, band: Band, song: Song, drums: list[Note], random: Generator) -> tuple[list[Note], int]:
    if band.bass or not cast.style.basses:
        return list(band.bass), band.bass_program
    kicks = sorted(note.start_s for note in drums if note.pitch in (35, 36))
    kinds = list(cast.style.basses)
    usual = str(random.choice(kinds))
    chosen = {name: usual if random.random() < 0.7 else str(random.choice(kinds)) for name in _names(song)}
    notes = [
        note
        for section in song.sections
        for note in play_bass(chosen[section.name], song, section, kicks, cast.stream(2, section.name))
    ]
    return notes, int(random.choice(BASS_PROGRAMS.get(song.style, OTHER_BASS_PROGRAMS)))


def _write_others(cast: _Cast, band: Band, song: Song, random: Generator) -> list[Part]:
    """mma's parts, in some songs with a player or two more; else one to four players of our own."""
    count = int(random.choice([0, 1, 2], p=[0.6, 0.3, 0.1])) if band.others else int(random.integers(1, 5))
    names = [str(name) for name in random.permutation(list(cast.style.players))[:count]]
    own = [_write_part(name, who, cast, song, random) for who, name in enumerate(names, start=3)]
    parts = [*band.others, *own]
    return [_rest(part, song, random) for part in parts] if len(parts) > 1 else parts


def _write_part(name: str, who: int, cast: _Cast, song: Song, random: Generator) -> Part:
    player = PLAYERS[name]
    player = replace(player, centre=player.centre + int(random.integers(-4, 5)))
    notes = [note for section in song.sections for note in play(player, song, section, cast.stream(who, section.name))]
    return Part(player.role, int(random.choice(player.programs)), tuple(notes))


def _rest(part: Part, song: Song, random: Generator) -> Part:
    """Let a part rest in some sections, seldom in the chorus."""
    chances = {"verse": 0.25, "chorus": 0.05, "intro": 0.4, "bridge": 0.3, "break": 0.5, "solo": 0.15, "alone": 0.4}
    resting = {name for name in _names(song) if random.random() < chances[name]}
    notes = [note for note in part.notes if song.section(song.bar_of(note.start_s)).name not in resting]
    return replace(part, notes=tuple(notes))


def _write_voice(song: Song, random: Generator) -> list[list[Note]]:
    if random.random() < _ABSENT_SHARE:
        return []
    singer = Singer(centre=int(random.integers(50, 73)), quickness=random.uniform(0.8, 1.4))
    return write_melody(song, [section for section in song.sections if "voice" not in section.silent], singer, random)


def _write_leads(song: Song, has_voice: bool, random: Generator) -> list[Part]:
    """A solo where the voice rests (anywhere, without a voice), and in some songs long notes against the voice."""
    parts = []
    silent = [section for section in song.sections if "voice" in section.silent or not has_voice]
    if silent and random.random() < 0.8:
        singer = Singer(int(random.integers(60, 80)), 11, (1.0, 4.0), (0.2, 1.5), random.uniform(1.0, 2.2))
        notes = [note for phrase in write_melody(song, silent, singer, random) for note in phrase]
        parts.append(Part("lead", int(random.choice(LEADS)), tuple(notes)))
    if random.random() < 0.3:
        chosen = [section for section in song.sections if section.name in ("chorus", "bridge")]
        singer = Singer(int(random.integers(58, 76)), 7, (2.0, 5.0), (0.5, 3.0), random.uniform(0.35, 0.7))
        notes = [note for phrase in write_melody(song, chosen, singer, random) for note in phrase]
        parts.append(Part("counter", int(random.choice(COUNTERS)), tuple(notes)))
    return parts


def _join(
    song: Song,
    drums: Sequence[Note],
    bass: tuple[Sequence[Note], int],
    others: Sequence[Part],
    phrases: Sequence[list[Note]],
    random: Generator,
) -> Score:
    """The score, with everybody silent where the section wants it."""
    melody = [note for phrase in phrases for note in phrase]
    return Score(
        tempo_bpm=song.tempo_bpm,
        style=song.style,
        drums=_keep(drums, song, "drums"),
        bass=_keep(bass[0], song, "bass"),
        bass_program=bass[1],
        others=tuple(replace(part, notes=_keep(part.notes, song, "others")) for part in others),
        melody=tuple(melody),
        harmony=tuple(write_harmony(song, list(phrases), random)),
        sections=tuple(
            (section.name, song.time_s(section.first_bar, 0), song.time_s(section.first_bar + section.n_bars, 0))
            for section in song.sections
        ),
    )


def _keep(notes: Sequence[Note], song: Song, who: str) -> tuple[Note, ...]:
    return tuple(note for note in notes if who not in song.section(song.bar_of(note.start_s)).silent)


def _leave_out(score: Score, random: Generator) -> Score:
    """Some songs have no drums or no bass."""
    no_drums, no_bass = random.random(2) < _ABSENT_SHARE
    return replace(score, drums=() if no_drums else score.drums, bass=() if no_bass else score.bass)


def _end(score: Score, duration_s: float) -> Score:
    """End all notes with the song, in the order they begin; parts without notes go."""
    parts = [replace(part, notes=_cut(part.notes, duration_s)) for part in score.others]
    return replace(
        score,
        drums=_cut(score.drums, duration_s),
        bass=_cut(score.bass, duration_s),
        others=tuple(part for part in parts if part.notes),
        melody=_cut(score.melody, duration_s),
        harmony=_cut(score.harmony, duration_s),
        sections=tuple((name, start_s, min(end_s, duration_s)) for name, start_s, end_s in score.sections),
    )


def _cut(notes: Sequence[Note], duration_s: float) -> tuple[Note, ...]:
    kept = [note for note in notes if note.start_s < duration_s - 0.05]
    kept = [replace(note, duration_s=min(note.duration_s, duration_s - note.start_s)) for note in kept]
    return tuple(sorted(kept, key=lambda note: (note.start_s, note.pitch)))


def _names(song: Song) -> list[str]:
    return list(dict.fromkeys(section.name for section in song.sections))
