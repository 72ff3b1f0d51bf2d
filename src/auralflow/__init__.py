"""Auralflow: music source separation.

    >>> import auralflow
    >>> report = auralflow.separate("song.m4a")  # doctest: +SKIP

Importing this loads nothing heavy and changes nothing in the process; each name is imported when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    __version__: str

    from auralflow.api import check_data as check_data
    from auralflow.api import compare as compare
    from auralflow.api import configure as configure
    from auralflow.api import download as download
    from auralflow.api import list_models as list_models
    from auralflow.api import load_model as load_model
    from auralflow.api import pack_data as pack_data
    from auralflow.api import plot as plot
    from auralflow.api import push as push
    from auralflow.api import separate as separate
    from auralflow.api import synth_data as synth_data
    from auralflow.api import test as test
    from auralflow.api import train as train
    from auralflow.api import trust as trust
    from auralflow.audio.read import read_audio as read_audio
    from auralflow.audio.types import Audio as Audio
    from auralflow.audio.write import write_audio as write_audio
    from auralflow.errors import AuralflowError as AuralflowError
    from auralflow.estimate import Estimate as Estimate
    from auralflow.separation.engine import Separator as Separator
    from auralflow.separation.outputs import plan_outputs as plan_outputs
    from auralflow.separation.progress import CancelToken as CancelToken
    from auralflow.separation.results import JobReport as JobReport
    from auralflow.separation.results import Stems as Stems
    from auralflow.spec import ModelSpec as ModelSpec

_HOMES = {
    "Audio": "audio.types",
    "AuralflowError": "errors",
    "CancelToken": "separation.progress",
    "Estimate": "estimate",
    "JobReport": "separation.results",
    "ModelSpec": "spec",
    "Separator": "separation.engine",
    "Stems": "separation.results",
    "check_data": "api",
    "compare": "api",
    "configure": "api",
    "download": "api",
    "list_models": "api",
    "load_model": "api",
    "pack_data": "api",
    "plan_outputs": "separation.outputs",
    "plot": "api",
    "push": "api",
    "read_audio": "audio.read",
    "separate": "api",
    "synth_data": "api",
    "test": "api",
    "train": "api",
    "trust": "api",
    "write_audio": "audio.write",
}

__all__ = [*_HOMES]


def __getattr__(name: str) -> Any:
    if name == "__version__":  # looked up on demand: it takes longer than the rest of this file
        from importlib.metadata import version

        return version("auralflow")
    if name not in _HOMES:
        raise AttributeError(f"module 'auralflow' has no attribute '{name}'")
    return getattr(importlib.import_module(f"auralflow.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
