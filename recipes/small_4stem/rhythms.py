"""Rhythms of accompaniment: strings of sixteenths, common strumming, comping and riff patterns.

`X` is an accent, `x` a softer stroke, `-` holds the stroke before, `.` rests. A bar in four has sixteen, in three
twelve.
"""

from __future__ import annotations

from dataclasses import dataclass

from numpy.random import Generator

RHYTHMS: dict[str, dict[int, tuple[str, ...]]] = {
    "strum": {
        16: (
            "X---X-x-.-x-X-x-", "X---x---X---x---", "X-x-X-x-X-x-X-x-", "X-----x-X---x-x-", "X---X-xxX-x-X-xx",
            "X-------X-x-x-x-",
            "x-X-x-X-x-X-x-X-", "X-xxX-xxX-xxX-xx", "X---------------", "X-----X-----X---",
        ),
        12: ("X---x---x---", "X---x-x-x-x-", "X-----X-x-x-", "X-----------", "X---x-x-X-x-"),
    },
    "power": {
        16: (
            "X-------X-------", "X-x-x-x-X-x-x-x-", "X---X-X---X-X---", "X-----X-X---X-X-", "X---------------",
            "X-x-X-x-X-X-X-X-",
            "X--X--X-X---X---", "X---X---X---X---", "X-X-..X-..X-X-..", "X-..X-X-....X-X-", "X--xX--x..X-x-X-",
            "X--x--x-X-x-X---",
        ),
        12: ("X-----x-x-x-", "X---X---X---", "X-----------", "X--xX--xX--x", "X-x-x-X-x-x-"),
    },
    "chug": {
        16: (
            "XxxxxxxxXxxxxxxx", "X.xxX.xxX.xxX.xx", "xxXxxXxxxxXxxXxx", "x-x-x-x-x-x-X-X-", "xxX-xxX-xxX-X-X-",
            "X-x-x-x-X-x-x-x-",
            "x.xxx.xxx.xxX-X-", "xx.xx.xx.xx.X---", "X---xxxxX---xxxx", "xxxx..xxxx..X-X-",
        ),
        12: ("xxxxxxxxxxxx", "X-xxX-xxX-xx", "X.xxxxX.xxxx"),
    },
    "scratch": {
        16: (
            "..X...x...X..x..", "X..x..X...x.X...", "....X.......X...", "x.x.X.xxx.x.X.x.", "..xX..x...xX..x.",
            "X.x...x.X..x..x.",
            "..X.x..X..X.x...", "xxXxxxXxxxXxxXxx",
        ),
        12: ("....X...X...", "x.x.X.x.X.x.", "..x...x.X..x"),
    },
    "skank": {
        16: ("....X-......X-..", "..X...X...X...X.", "....X-x-....X-x-", "..X...X...X.x.X.", "....X...x...X..."),
        12: ("....X...X...", "..X...X...X."),
    },
    "comp": {
        16: (
            "X-------X-------", "X---X---X---X---", "X-----X---X-----", "X--X--X-X--X--X-", "..X-..X-..X-..X-",
            "X-x-X-x-X-x-X-x-",
            "X-----x-....x-X-", "....X-----X-----", "X--x--x---x-....", "X-------....x-x-", "X-----X-........",
            "..X---..X-----X-",
        ),
        12: ("X---x---x---", "X-----------", "X-----x-----", "....x-..x-..", "X-x-x-x-x-x-", "X-----x-x---"),
    },
    "stab": {
        16: (
            "X...............", "......X-X.......", "X-....X-........", "..........X-X-X-", "X..X..X.........",
            "............X-x-", "X--X--X---X-X---",
            "..X-....X-......", "X.......X-------", "....X.......X...", "X.X.........x.X.",
        ),
        12: ("X-..........", "......X-X-..", "X-x-..X-....", "........X-X-"),
    },
    "even": {
        16: ("XxxxXxxxXxxxXxxx", "X-x-x-x-X-x-x-x-", "X-x-x-X-x-x-X-x-", "X--x--x--x--x-x-", "X-x-x-x-x-x-x-x-",
        "X.xxX.xxX.xxX.xx"),
        12: ("X-x-x-x-x-x-", "X-x-x-X-x-x-", "xxxxxxxxxxxx"),
    },
}  # fmt: skip


@dataclass(frozen=True)
class Stroke:
    """One stroke in a bar."""

    step: int
    length: int
    """Sixteenths."""
    loudness: float
    """A MIDI velocity."""


def read_strokes(text: str) -> list[Stroke]:
    """The strokes of a rhythm; a stroke lasts a sixteenth and as long as it is held."""
    strokes = []
    for step, sign in enumerate(text):
        if sign in "Xx":
            held = len(text) - step - 1 - len(text[step + 1 :].lstrip("-"))
            strokes.append(Stroke(step, 1 + held, 100.0 if sign == "X" else 76.0))
    return strokes


def vary(text: str, random: Generator) -> str:
    """Half of the time leave a stroke out or put one in."""
    if random.random() < 0.5:
        return text
    step = int(random.integers(1, len(text)))
    sign = {"X": "-", "x": "-", "-": "x", ".": "x"}[text[step]]
    return text[:step] + sign + text[step + 1 :]
