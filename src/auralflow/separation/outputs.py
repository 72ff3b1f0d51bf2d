"""What to write: every output is a weighted sum of the mixture and the model's stems.

With x the mixture and s_1 ... s_N all stems of the model:

    stem      y = s_j
    mix       y = sum of named stems, or x minus named stems
    residual  y = x minus the stems that are written

and mixture consistency replaces the stems first, so that they sum to x:

    sum       s_j + (x - sum_k s_k) / N            (Wisdom et al. 2019, "Differentiable consistency constraints", eq. 7)
    rest      s_other = x - sum of all the others
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from auralflow.audio.types import Samples
from auralflow.errors import ConfigError, UnknownNameError
from auralflow.spec import check_stem_name

Consistency = Literal["none", "sum", "rest"]
REST = "other"
RESIDUAL = "residual"
_MIXTURE = "mixture"


@dataclass(frozen=True)
class OutputPlan:
    """Names of the outputs, the stems they need, and the weights that make one of the other."""

    names: tuple[str, ...]
    stems: tuple[str, ...]
    """Stems that the model has to give, in its own order."""
    weights: tuple[tuple[float, ...], ...]
    """One row an output: the weight of the mixture, then of each of `stems`."""

    def apply(self, mixture: Samples, stems: Sequence[Samples]) -> list[Samples]:
        """Outputs in the order of `names`; an output that is a stem as it is shares its memory.

        Shape:
            mixture (channel, time); stems and outputs (channel, time) each
        """
        sounds = [mixture, *stems]
        return [weighted_sum(row, sounds) for row in self.weights]


def add_band(sounds: Samples, mixture: Samples, plan: OutputPlan) -> Samples:
    """Stems from restored sounds, the first of which is the mixture's way through both conversions.

    What of the mixture did not pass the model's band, x minus its round trip, belongs to `other`, so that stems that
    sum to the conformed mixture sum to the file. A residual gets it by being a difference. Written into the sounds.

    Shape:
        sounds (sound, channel, time), mixture (channel, time)
    """
    through, stems = sounds[0], sounds[1:]
    if REST in plan.stems:
        stems[plan.stems.index(REST)] += mixture - through
    return stems


def plan_outputs(
    all_stems: Sequence[str],
    stems: Sequence[str] | None = None,
    mix: Sequence[str] = (),
    residual: bool = False,
    consistency: Consistency = "none",
) -> OutputPlan:
    """Turn what the user asked for into weights.

    Args:
        all_stems: stems of the model.
        stems: stems to write; None for all of them.
        mix: further outputs, `name=drums+bass` or `name=-vocals` (the mixture without vocals).
        residual: also write the mixture minus the stems that are written.
        consistency: make the stems sum to the mixture, see the module's text.

    Raises:
        UnknownNameError: a stem is not among the model's.
        ConfigError: a mix cannot be read, an output name stands twice, or nothing is left to write.

    Example:
        >>> plan_outputs(["vocals", "other"], ["vocals"], mix=["karaoke=-vocals"]).weights
        ((0.0, 1.0), (1.0, -1.0))
    """
    chosen = list(all_stems) if stems is None else list(stems)
    for stem in chosen:
        _index(stem, all_stems)
    basis = _stem_rows(all_stems, consistency)
    rows = {stem: basis[_index(stem, all_stems)] for stem in chosen}
    if len(rows) != len(chosen):
        raise ConfigError(f"stems: a name stands twice in {', '.join(chosen)}")
    wanted = [(name, _mix_row(terms, all_stems, basis)) for name, terms in map(_parse_mix, mix)]
    if residual:
        wanted.append((RESIDUAL, _mixture_row(len(all_stems)) - sum(rows.values(), np.zeros(len(all_stems) + 1))))
    for name, row in wanted:
        if name in rows:
            raise ConfigError(f"mix: the output name '{name}' stands twice; give the mix another name")
        rows[name] = row
    if not rows:
        raise ConfigError("stems: nothing to write; name at least one stem, a mix or the residual")
    return _compact(rows, all_stems)


def _compact(rows: dict[str, np.ndarray], all_stems: Sequence[str]) -> OutputPlan:
    """Keep only the stems that carry weight, so that only they are computed."""
    used = [i for i in range(len(all_stems)) if any(row[i + 1] != 0 for row in rows.values())]
    columns = [0, *(i + 1 for i in used)]
    weights = tuple(tuple(float(row[c]) for c in columns) for row in rows.values())
    if not used:
        raise ConfigError("mix: nothing to separate; every output is the mixture itself")
    return OutputPlan(tuple(rows), tuple(all_stems[i] for i in used), weights)


def _stem_rows(all_stems: Sequence[str], consistency: Consistency) -> np.ndarray:
    n_stems = len(all_stems)
    rows = np.concatenate([np.zeros((n_stems, 1)), np.eye(n_stems)], axis=1)
    if consistency == "sum":
        rows += np.concatenate([[1.0], -np.ones(n_stems)]) / n_stems
    elif consistency == "rest":
        rest = all_stems.index(REST) if REST in all_stems else n_stems - 1
        rows[rest] = [1.0, *(0.0 if i == rest else -1.0 for i in range(n_stems))]
    elif consistency != "none":
        raise UnknownNameError("consistency", consistency, ("none", "sum", "rest"))
    return rows


def _mixture_row(n_stems: int) -> np.ndarray:
    return np.concatenate([[1.0], np.zeros(n_stems)])


def _parse_mix(text: str) -> tuple[str, list[tuple[float, str]]]:
    name, equals, expression = text.partition("=")
    terms = re.findall(r"([+-]?)([^+-]+)", expression.replace(" ", ""))
    if not equals or not terms or "".join(a + b for a, b in terms) != expression.replace(" ", ""):
        raise ConfigError(f"mix: expected NAME=STEM+STEM or NAME=-STEM, got '{text}'")
    check_stem_name(name.strip(), "mix")
    signed = [(-1.0 if sign == "-" else 1.0, stem) for sign, stem in terms]
    if all(weight < 0 for weight, _ in signed):
        signed.insert(0, (1.0, _MIXTURE))
    return name.strip(), signed


def _mix_row(terms: list[tuple[float, str]], all_stems: Sequence[str], basis: np.ndarray) -> np.ndarray:
    row = np.zeros(len(all_stems) + 1)
    for weight, stem in terms:
        row += weight * (_mixture_row(len(all_stems)) if stem == _MIXTURE else basis[_index(stem, all_stems)])
    return row


def _index(stem: str, all_stems: Sequence[str]) -> int:
    if stem not in all_stems:
        raise UnknownNameError("stem", stem, all_stems)
    return list(all_stems).index(stem)


def weighted_sum(row: Sequence[float], sounds: Sequence[Samples]) -> Samples:
    """Sum of sounds; one that is taken as it is shares its memory."""
    terms = [(np.float32(weight), sound) for weight, sound in zip(row, sounds, strict=True) if weight]
    if not terms:
        return np.zeros_like(sounds[0])
    if len(terms) == 1 and terms[0][0] == 1:
        return terms[0][1]
    total = terms[0][0] * terms[0][1]
    for weight, sound in terms[1:]:
        total += weight * sound
    return total
