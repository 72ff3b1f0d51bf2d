"""Names from outside: shown as they are, and never more than shown."""

from __future__ import annotations

import pytest

from auralflow.web.disposition import disposition
from auralflow.web.home import safe_suffix
from auralflow.web.names import clean_title, file_name

NASTY = (
    *("../../etc/passwd", "/etc/passwd", "..\\..\\boot.ini", "a\x00.wav", "a\nb.wav", "\u202egnp.wav"),
    *("..", ".", "", "x" * 5000),
)


@pytest.mark.parametrize("name", NASTY)
def test_whatever_a_song_is_called_its_names_are_plain(name: str) -> None:
    title = clean_title(name)
    for shown in (title, file_name(title, "vocals", ".wav"), file_name(name, "", ".wav")):
        assert shown.isprintable()
        assert not set(shown) & set("/\\")
        assert shown.strip(". ")
        assert len(shown.encode()) <= 255


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("My song.mp3", "My song"),
        ("a.b.flac", "a.b"),
        ("Mr. Smith", "Mr. Smith"),
        ("C:\\music\\Ärger \U0001f3b8.wav", "Ärger \U0001f3b8"),
        (".wav", "wav"),
        ("e\u0301tude.wav", "e\u0301tude"),
    ],
)
def test_a_title_is_the_name_without_folder_and_suffix(name: str, title: str) -> None:
    assert clean_title(name) == title


def test_only_known_suffixes_reach_the_disk() -> None:
    assert [safe_suffix(f"a{s}") for s in (".MP3", ".wav", ".py", ".wav\x00", ".", "", ".html")] == [
        ".mp3",
        ".wav",
        *[""] * 5,
    ]


@pytest.mark.parametrize("name", ['a"b.wav', "a\r\nSet-Cookie: x=1.wav", "日本.wav", "a;b%41.wav"])
def test_a_header_with_a_name_stays_one_header(name: str) -> None:
    value = disposition(name)["content-disposition"]
    assert value.isascii()
    assert value.isprintable()
    assert value.count('"') == 2
    assert value.startswith('attachment; filename="')
