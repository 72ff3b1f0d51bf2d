"""Tags of a stem: those of its song, less what is no longer true.

Names of tags are FFmpeg's generic ones in lower case (`title artist album album_artist track disc date genre comment
composer lyrics ...`), as `AudioInfo.tags` has them. Each encoder translates them into its container's own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_GENERIC_NAMES = {
    "albumartist": "album_artist",
    "album artist": "album_artist",
    "tracknumber": "track",
    "discnumber": "disc",
    "year": "date",
    "unsyncedlyrics": "lyrics",
    "tempo": "bpm",
    "tbpm": "bpm",
    "tsrc": "isrc",
    "tkey": "initialkey",
    "tmoo": "mood",
    "tcmp": "compilation",
}

# Loudness of the source, delay and make of its encoder, the structure of its container, pictures (copied apart).
_STALE = re.compile(
    r"replaygain_.*|r128_.*|mp3gain_.*|rva[d2]|itunnorm|itunsmpb|itunpgap"
    r"|loudness_.*|max_(true_peak_level|momentary_loudness|short_?term_loudness)"
    r"|encoder|encoder[_ ]?(options|settings)|encoding|encoded[_-]?by|encoding_tool|tsse|tenc"
    r"|major_brand|minor_version|compatible_brands|creation_time|handler_name|vendor_id|_statistics_.*"
    r"|(bps|duration|number_of_frames|number_of_bytes)(-\w+)?|metadata_block_picture|coverart(mime)?"
)


def generic_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """The same tags under FFmpeg's generic names, so that a file of any kind can become one of any other.

    Example:
        >>> generic_tags({"ALBUMARTIST": "Nina", "lyrics-eng": "la la"})
        {'album_artist': 'Nina', 'lyrics': 'la la'}
    """
    generic: dict[str, str] = {}
    for name, value in tags.items():
        generic.setdefault(_generic_name(name.strip().lower()), value.replace("\0", ""))
    return generic


def stem_tags(tags: Mapping[str, str], stem: str) -> dict[str, str]:
    """What a stem inherits of its song's tags.

    The title is suffixed with the stem (not where `stem` is empty: a Stem file holds the whole song). A song without
    title gives stems without one, for which players show the file name. ReplayGain and other loudness tags go, as does
    what describes the encoder or the container of the source.

    Example:
        >>> stem_tags({"title": "Feeling Good", "artist": "Nina", "replaygain_track_gain": "-7 dB"}, "vocals")
        {'title': 'Feeling Good (vocals)', 'artist': 'Nina'}
    """
    kept = {name: value for name, value in generic_tags(tags).items() if not _is_stale(name, value)}
    if stem and "title" in kept:
        kept["title"] = f"{kept['title']} ({stem})"
    return kept


def _generic_name(name: str) -> str:
    if name.startswith("lyrics-"):  # FFmpeg appends the language of an ID3 frame
        return "lyrics"
    return _GENERIC_NAMES.get(name, name)


def _is_stale(name: str, value: str) -> bool:
    return _STALE.fullmatch(name) is not None or (name == "language" and value == "und")
