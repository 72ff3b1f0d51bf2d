"""The songs a report shows."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from auralflow.evaluation.ranking import choose_ends, rank_songs
from auralflow.evaluation.results import SongScore
from auralflow.metrics import Column

NAN, INF = math.nan, math.inf
Score = Callable[..., SongScore]


def _names(songs: list[SongScore]) -> str:
    return "".join(song.name for song in songs)


@pytest.mark.parametrize(("higher_is_better", "expected"), [(True, "cbda"), (False, "abdc")])
def test_songs_are_ranked_by_their_mean_over_stems(score_song: Score, higher_is_better: bool, expected: str) -> None:
    """b and d are equal and go by name; undefined stems take no part, and songs of no other have no rank."""
    songs = [
        score_song("e", vocals={"sdr": NAN}, bass={"sdr": INF}),
        score_song("d", vocals={"sdr": 5.0}, bass={"sdr": INF}),
        score_song("c", vocals={"sdr": 2.0}, bass={"sdr": 12.0}),
        score_song("b", vocals={"sdr": 4.0}, bass={"sdr": 6.0}),
        score_song("a", vocals={"sdr": 3.0}, bass={"sdr": NAN}),
        score_song("f"),
    ]
    assert _names(rank_songs(songs, Column("sdr", False, higher_is_better))) == expected


@pytest.mark.parametrize(
    ("ranked", "best", "worst"),
    [
        ("", "", ""),
        ("a", "a", ""),
        ("ab", "a", "b"),
        ("abc", "ab", "c"),
        ("abcd", "ab", "dc"),
        ("abcdef", "abc", "fed"),
        ("abcdefgh", "abc", "hgf"),
    ],
)
def test_no_song_stands_at_both_ends(score_song: Score, ranked: str, best: str, worst: str) -> None:
    ends = choose_ends([score_song(name) for name in ranked])
    assert [_names(end) for end in ends] == [best, worst]
