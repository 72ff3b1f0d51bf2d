"""One network, ready to separate, and what is known of it before it is loaded."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from auralflow.errors import ConfigError
from auralflow.export.runtime import ExportedModel, describe_export
from auralflow.pretrained.load import ModelDescription, describe_model, load_model
from auralflow.separation.config import SeparationConfig
from auralflow.separation.engine import Separator


def load_network(config: SeparationConfig) -> nn.Module:
    """The model that the settings name, or its export where that computes; raises as `load_model` does."""
    return _load_export(config) if config.engine == "onnx" else load_model(config.model)


def open_network(config: SeparationConfig, network: nn.Module) -> Separator:
    """A separator with the settings.

    Raises:
        DeviceError: this machine has no such device.
    """
    is_exported = config.engine == "onnx"
    return Separator(
        network,
        device="cpu" if is_exported else config.device,
        segment_s=None if is_exported else config.segment_s,
        overlap=config.overlap,
        batch=config.batch,
        precision=config.precision,
        compile=config.compile,
    )


def describe_network(config: SeparationConfig) -> ModelDescription:
    """What can be said of the settings' model before it is loaded; raises as `load_model` does."""
    return describe_export(Path(config.model)) if is_export(config) else describe_model(config.model)


def is_export(config: SeparationConfig) -> bool:
    """Whether the model is the file of an export, which has all that it needs in itself."""
    return config.engine == "onnx" and config.model.endswith(".onnx")


def _load_export(config: SeparationConfig) -> ExportedModel:
    """The exported model: the file that is named, or that of a model by name."""
    if not is_export(config):
        from auralflow.export.cache import find_export  # loads torch's exporters

        return ExportedModel(find_export(config.model, config.segment_s))
    model = ExportedModel(Path(config.model))
    wanted = config.segment_s
    if wanted is not None and round(wanted * model.spec.sample_rate) != model.spec.segment_samples:
        raise ConfigError(
            f"segment: {config.model} was exported for {model.spec.segment_s:g} s, got {wanted:g} s; "
            "leave --segment out, or export it again"
        )
    return model
