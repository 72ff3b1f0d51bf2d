"""What only the whole set tells: stems that some tracks lack, odd formats, and recordings that are there twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from auralflow.data.checks.duplicates import Match, find_matches
from auralflow.data.checks.findings import Finding
from auralflow.data.checks.song import TrackNotes
from auralflow.data.track import Split, Track

_MAX_NAMED = 5


@dataclass(frozen=True, eq=False)
class Examined:
    """A track, its split, and what was found out about it."""

    split: Split
    track: Track
    notes: TrackNotes


def find_missing(tracks: Sequence[Track], excused: Iterable[str | None] = ()) -> Iterator[Finding]:
    """Stems that a track lacks though others have them: an error where at least half of them do, else a note.

    Args:
        excused: names of tracks whose files could not all be opened, which has been said.
    """
    counts = Counter(stem for track in tracks for stem in track.stems)
    passed_over = set(excused)
    for track in tracks:
        for stem in sorted(counts.keys() - track.stems.keys()) if track.name not in passed_over else ():
            share = f"{counts[stem]} of {len(tracks)} tracks have it"
            if 2 * counts[stem] >= len(tracks):
                yield Finding("missing_stem", "error", track.name, stem, f"{share}; add it, a silent one if need be")
            else:
                yield Finding("missing_stem", "note", track.name, stem, share)


def find_odd_formats(tracks: Sequence[Track]) -> Iterator[Finding]:
    """Tracks whose rate or channels are not those of most; what is odd within a track is told by `examine_track`."""
    rates = {track.name: _usual(sound.sample_rate for sound in track.stems.values()) for track in tracks}
    channels = {track.name: _usual(sound.channels for sound in track.stems.values()) for track in tracks}
    yield from _find_odd("sample_rate", rates, "Hz", "training resamples them as it reads")
    yield from _find_odd("channels", channels, "channels", "training takes mono on every channel")


def find_duplicates(examined: Sequence[Examined]) -> Iterator[Finding]:
    """A finding for each track after the first of one recording: an error where the splits differ, else a warning.

    Args:
        examined: train first; so what is in several splits is compared with train.
    """
    printed = [(item, item.notes.fingerprint) for item in examined if item.notes.fingerprint]
    matches = find_matches([fingerprint for _, fingerprint in printed])
    told: set[int] = set()
    for match in sorted(matches, key=lambda match: (match.second, match.first)):
        if match.second not in told:
            told.add(match.second)
            yield _tell_duplicate(printed[match.first][0], printed[match.second][0], match)


def _usual(values: Iterable[int]) -> int:
    return Counter(values).most_common(1)[0][0]


def _tell_duplicate(first: Examined, second: Examined, match: Match) -> Finding:
    shift = f", shifted by {abs(match.lag_s):.1f} s" if abs(match.lag_s) >= 0.1 else ""
    proof = f"{match.overlap_s:.0f} s compared{shift}, {match.bit_error:.0%} of the fingerprint differs"
    name, other = second.track.name, first.track.name
    if first.split == second.split:
        return Finding("duplicate", "warning", name, None, f"the same recording as '{other}' ({proof})")
    return Finding(
        "duplicate",
        "error",
        name,
        None,
        f"the same recording as '{other}' of another split, {first.split} ({proof}); keep one of them",
    )


def _find_odd(
    kind: Literal["sample_rate", "channels"], values: Mapping[str, int], unit: str, what: str
) -> Iterator[Finding]:
    groups = Counter(values.values()).most_common()
    for odd, count in groups[1:]:
        names = [name for name, value in values.items() if value == odd]
        rest = f" and {count - _MAX_NAMED} more" if count > _MAX_NAMED else ""
        told = f"{odd} {unit} in {', '.join(names[:_MAX_NAMED])}{rest}, {groups[0][0]} in most; {what}"
        yield Finding(kind, "note", names[0] if count == 1 else None, None, told)
