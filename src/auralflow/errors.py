"""Every error a user can meet.

    AuralflowError
    ├── ConfigError           a setting has a value it cannot have
    ├── UnknownNameError      a name that is not in a list (the nearest one is offered)
    ├── AudioError            a file or an array is not usable audio
    ├── OutputError           a result cannot be written where it was asked for
    ├── ShapeError            an array has other axes than expected
    ├── DeviceError           a device was asked for that is not there, or it ran out of memory
    ├── CheckpointError       a saved model cannot be loaded
    ├── DownloadError         a file cannot be fetched from the network, or sent there
    ├── TrainingError         a training run cannot go on
    ├── MissingExtraError     an optional dependency is not installed
    └── Cancelled             the caller asked to stop

Each message is one line that says what was expected, what came and what to do.
The command line prints that line and exits with code 2 (130 for `Cancelled`).
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable
from types import ModuleType


class AuralflowError(Exception):
    """Base of all errors raised on purpose by auralflow."""


class ConfigError(AuralflowError):
    """A setting has a value it cannot have; the message starts with its (dotted) name."""


class AudioError(AuralflowError):
    """A file or an array is not usable audio."""


class OutputError(AuralflowError):
    """A result cannot be written where it was asked for."""


class ShapeError(AuralflowError):
    """An array has other axes than expected."""


class DeviceError(AuralflowError):
    """A device is not there, or has too little memory."""


class CheckpointError(AuralflowError):
    """A saved model cannot be loaded."""


class DownloadError(AuralflowError):
    """A file cannot be fetched from the network, or sent there."""


class TrainingError(AuralflowError):
    """A training run cannot go on; what it had reached is saved."""


class Cancelled(AuralflowError):
    """The caller asked to stop; nothing half-written is left behind."""


class UnknownNameError(AuralflowError):
    """A name that is not among the known ones."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.kind, self.name, self.known = kind, name, sorted(known)
        nearest = difflib.get_close_matches(name.lower(), self.known, n=1, cutoff=0.5)
        hint = f"did you mean '{nearest[0]}'? " if nearest else ""
        super().__init__(f"unknown {kind} '{name}': {hint}Known: {', '.join(self.known) or 'none'}.")

    def __reduce__(self) -> tuple[type, tuple[str, str, list[str]]]:
        # Exceptions travel from worker processes; the default would replay the message only.
        return type(self), (self.kind, self.name, self.known)


class MissingExtraError(AuralflowError):
    """An optional dependency is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        self.package, self.extra = package, extra
        super().__init__(
            f"this needs the package '{package}', which is not installed: run  pip install 'auralflow[{extra}]'"
        )

    def __reduce__(self) -> tuple[type, tuple[str, str]]:
        return type(self), (self.package, self.extra)


def import_extra(module: str, extra: str) -> ModuleType:
    """Import an optional dependency, or say which pip command brings it.

    Raises:
        MissingExtraError: the module is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition(".")[0]
        if error.name is not None and error.name.partition(".")[0] != package:
            raise
        raise MissingExtraError(package, extra) from None
