"""Everything a user can say about a separation of files."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Literal

from auralflow.audio.formats import FORMAT_NAMES
from auralflow.config import to_dict
from auralflow.errors import ConfigError, UnknownNameError
from auralflow.separation.outputs import Consistency
from auralflow.speed.precision import Precision

Engine = Literal["torch", "onnx"]

_TIME = re.compile(r"(?:(?:(\d+):)?(\d{1,2}):)?(\d+(?:\.\d*)?|\.\d+)s?")
# What does not change the samples that are written, and so not what counts as done.
_NOT_IN_HASH = ("batch", "device", "compile", "threads", "tuned")


@dataclass(frozen=True)
class SeparationConfig:
    """Settings of a separation; one object for a file as for a folder of a hundred thousand.

    Raises:
        ConfigError: a setting has a value it cannot have; the message starts with its name.
    """

    model: str = "default"
    """Name of a model, path of a bundle, of a `.py` file, or of a plan."""
    stems: tuple[str, ...] | None = None
    """Stems to write; None for all of the model's."""
    mix: tuple[str, ...] = ()
    """Further outputs, `name=drums+bass` or `name=-vocals`."""
    residual: bool = False
    """Also write the mixture minus the stems that are written."""
    consistency: Consistency = "none"
    """Make the stems sum to the mixture."""
    format: str = "auto"
    """Format of the outputs."""
    dither: Literal["none", "tpdf"] = "none"
    """Dither where the depth is reduced."""
    name: str = "{track}/{stem}"
    """Template of the output names."""
    from_s: float = 0.0
    """Second of the input to start at."""
    for_s: float | None = None
    """Seconds to separate; None for all."""
    segment_s: float | None = None
    """Seconds a segment is long; None for the model's own length."""
    overlap: float | None = None
    """Part of a segment that neighbours share; None for no more than the model needs."""
    batch: int | None = None
    """Segments computed at once; None for the device's default."""
    device: str = "auto"
    """Where to compute."""
    precision: Precision = "exact"
    """`exact` or `fast`."""
    engine: Engine | None = None
    """What computes: `torch`, or ONNX Runtime (`onnx`); None for torch, or what `tuned` finds."""
    compile: bool = False
    """Let torch compile the model."""
    threads: int | None = None
    """Threads of torch on the CPU; None for as many as it takes by itself. A job heeds it."""
    tuned: bool = False
    """Take batch, threads, compilation and engine from what `auralflow bench` found here, where they are not given."""

    def __post_init__(self) -> None:
        if self.format not in FORMAT_NAMES:
            raise UnknownNameError("format", self.format, FORMAT_NAMES)
        if self.dither not in ("none", "tpdf"):
            raise UnknownNameError("dither", self.dither, ("none", "tpdf"))
        if self.from_s < 0:
            raise ConfigError(f"from: expected 0 or more seconds, got {self.from_s}")
        if self.for_s is not None and self.for_s <= 0:
            raise ConfigError(f"for: expected more than 0 seconds, got {self.for_s}")
        if self.threads is not None and self.threads < 1:
            raise ConfigError(f"threads: expected 1 or more, got {self.threads}")
        self._check_engine()

    def _check_engine(self) -> None:
        if self.engine not in (None, "torch", "onnx"):
            raise UnknownNameError("engine", self.engine, ("torch", "onnx"))
        if self.engine == "onnx" and self.device not in ("auto", "cpu"):
            raise ConfigError(f"device: --engine onnx computes on the CPU, got '{self.device}'; leave --device out")
        if self.engine == "onnx" and self.precision != "exact":
            raise ConfigError("precision: --engine onnx computes in 32 bits; leave --precision out")
        if self.engine == "onnx" and self.compile:
            raise ConfigError("compile: torch does not compile what --engine onnx runs; leave one of them out")

    def fingerprint(self, model_identity: str) -> str:
        """Short hash of all that shapes the written samples: equal settings, equal outputs.

        The engine counts: an export may differ from its model by more than rounding, and hears what is shorter than a
        segment with silence behind it.
        """
        settings = {key: value for key, value in to_dict(self).items() if key not in _NOT_IN_HASH}
        settings["engine"] = self.engine or "torch"
        text = json.dumps([settings, model_identity], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def parse_time(text: str | float, key: str = "time") -> float:
    """Seconds from `90`, `30s`, `1:30` or `1:02:03.5`.

    Raises:
        ConfigError: the text is none of these.

    Example:
        >>> parse_time("1:02:03.5")
        3723.5
    """
    found = _TIME.fullmatch(str(text).strip())
    if found is None:
        raise ConfigError(f"{key}: expected a time like 90, 30s, 1:30 or 1:02:03, got '{text}'")
    hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return hours * 3600 + minutes * 60 + seconds
