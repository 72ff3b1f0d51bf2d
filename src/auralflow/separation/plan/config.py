"""What a plan says: which models hear what, which stems they give, and how those are put together."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from auralflow.config import from_yaml
from auralflow.errors import ConfigError
from auralflow.pretrained.card import name_cards
from auralflow.pretrained.names import CHECKPOINTS, DESCRIPTION, sort_name
from auralflow.spec import check_stem_name

Augmentation = Literal["swap_channels", "invert"]
Average = Literal["waveform", "magnitude", "min_magnitude", "max_magnitude"]

FORMAT_VERSION = 1
SUFFIXES = (".yaml", ".yml")
MIXTURE = "mixture"
MAX_SHIFTS = 100


@dataclass(frozen=True)
class PlanStep:
    """One model at work."""

    model: str
    """What `--model` takes, but for another plan; a path is relative to the plan."""
    name: str = ""
    """What notes call the step; by default the model."""
    input: str = MIXTURE
    """What the model hears: `mixture`, a stem of earlier steps, or sums and differences of these, as
    `mixture - vocals`."""
    stems: dict[str, str] | None = None
    """Stems that the step gives: a list of the model's, or `new name: the model's name` for each; by default all."""
    shifts: int = 1
    """Runs with the input delayed by different times, up to half a second, which are averaged."""
    augment: tuple[Augmentation, ...] = ()
    """Further runs to average with: `swap_channels` hears left and right the wrong way round, `invert` hears the
    input with its sign changed; both are undone in the output."""
    weight: float = 1.0
    """How much the step counts where others give the same stem."""
    weights: dict[str, float] = field(default_factory=dict)
    """The same for single stems."""
    segment_s: float | None = None
    """Seconds a segment is long; by default what `--segment` says."""
    overlap: float | None = None
    """Part of a segment that neighbours share; by default what `--overlap` says."""

    def __post_init__(self) -> None:
        is_list = isinstance(self.stems, (list, tuple)) and all(isinstance(name, str) for name in self.stems)
        if is_list and len(set(self.stems or ())) == len(self.stems or ()):
            object.__setattr__(self, "stems", {name: name for name in self.stems or ()})

    @property
    def given(self) -> tuple[str, ...]:
        """Names of the stems that the step gives, of a completed plan."""
        return tuple(self.stems or ())

    @property
    def terms(self) -> dict[str, float]:
        """The sounds that the step hears, and their weights."""
        return read_terms(self.input, "input")

    def weight_of(self, stem: str) -> float:
        """How much the step counts for a stem."""
        return self.weights.get(stem, self.weight)


@dataclass(frozen=True)
class PlanConfig:
    """A plan: steps in their order.

    Raises:
        ConfigError: a setting has a value it cannot have; the message starts with its dotted name.

    Example:
        >>> PlanConfig((PlanStep("classic", stems={"vocals": "vocals"}),)).average
        'waveform'
    """

    steps: tuple[PlanStep, ...]
    """Models in the order in which they can run."""
    format_version: int = FORMAT_VERSION
    """Version of this description."""
    average: Average = "waveform"
    """How steps that give the same stem are put together: the mean of their samples (`waveform`); in each bin of the
    spectrogram the mean of the magnitudes, with the phase of that mean (`magnitude`); or in each bin what the step
    has that is quietest there (`min_magnitude`), or loudest (`max_magnitude`)."""
    stems: tuple[str, ...] | None = None
    """Stems of the plan, in their order; by default all that the steps give."""

    def __post_init__(self) -> None:
        if self.format_version != FORMAT_VERSION:
            raise ConfigError(
                f"format_version: this auralflow reads version {FORMAT_VERSION}, got {self.format_version!r}; "
                "upgrade auralflow"
            )
        if not self.steps:
            raise ConfigError("steps: expected at least one, got none")
        for number, step in enumerate(self.steps):
            _check_step(step, f"steps.{number}")
            if self.average in ("min_magnitude", "max_magnitude") and (step.weight != 1 or step.weights):
                raise ConfigError(f"steps.{number}.weight: '{self.average}' takes one step or another; leave it out")


def is_plan(model: str) -> bool:
    """Whether what a user typed as a model is the path of a plan.

    Example:
        >>> is_plan("band.yaml"), is_plan("classic")
        (True, False)
    """
    return Path(model).suffix.lower() in SUFFIXES and not Path(model).is_dir()


def read_plan(path: Path) -> PlanConfig:
    """The plan in a file, with paths that are right from here.

    Raises:
        ConfigError: there is no such file, or a mistake in it.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read as a plan: {getattr(error, 'strerror', None) or error}") from None
    with in_file(path):
        plan = from_yaml(PlanConfig, text)
        steps = tuple(replace(step, model=_locate(step.model, path.parent)) for step in plan.steps)
        return replace(plan, steps=steps)


@contextmanager
def in_file(path: Path) -> Iterator[None]:
    """Say which file a mistake is in."""
    try:
        yield
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def read_terms(text: str, key: str) -> dict[str, float]:
    """Sounds and their weights, of what a step hears.

    Raises:
        ConfigError: the text is no sum or difference, or nothing is left.

    Example:
        >>> read_terms("mixture - vocals", "input")
        {'mixture': 1.0, 'vocals': -1.0}
    """
    first, *others = re.split(r"\s+([+-])\s+", text.strip())
    terms: dict[str, float] = {}
    for sign, name in [("+", first), *zip(others[::2], others[1::2], strict=True)]:
        check_stem_name(name, key)
        terms[name] = terms.get(name, 0.0) + (1.0 if sign == "+" else -1.0)
    left = {name: weight for name, weight in terms.items() if weight}
    if not left:
        raise ConfigError(f"{key}: nothing is left of '{text}'")
    return left


def _check_step(step: PlanStep, key: str) -> None:
    if not step.model:
        raise ConfigError(f"{key}.model: expected a model, got an empty name")
    if is_plan(step.model):
        raise ConfigError(f"{key}.model: '{step.model}' is a plan; write its steps into this one")
    read_terms(step.input, f"{key}.input")
    if step.stems is not None:
        _check_stems(step.stems, f"{key}.stems")
    if isinstance(step.shifts, bool) or not 1 <= step.shifts <= MAX_SHIFTS:
        raise ConfigError(f"{key}.shifts: expected 1 to {MAX_SHIFTS}, got {step.shifts!r}")
    _refuse_twins(step.augment, f"{key}.augment")
    _check_weight(step.weight, f"{key}.weight")
    if not isinstance(step.weights, dict):
        raise ConfigError(f"{key}.weights: expected a mapping of stems to numbers, got {step.weights!r}")
    for stem, weight in step.weights.items():
        _check_weight(weight, f"{key}.weights.{stem}")


def _check_stems(stems: dict[str, str], key: str) -> None:
    if not isinstance(stems, dict):
        raise ConfigError(f"{key}: expected a list of stems, each once, or 'new name: the model's name', got {stems!r}")
    if not stems:
        raise ConfigError(f"{key}: expected at least one, got none")
    for name, source in stems.items():
        check_stem_name(name, key)
        check_stem_name(source, f"{key}.{name}")
        if name == MIXTURE:
            raise ConfigError(f"{key}: a stem cannot be called '{MIXTURE}', which is what goes in")
    _refuse_twins(stems.values(), key)


def _check_weight(weight: float, key: str) -> None:
    is_number = isinstance(weight, (int, float)) and not isinstance(weight, bool)
    if not is_number or not 0 < weight < math.inf:
        raise ConfigError(f"{key}: expected a number above 0, got {weight!r}")


def _refuse_twins(names: Iterable[str], key: str) -> None:
    listed = list(names)
    if len(set(listed)) != len(listed):
        raise ConfigError(f"{key}: a name stands twice in {', '.join(listed)}")


def _locate(model: str, folder: Path) -> str:
    """A path is one from the plan's folder; what is no path stays as it is."""
    path = folder / model
    # A folder of stems may be called like a model.
    is_name = model in name_cards() and not (path / DESCRIPTION).is_file()
    if is_name or sort_name(model) in ("hub", "address"):
        return model
    looks_so = any(mark in model for mark in "/\\") or path.suffix.lower() in (".py", *CHECKPOINTS)
    return str(path) if looks_so or path.exists() else model
