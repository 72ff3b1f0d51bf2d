"""Draw what was asked for: find the subjects, name their files, draw one after another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from auralflow.errors import AuralflowError, ConfigError, OutputError, import_extra
from auralflow.pictures.draw import draw
from auralflow.pictures.results import Picture, PlotFailure, PlotReport
from auralflow.pictures.sounds import View
from auralflow.pictures.subjects import Subject, find_subjects
from auralflow.plots import save_figure

SUFFIXES = (".png", ".svg")
_OTHER_SUFFIXES = (".jpg", ".jpeg", ".gif", ".webp", ".pdf", ".eps", ".bmp", ".tif", ".tiff")


@dataclass(frozen=True)
class PlotRequest:
    """What is to be drawn, how, and where to."""

    inputs: tuple[Path, ...]
    target: Path | None
    out: Path
    """A file that ends in .png or .svg, or a folder."""
    view: View
    score: str | None
    """Column of an evaluation; None for its first."""
    as_svg: bool = False
    """Whether pictures in a folder are SVG."""


def draw_pictures(request: PlotRequest) -> PlotReport:
    """Draw every input; one that cannot be drawn costs only itself, unless it is the only one.

    Raises:
        MissingExtraError: matplotlib is not installed (extra `plots`).
        ConfigError: the request makes no sense.
        AuralflowError: the only input cannot be drawn.
    """
    import_extra("matplotlib", "plots")
    if not request.inputs:
        raise ConfigError("inputs: expected one or more files or folders, got none")
    _check_suffix(request.out)
    subjects, failed = _find_all(request)
    paths = _name_files(subjects, request)
    done = []
    for subject, path in zip(subjects, paths, strict=True):
        try:
            figure, notes = draw(subject, request.view, request.score)
            save_figure(figure, path)
            done.append(Picture(subject.source, subject.kind, path, tuple(notes)))
        except AuralflowError as error:
            if len(subjects) + len(failed) == 1:
                raise
            failed.append(PlotFailure(subject.source, str(error)))
    return PlotReport(tuple(done), tuple(failed))


def _check_suffix(out: Path) -> None:
    if out.suffix.lower() in _OTHER_SUFFIXES and not out.is_dir():
        raise ConfigError(f"out: expected a name that ends in .png or .svg, or a folder, got '{out}'")


def _find_all(request: PlotRequest) -> tuple[list[Subject], list[PlotFailure]]:
    subjects: list[Subject] = []
    failed: list[PlotFailure] = []
    for path in dict.fromkeys(request.inputs):
        try:
            subjects += find_subjects(path, request.target)
        except AuralflowError as error:
            if len(request.inputs) == 1:
                raise
            failed.append(PlotFailure(path, str(error)))
    return subjects, failed


def _name_files(subjects: Sequence[Subject], request: PlotRequest) -> list[Path]:
    """A file for each; names that would clash get their folder's name in front."""
    out = request.out
    if out.suffix.lower() in SUFFIXES and not out.is_dir():
        if len(subjects) > 1:
            raise ConfigError(f"out: {len(subjects)} pictures do not go into one file; give a folder, got '{out}'")
        paths = [out] * len(subjects)
    else:
        paths = [out / f"{name}{SUFFIXES[request.as_svg]}" for name in _tell_apart(subjects)]
    for path in paths:
        if path.exists() and any(path.samefile(sound) for subject in subjects for sound in subject.sounds):
            raise OutputError(f"{path}: this picture would overwrite its input; choose another --out")
    return paths


def _tell_apart(subjects: Sequence[Subject]) -> list[str]:
    """Names that no two share: with the folder in front where that is needed, and a number where that is not enough."""
    counts = Counter(subject.name for subject in subjects)
    names = [_with_folder(subject) if counts[subject.name] > 1 else subject.name for subject in subjects]
    return [
        f"{name} {names[:index].count(name) + 1}" if names.count(name) > 1 else name for index, name in enumerate(names)
    ]


def _with_folder(subject: Subject) -> str:
    return f"{subject.source.resolve().parent.name} {subject.name}"
