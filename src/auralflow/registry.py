"""Find a part (a model, a loss, a metric, a data set) by its file name.

A registry package holds one file per part and nothing else: what is no part lives in a sub-package
or starts with an underscore. The part is the attribute that is spelled like its file, ignoring case
and underscores: `conv_tasnet.py` defines `ConvTasNet`, `si_sdr.py` defines `si_sdr`.
Names are listed without importing anything.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import pkgutil
import sys
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from auralflow.errors import ConfigError, UnknownNameError


class Registry:
    """The parts of one kind: files of a package, entry points, and a user's own `.py` file.

    Example:
        >>> models = Registry("auralflow.models", "model")
        >>> "spectrogram_net_simple" in models.names()
        True
    """

    def __init__(self, package: str, kind: str) -> None:
        self.package, self.kind = package, kind

    def names(self) -> list[str]:
        """Sorted names of all parts, those of installed plug-ins among them."""
        folder = importlib.import_module(self.package).__path__
        files = {m.name for m in pkgutil.iter_modules(folder) if not (m.ispkg or m.name.startswith("_"))}
        return sorted(files | {point.name for point in entry_points(group=self.package)})

    def load(self, name: str) -> Any:
        """Import the part called `name`, or the one in the file `name` when it ends in `.py`.

        Raises:
            UnknownNameError: there is no such part; the message offers the nearest name.
            ConfigError: the file does not exist or does not define the part.
        """
        if name.endswith(".py"):
            return find_part(_import_file(Path(name)), Path(name).stem)
        if name not in self.names():
            raise UnknownNameError(self.kind, name, self.names())
        for point in entry_points(group=self.package, name=name):
            return point.load()
        return find_part(importlib.import_module(f"{self.package}.{name}"), name)


def find_part(module: ModuleType, name: str) -> Any:
    """The attribute of `module` that is spelled like `name`, ignoring case and underscores."""
    for attribute, value in vars(module).items():
        if _plain(attribute) == _plain(name) and getattr(value, "__module__", None) == module.__name__:
            return value
    raise ConfigError(f"{module.__file__}: expected a class or function named like the file ('{name}'), found none")


def config_class(part: type) -> type:
    """The dataclass that configures `part`: `<Part>Config` beside it."""
    module = sys.modules[part.__module__]
    try:
        config: type = getattr(module, f"{part.__name__}Config")
    except AttributeError:
        raise ConfigError(f"{module.__file__}: expected a dataclass '{part.__name__}Config' beside the model") from None
    return config


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def _import_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise ConfigError(f"{path}: no such file")
    unique = f"auralflow_user_{path.stem}_{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:8]}"
    if unique in sys.modules:
        return sys.modules[unique]
    spec = importlib.util.spec_from_file_location(unique, path)
    if spec is None or spec.loader is None:
        raise ConfigError(f"{path}: not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[unique] = module  # dataclasses look their module up while the file runs
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        del sys.modules[unique]
        if not isinstance(error, Exception):
            raise
        reason = " ".join(str(error).split())
        raise ConfigError(f"{path}: cannot be imported: {type(error).__name__}: {reason}") from error
    return module
