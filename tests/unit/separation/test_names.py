"""No template, track name or stem can lead outside the output folder."""

from __future__ import annotations

from pathlib import Path, PurePath

import pytest

from auralflow.errors import AuralflowError
from auralflow.separation.names import check_template, find_clash, output_path


def _path(template: str = "{track}/{stem}", track: str = "song", folder: str = ".", stem: str = "vocals") -> Path:
    return output_path(
        Path("out"),
        PurePath(folder),
        template,
        track=track,
        extension="mp3",
        stem=stem,
        model="classic",
        suffix=".flac",
    )


def test_fields_are_filled_and_folders_kept() -> None:
    assert _path() == Path("out/song/vocals.flac")
    assert _path("{stem}/{track}.{ext}-{model}", folder="a/b") == Path("out/a/b/vocals/song.mp3-classic.flac")
    assert _path("{track}", track="v1.2") == Path("out/v1.2.flac")


@pytest.mark.parametrize("track", ["..", ".", "a/../../b", "..\\..\\x", "/etc/passwd", "a\x00b", "con:aux", "...", " "])
def test_a_hostile_track_name_stays_inside(track: str) -> None:
    path = _path(track=track)
    assert path.resolve().is_relative_to(Path("out").resolve())
    assert len(path.relative_to("out").parts) == 2


@pytest.mark.parametrize(
    "template",
    ["../{stem}", "/{stem}", "a/../../{stem}", "C:/{stem}", "~/{stem}", "\\{stem}", "..\\{stem}", "{track}", "{stem",
     "{x}{stem}", "{stem.__class__}", "{stem[0]}", ""],
)  # fmt: skip
def test_a_hostile_template_is_refused(template: str) -> None:
    with pytest.raises(AuralflowError):
        check_template(template)


@pytest.mark.parametrize("track", ["é" * 200, "x" * 255, "日本語" * 40])
def test_long_names_fit_and_stay_apart(track: str) -> None:
    path, other = _path("{track} {stem}", track=track), _path("{track} {stem}", track=track + "y")
    assert len(path.name.encode()) <= 255
    assert path.suffix == ".flac"
    assert path != other


def test_clash_ignores_case() -> None:
    one, two = Path("a.wav"), Path("b.wav")
    assert find_clash([(Path("out/Song"), one), (Path("out/song"), two)]) == (Path("out/song"), one, two)
    assert find_clash([(Path("out/x"), one), (Path("out/y"), two), (Path("out/x"), one)]) is None
