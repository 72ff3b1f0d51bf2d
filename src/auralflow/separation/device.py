"""Choose where to compute."""

from __future__ import annotations

import torch

from auralflow.errors import DeviceError, UnknownNameError

DEVICE_NAMES = ("auto", "cpu", "cuda", "mps", "xpu")


def choose_device(name: str = "auto") -> torch.device:
    """The device called `name`; `auto` takes the first there is of CUDA, XPU, MPS and the CPU.

    Raises:
        DeviceError: this machine, or this build of torch, has no such device.
        UnknownNameError: there is no such kind of device.

    Example:
        >>> choose_device("cpu")
        device(type='cpu')
    """
    kind = name.partition(":")[0]
    if kind not in DEVICE_NAMES:
        raise UnknownNameError("device", name, DEVICE_NAMES)
    if kind == "auto":
        return torch.device(next(k for k in ("cuda", "xpu", "mps", "cpu") if _n_devices(k)))
    n_devices = _n_devices(kind)
    index = name.partition(":")[2]
    if index and not index.isdigit():
        raise UnknownNameError("device", name, DEVICE_NAMES)
    if int(index or 0) >= n_devices:
        found = "none" if n_devices == 0 else f"{n_devices}"
        raise DeviceError(f"--device {name}: expected such a device, found {found}; use --device auto or cpu")
    return torch.device(name)


def _n_devices(kind: str) -> int:
    if kind == "cuda":
        return torch.cuda.device_count() if torch.cuda.is_available() else 0
    if kind == "xpu":
        return torch.xpu.device_count() if torch.xpu.is_available() else 0
    if kind == "mps":
        return int(torch.backends.mps.is_available())
    return 1


def describe_device(device: torch.device, asked: str | None = None) -> str:
    """The device, and why it is used, in words for the user.

    Args:
        asked: the name it was chosen by; None leaves the reason out.

    Example:
        >>> describe_device(torch.device("cuda", 0), "cuda:0")  # doctest: +SKIP
        'cuda:0 (NVIDIA H200), as asked for'
    """
    name = _name_device(device)
    return name if asked is None else f"{name}, {_reason(device, asked)}"


def _name_device(device: torch.device) -> str:
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    if device.type == "cpu":
        return f"cpu ({torch.get_num_threads()} threads)"
    return str(device)


def _reason(device: torch.device, asked: str) -> str:
    if asked != "auto":
        return "as asked for"
    if device.type == "cpu":
        return "because torch finds no CUDA, XPU or MPS device"
    return "the first found of CUDA, XPU, MPS and the CPU"
