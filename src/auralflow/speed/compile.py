"""Let torch compile a model, and keep what came of it for the next process."""

from __future__ import annotations

import os
import shutil
import sys

import torch
from torch import nn

from auralflow.errors import ConfigError
from auralflow.fetch.folder import cache_folder

CACHE_VARIABLE = "TORCHINDUCTOR_CACHE_DIR"


def compile_model(model: nn.Module) -> nn.Module:
    """The model behind `torch.compile`: its first segment takes as long as the compiler does, the next ones gain.

    Compiled code is kept in the cache folder (unless the environment names another), where the next process finds it.

    Raises:
        ConfigError: there is no C++ compiler, which torch needs on a CPU.
    """
    if not has_compiler():
        raise ConfigError(
            "compile: torch needs a C++ compiler (g++ or clang++), and none is found; leave --compile out"
        )
    os.environ.setdefault(CACHE_VARIABLE, str(cache_folder() / "compiled"))
    compiled: nn.Module = torch.compile(model)  # type: ignore[assignment]
    return compiled


def has_compiler() -> bool:
    """Whether a C++ compiler is found where torch looks for one."""
    named = os.environ.get("CXX")
    names = (named,) if named else ("cl",) if sys.platform == "win32" else ("g++", "clang++")
    return any(shutil.which(name) for name in names)
