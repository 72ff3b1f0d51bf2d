"""Half precision: where a device has it, and whether a model's output is good enough in it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
from contextlib import AbstractContextManager
from importlib.metadata import version
from typing import Literal

import torch
from torch import Tensor, nn

from auralflow.errors import DownloadError
from auralflow.fetch.folder import cache_folder, write_text
from auralflow.spec import ModelSpec

Precision = Literal["exact", "fast"]

LEAST_SDR_DB = 45.0
"""Of the output in half precision against that in single precision."""
_LONGEST_S = 12.0


def has_half_precision(device: torch.device) -> bool:
    """Whether a device has 16-bit arithmetic of its own.

    A CPU without it (bfloat16 wants AVX-512 or the like) does it piece by piece, several times slower than 32 bits.
    """
    if device.type != "cpu":
        return True
    return bool(torch.backends.mkldnn.is_available()) and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def half_precision(device: torch.device) -> AbstractContextManager[object]:
    """Inside, torch computes in 16 bits what it finds safe: bfloat16 on CPUs and XPUs, float16 elsewhere."""
    kind = torch.bfloat16 if device.type in ("cpu", "xpu") else torch.float16
    return torch.autocast(device.type, dtype=kind)


def refuse_half(model: nn.Module, spec: ModelSpec, device: torch.device) -> str | None:
    """Why a model should not compute in half precision on a device; None where it may.

    Its output on a test signal, all stems together, must be within `LEAST_SDR_DB` of that in single precision. That is
    measured once for each set of weights and kind of device, and remembered.
    """
    if not has_half_precision(device):
        return f"this {device} has no 16-bit arithmetic, which would be slower; computed in 32 bits"
    sdr_db = _remembered_sdr(model, spec, device)
    if sdr_db >= LEAST_SDR_DB:
        return None
    return (
        f"16 bits would leave {sdr_db:.0f} dB of this model's output, {LEAST_SDR_DB:.0f} are asked for; computed in 32"
    )


def half_precision_sdr(model: nn.Module, spec: ModelSpec, device: torch.device) -> float:
    """SDR in dB of a model's output in half precision against that in single precision; -inf if it is not finite."""
    signal = make_test_signal(spec).to(device)
    with torch.inference_mode():
        exact = model(signal).float()
        with half_precision(device):
            halved = model(signal).float()
    error = float((halved - exact).double().square().sum())
    power = float(exact.double().square().sum())
    if not math.isfinite(error):
        return -math.inf
    return 10 * math.log10(power / error) if error and power else math.inf


def make_test_signal(spec: ModelSpec) -> Tensor:
    """Music-like and always the same: chords that decay, a bass, and noise on the beat, one segment of at most 12 s.

    Shape:
        `[1, channel, time]`
    """
    n_samples = min(spec.segment_samples, round(_LONGEST_S * spec.sample_rate))
    draws = torch.Generator().manual_seed(0)
    time_s = torch.arange(n_samples) / spec.sample_rate
    beat = (-6 * (time_s % 0.5)).exp()
    noise = torch.randn(spec.channels, n_samples, generator=draws)
    tones = [(110 * 2 ** (step / 12), beat) for step in (0, 12, 16, 19, 24, 31)] + [(55.0, torch.ones(n_samples))]
    music = torch.stack([level * (2 * math.pi * pitch_hz * time_s).sin() for pitch_hz, level in tones])
    places = torch.rand(spec.channels, len(tones), generator=draws)
    return (0.1 * places @ music + 0.1 * beat**4 * noise)[None]


def _remembered_sdr(model: nn.Module, spec: ModelSpec, device: torch.device) -> float:
    path = cache_folder() / "speed" / f"half-{_key_of(model, device)}.json"
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        return float(json.loads(path.read_text())["sdr_db"])
    sdr_db = half_precision_sdr(model, spec, device)
    with contextlib.suppress(DownloadError):  # a disk that cannot be written costs only the memory
        write_text(path, json.dumps({"sdr_db": sdr_db}))
    return sdr_db


def _key_of(model: nn.Module, device: torch.device) -> str:
    """Of the weights, the device, torch, and this package, which may compute the same network otherwise."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    digest = hashlib.sha256(f"{version('auralflow')} {torch.__version__} {name} {type(model).__qualname__}".encode())
    for key, tensor in model.state_dict().items():
        digest.update(key.encode())
        digest.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()[:24]
