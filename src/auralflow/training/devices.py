"""Which devices a run uses, and which of them this process is."""

from __future__ import annotations

import os
from dataclasses import dataclass

import torch

from auralflow.errors import ConfigError, DeviceError
from auralflow.separation.device import choose_device

_ACCELERATORS = {"cpu": "cpu", "cuda": "cuda", "mps": "mps"}


@dataclass(frozen=True)
class Devices:
    """Devices of a run."""

    accelerator: str
    """Lightning's word for their kind."""
    ids: int | list[int]
    """How many on each machine, or which one."""
    n_nodes: int
    n_ranks: int
    rank: int
    """Of this process among all; the others are started by Lightning, torchrun or Slurm."""


def choose_devices(device: str, n_devices: int, n_nodes: int) -> Devices:
    """Devices by name and number.

    Args:
        device: `auto`, `cpu`, `cuda`, `cuda:1`, `mps`.
        n_devices: on each machine; -1 for all that there are.

    Raises:
        DeviceError: they are not there.
        ConfigError: a number that cannot be.
    """
    chosen = choose_device(device)
    if chosen.type not in _ACCELERATORS:
        raise DeviceError(f"{chosen.type}: cannot be trained on; expected cpu, cuda or mps")
    n_here = _count(chosen, n_devices)
    if n_nodes < 1:
        raise ConfigError(f"nodes: expected 1 or more, got {n_nodes}")
    ids = [chosen.index] if chosen.index is not None and n_here == 1 else n_here
    n_ranks = n_here * n_nodes
    return Devices(_ACCELERATORS[chosen.type], ids, n_nodes, n_ranks, _rank(n_here) if n_ranks > 1 else 0)


def _count(chosen: torch.device, n_devices: int) -> int:
    if n_devices < 1 and n_devices != -1:
        raise ConfigError(f"devices: expected 1 or more, or -1 for all, got {n_devices}")
    if chosen.type == "cuda":
        n_there = torch.cuda.device_count()
        if n_devices > n_there:
            raise DeviceError(f"devices: {n_devices} asked for, {n_there} found")
        return n_there if n_devices == -1 else n_devices
    if chosen.type == "mps" and n_devices > 1:
        raise DeviceError(f"devices: {n_devices} asked for, mps has 1")
    return 1 if n_devices == -1 else n_devices


def _rank(n_here: int) -> int:
    """From the environment that torchrun, Slurm or Lightning's launcher sets."""
    if "RANK" in os.environ:
        return int(os.environ["RANK"])
    if "SLURM_PROCID" in os.environ and os.environ.get("SLURM_JOB_NAME") != "bash":
        return int(os.environ["SLURM_PROCID"])
    return int(os.environ.get("NODE_RANK", "0")) * n_here + int(os.environ.get("LOCAL_RANK", "0"))
