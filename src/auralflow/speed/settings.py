"""The settings that were measured fastest, kept for each device and model.

They lie in the folder `speed` of the cache, one JSON file each; anyone may delete them at any time. A file counts for
the device, the versions of torch and auralflow and the weights it was measured with, and for nothing else.
"""

from __future__ import annotations

import hashlib
import json
import platform
import re
import subprocess
import sys
import warnings
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import torch

from auralflow.config import from_dict, to_dict
from auralflow.errors import ConfigError
from auralflow.fetch.folder import cache_folder, write_text

_VERSION = 1


@dataclass(frozen=True)
class SpeedSettings:
    """What changes how fast a model runs and how much memory it takes, and its samples by rounding only."""

    batch: int | None = None
    """Segments computed at once; None for the device's default."""
    threads: int | None = None
    """Threads of torch on the CPU; None for as many as it takes by itself."""
    compile: bool = False
    """Whether torch compiles the model."""
    engine: Literal["torch", "onnx"] = "torch"
    """What computes."""


@dataclass(frozen=True)
class SpeedKey:
    """What a measurement holds for."""

    device: str
    """Name of the processor and its threads, or of the accelerator."""
    torch: str
    """Version of torch."""
    auralflow: str
    """Version of auralflow."""
    model: str
    """Identity of the model: changes when its output may."""

    @classmethod
    def of(cls, device: torch.device, identity: str) -> SpeedKey:
        """The key of a model on a device, with the versions at hand."""
        return cls(name_hardware(device), torch.__version__, version("auralflow"), identity)


@dataclass(frozen=True)
class TunedSettings:
    """What was recommended for each precision."""

    exact: SpeedSettings
    """For `exact`."""
    fast: SpeedSettings | None
    """For `fast`; None where it is not worth it."""
    why_not_fast: str = ""
    """One line, where it is not."""


def save_tuned(key: SpeedKey, tuned: TunedSettings) -> Path:
    """Keep a recommendation, in place of an earlier one; gives its file.

    Raises:
        DownloadError: the cache cannot be written.
    """
    path = _path(key)
    write_text(path, json.dumps({"version": _VERSION, "key": to_dict(key), "tuned": to_dict(tuned)}, indent=1))
    return path


def find_tuned(key: SpeedKey) -> TunedSettings | None:
    """What was kept for a key, or None. A damaged file is as if it were not there, with a warning."""
    path = _path(key)
    try:
        return _read(json.loads(path.read_text(encoding="utf-8")), key)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, ConfigError) as error:
        warnings.warn(
            f"{path}: cannot be used and is ignored ({error}); 'auralflow bench' writes it anew", stacklevel=2
        )
        return None


def _read(values: Any, key: SpeedKey) -> TunedSettings:
    if not isinstance(values, dict) or values.get("version") != _VERSION or values.get("key") != to_dict(key):
        raise ConfigError("it is no measurement of this device and model")
    tuned = from_dict(TunedSettings, values.get("tuned"))
    for settings in filter(None, (tuned.exact, tuned.fast)):
        if any(count is not None and count < 1 for count in (settings.batch, settings.threads)):
            raise ConfigError("expected a batch and threads of 1 or more")
    return tuned


def _path(key: SpeedKey) -> Path:
    digest = hashlib.sha256(json.dumps(to_dict(key)).encode()).hexdigest()[:16]
    plain = re.sub(r"[^\w.-]+", "_", key.device)[:60]
    return cache_folder() / "speed" / f"{plain}-{digest}.json"


def name_hardware(device: torch.device) -> str:
    """What computes, by a name that tells it from others of its kind.

    Example:
        >>> name_hardware(torch.device("cpu")).endswith(f"{torch.get_num_threads()} threads")
        True
    """
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type == "xpu":
        return str(torch.xpu.get_device_name(device))
    name = _name_processor()
    return f"{name}, {torch.get_num_threads()} threads" if device.type == "cpu" else f"{name}, {device.type}"


def _name_processor() -> str:
    """The model of the CPU, as the system names it."""
    if sys.platform == "darwin":
        command = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # no Linux
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, "") or platform.processor() or platform.machine()
