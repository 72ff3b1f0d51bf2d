from __future__ import annotations

import pytest

from auralflow.audio.tags import generic_tags, stem_tags


def test_the_title_is_suffixed_and_the_rest_is_kept() -> None:
    tags = {
        "title": "Ne me quitte pas",
        "artist": "Nina",
        "album_artist": "Various",
        "track": "3/12",
        "date": "1965",
        "comment": "two\nlines",
        "lyrics": "la la",
        "musicbrainz_trackid": "b9ad642e",
        "publisher": "Philips",
        "language": "fra",
    }
    assert stem_tags(tags, "vocals") == {**tags, "title": "Ne me quitte pas (vocals)"}


def test_a_file_of_the_whole_song_keeps_its_title() -> None:
    assert stem_tags({"title": "Song", "encoder": "LAME"}, "") == {"title": "Song"}


def test_a_song_without_title_gives_a_stem_without_title() -> None:
    assert stem_tags({"artist": "Nina"}, "vocals") == {"artist": "Nina"}


@pytest.mark.parametrize(
    "name",
    [
        "replaygain_track_gain",
        "REPLAYGAIN_ALBUM_PEAK",
        "R128_TRACK_GAIN",
        "iTunNORM",
        "iTunSMPB",
        "mp3gain_minmax",
        "loudness_value",
        "max_true_peak_level",
        "encoder",
        "encoder_settings",
        "ENCODER SETTINGS",
        "encoded_by",
        "TSSE",
        "major_brand",
        "minor_version",
        "compatible_brands",
        "creation_time",
        "handler_name",
        "vendor_id",
        "DURATION",
        "duration-eng",
        "BPS",
        "_STATISTICS_TAGS",
        "METADATA_BLOCK_PICTURE",
    ],
)
def test_what_is_no_longer_true_of_a_stem_is_dropped(name: str) -> None:
    assert stem_tags({name: "value", "genre": "Jazz"}, "drums") == {"genre": "Jazz"}


def test_an_undetermined_language_is_no_tag() -> None:
    assert stem_tags({"language": "und"}, "drums") == {}


@pytest.mark.parametrize("name", ["loud", "encore", "duration_of_intro", "bpm", "max", "gain", "replay"])
def test_similar_names_stay(name: str) -> None:
    assert name in stem_tags({name: "value"}, "drums")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ALBUMARTIST", "album_artist"),
        ("TrackNumber", "track"),
        ("discnumber", "disc"),
        ("year", "date"),
        ("lyrics-eng", "lyrics"),
        ("lyrics-XXX", "lyrics"),
        ("unsyncedlyrics", "lyrics"),
        ("TSRC", "isrc"),
        ("TBPM", "bpm"),
        ("My Own Tag", "my own tag"),
    ],
)
def test_names_of_any_container_become_generic(name: str, expected: str) -> None:
    assert generic_tags({name: "value"}) == {expected: "value"}


def test_of_two_names_for_the_same_thing_the_first_counts() -> None:
    assert generic_tags({"album_artist": "a", "ALBUMARTIST": "b"}) == {"album_artist": "a"}


def test_nul_characters_would_end_a_text_and_go() -> None:
    assert generic_tags({"title": "a\0b"}) == {"title": "ab"}
