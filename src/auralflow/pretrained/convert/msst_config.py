"""The YAML files of MSST, and of the official SCNet, as sections; and what a spec is made of."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from auralflow.errors import CheckpointError
from auralflow.pretrained.convert.named import show_names
from auralflow.pretrained.convert.public_options import Section
from auralflow.pretrained.convert.public_yaml import read_yaml
from auralflow.spec import ModelSpec


@dataclass(frozen=True)
class PublicConfig:
    """A config's sections; `training` and `inference` may have keys that are of no interest here."""

    path: Path
    audio: Section
    model: Section
    training: Section
    inference: Section
    is_official: bool = False
    """Whether it is of the official SCNet."""

    @classmethod
    def read(cls, path: Path) -> PublicConfig:
        """The config of a file.

        Raises:
            CheckpointError: it cannot be read, or has no section `model`.
        """
        values = read_yaml(path)
        name = values.get("model")
        of_model = values.get(name) if isinstance(name, str) else name  # `model: htdemucs`, and a section of that name
        if not isinstance(of_model, dict):
            found = show_names(values, 6) or "nothing"
            raise CheckpointError(f"{path}: expected a config with a section 'model', found {found}")
        is_official = "audio" not in values and isinstance(values.get("data"), dict)
        if is_official:
            values = values | _read_official(path, values["data"])
        parts = {name: Section(path, name, values.get(name)) for name in ("audio", "training", "inference")}
        return cls(path, model=Section(path, "model", of_model), is_official=is_official, **parts)

    def take_stems(self) -> tuple[str, ...]:
        """What the model gives, in lower case: the target, if it has one, or all instruments.

        Raises:
            CheckpointError: neither is said.
        """
        target = self.training.take("target_instrument", None)
        stems = [target] if target else self.training.take("instruments")
        if not isinstance(stems, (list, tuple)) or not all(isinstance(stem, str) for stem in stems):
            raise CheckpointError(f"{self.path}: training.instruments: expected a list of names, got {stems!r:.60}")
        return tuple(stem.strip().lower() for stem in stems)

    def make_spec(self, usual: ModelSpec, channels: int) -> ModelSpec:
        """The spec of an architecture with the stems, rate, segments and overlap of this config.

        Raises:
            CheckpointError: one of them is missing.
            ConfigError: one of them cannot be.
        """
        segment = self.audio.take("chunk_size", None)
        segment = self.inference.take("chunk_size", segment)
        if segment is None:
            raise CheckpointError(f"{self.path}: audio.chunk_size: missing")
        return replace(
            usual,
            stems=self.take_stems(),
            sample_rate=self.audio.take("sample_rate"),
            channels=channels,
            segment_samples=segment,
            overlap=self.take_overlap(usual.overlap),
            normalise=self.take_normalise(),
        )

    def take_overlap(self, usual: float | None) -> float | None:
        """Part of a segment that neighbours share.

        Raises:
            CheckpointError: so many overlap as cannot be.
        """
        n_overlapping: Any = self.inference.take_number("num_overlap", None)
        if n_overlapping is None:
            return usual
        if n_overlapping < 1:
            raise CheckpointError(f"{self.path}: inference.num_overlap: expected 1 or more, got {n_overlapping}")
        return 1 - 1 / float(n_overlapping)

    def take_normalise(self) -> Literal["none", "track"]:
        """Whether the track is normalised as a whole."""
        return "track" if self.inference.take("normalize", False) is True else "none"


def _read_official(path: Path, of_data: dict[str, Any]) -> dict[str, Any]:
    """What the official SCNet says under `data`, where MSST has it; its inference overlaps by half and normalises."""
    data = Section(path, "data", of_data)
    sample_rate = data.take("samplerate")
    return {
        "audio": {"chunk_size": round(data.take_number("segment") * sample_rate), "sample_rate": sample_rate},
        "training": {"instruments": data.take("sources")},
        "inference": {"num_overlap": 2, "normalize": True},
    }
