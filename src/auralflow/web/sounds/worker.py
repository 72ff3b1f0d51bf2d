"""The process that works at sounds for the server; see `auralflow.workers` and `auralflow.web.desk`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from auralflow.errors import AudioError, AuralflowError
from auralflow.web.sounds.examine import examine
from auralflow.web.sounds.mixing import write_mix
from auralflow.web.sounds.peaks import write_peaks
from auralflow.web.sounds.playable import write_playable
from auralflow.web.sounds.scoring import score
from auralflow.web.sounds.spectrogram import write_spectrogram
from auralflow.web.sounds.stem_file import write_stem_file
from auralflow.workers.serve import Beat, Work, serve

_WAYS: dict[str, Callable[..., Any]] = {
    "examine": examine,
    "peaks": write_peaks,
    "spectrogram": write_spectrogram,
    "mix": write_mix,
    "playable": write_playable,
    "stem_file": write_stem_file,
    "score": score,
}


def _prepare(setup: dict[str, Any]) -> Work:
    def work(task: dict[str, Any], beat: Beat) -> Any:
        values = {name: value for name, value in task.items() if name not in ("do", "shown")}
        try:
            return _WAYS[task["do"]](**values, beat=beat)
        except AuralflowError as error:
            raise AudioError(_without_paths(str(error), task)) from None

    return work


def _without_paths(reason: str, task: dict[str, Any]) -> str:
    """A reason in which files are called what the visitor calls them."""
    for path, name in task.get("shown", {}).items():
        reason = reason.replace(path, name).replace(str(Path(path).parent), "the server")
    return reason


if __name__ == "__main__":
    serve(_prepare, lambda task: str(next(iter(task.get("shown", {}).values()), "this sound")))
