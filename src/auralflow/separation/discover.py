"""Find the audio files that a user means by files, folders and wildcards."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from auralflow.audio.probe import AUDIO_SUFFIXES
from auralflow.errors import AudioError

JOB_FOLDER = ".auralflow"
"""In every output folder, what we remember of its jobs."""


@dataclass(frozen=True)
class Source:
    """An input file and the folder it keeps in the output."""

    path: Path
    folder: PurePath = field(default_factory=PurePath)


def find_sources(inputs: Sequence[str | Path], out: Path) -> list[Source]:
    """Files in a stable order, each once.

    A folder is walked recursively for audio files, a pattern with `*`, `?` or `[` is expanded (`**` crosses folders),
    and the folders below either are kept in the output. Passed over are hidden files, the output folder itself, and
    inside a walked folder the outputs of other jobs.

    Raises:
        AudioError: an input does not exist, or holds no audio.
    """
    found: dict[Path, Source] = {}
    for text in inputs:
        if not str(text):
            raise AudioError("expected a file or a folder, got an empty name")
        sources = list(_expand(Path(text), out.resolve()))
        if not sources:
            raise AudioError(f"{text}: no audio files found there (looked for {', '.join(sorted(AUDIO_SUFFIXES))})")
        for source in sources:
            found.setdefault(source.path.resolve(), source)
    return list(found.values())


def _expand(path: Path, out: Path) -> Iterator[Source]:
    if path.is_dir():
        yield from _walk(path, out)
    elif path.exists():
        yield Source(path)
    elif glob.has_magic(str(path)):
        yield from _match(path, out)
    else:
        raise AudioError(f"{path}: no such file or folder")


def _walk(root: Path, out: Path) -> Iterator[Source]:
    for folder, folders, files in os.walk(root):
        here = Path(folder)
        folders[:] = sorted(f for f in folders if not f.startswith(".") and not _is_output(here / f, out))
        for name in sorted(files):
            if _is_audio(name):
                yield Source(here / name, PurePath(here.relative_to(root)))


def _is_output(folder: Path, out: Path) -> bool:
    return folder.resolve() == out or (folder / JOB_FOLDER).is_dir()


def _match(pattern: Path, out: Path) -> Iterator[Source]:
    base = Path(*_fixed_parts(pattern))
    for text in sorted(glob.glob(str(pattern), recursive=True)):
        path = Path(text)
        if path.is_file() and _is_audio(path.name) and not path.resolve().is_relative_to(out):
            yield Source(path, PurePath(path.relative_to(base).parent))


def _fixed_parts(pattern: Path) -> Iterator[str]:
    for part in pattern.parts[:-1]:
        if glob.has_magic(part):
            return
        yield part


def _is_audio(name: str) -> bool:
    return not name.startswith(".") and os.path.splitext(name)[1].lower() in AUDIO_SUFFIXES
