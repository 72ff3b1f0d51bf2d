"""The settings that are measured, and why some of them cannot be on a device."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

from auralflow.errors import UnknownNameError
from auralflow.speed.compile import has_compiler
from auralflow.speed.precision import Precision, has_half_precision
from auralflow.speed.settings import SpeedSettings

PLAIN, DEFAULT = "plain", "default"
"""What the others are compared with: the samples of the one, the speed of the other. Always measured."""

_ONNX_PACKAGES = ("onnx", "onnxruntime", "onnxscript")


@dataclass(frozen=True)
class Setting:
    """One way to run a model."""

    name: str
    """What it is called."""
    speed: SpeedSettings = field(default_factory=SpeedSettings)
    """What the engine is told."""
    precision: Precision = "exact"
    """Of the arithmetic."""

    @property
    def is_plain(self) -> bool:
        """Whether the process and the model are left as torch has them."""
        return self.name == PLAIN

    @property
    def has_limit(self) -> bool:
        """Whether the model is made ready first, which may take for ever."""
        return self.speed.compile or self.speed.engine == "onnx"


def list_settings(device: torch.device) -> tuple[Setting, ...]:
    """Every setting, those that a device cannot have too.

    Example:
        >>> [setting.name for setting in list_settings(torch.device("cpu"))][:4]
        ['plain', 'default', 'batch-1', 'batch-2']
    """
    is_cpu = device.type == "cpu"
    batches = (1, 2, 4) if is_cpu else (2, 4, 8)
    return (
        Setting(PLAIN, SpeedSettings(batch=1 if is_cpu else None)),
        Setting(DEFAULT),
        *(Setting(f"batch-{batch}", SpeedSettings(batch=batch)) for batch in batches),
        Setting("threads-1", SpeedSettings(threads=1)),
        Setting("threads-all", SpeedSettings(threads=count_cores())),
        Setting("compile", SpeedSettings(compile=True)),
        Setting("fast", precision="fast"),
        Setting("onnx", SpeedSettings(engine="onnx")),
    )


def choose_settings(names: Sequence[str] | None, device: torch.device) -> tuple[Setting, ...]:
    """The settings of these names, all for None; `plain` and `default` are always among them.

    Raises:
        UnknownNameError: there is no such setting.
    """
    known = list_settings(device)
    for name in names or ():
        if name not in {setting.name for setting in known}:
            raise UnknownNameError("setting", name, [setting.name for setting in known])
    return tuple(s for s in known if names is None or s.name in names or s.name in (PLAIN, DEFAULT))


def explain_skip(setting: Setting, device: torch.device) -> str:
    """Why a setting is not measured on a device; nothing where it is."""
    speed, n_threads = setting.speed, torch.get_num_threads()
    if speed.threads is not None and device.type != "cpu":
        return f"the model runs on {device.type}"
    if speed.threads == n_threads:
        return f"is the default here, {n_threads} threads"
    if speed.engine == "onnx":
        return _explain_onnx(device)
    if setting.precision == "fast" and not has_half_precision(device):
        return f"this {device.type} has no 16-bit arithmetic"
    return _explain_compile(device) if speed.compile else ""


def _explain_onnx(device: torch.device) -> str:
    if device.type != "cpu":
        return "computes on the CPU only"
    missing = [package for package in _ONNX_PACKAGES if importlib.util.find_spec(package) is None]
    return f"{', '.join(missing)} missing: run  pip install 'auralflow[onnx]'" if missing else ""


def _explain_compile(device: torch.device) -> str:
    if device.type == "cpu" and not has_compiler():
        return "there is no C++ compiler"
    if device.type in ("cuda", "xpu") and importlib.util.find_spec("triton") is None:
        return "triton is not installed"
    return ""


def count_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
