"""From settings to a ready separator."""

from __future__ import annotations

from auralflow.pretrained.load import load_model
from auralflow.separation.config import SeparationConfig
from auralflow.separation.engine import Separator


def build_separator(config: SeparationConfig) -> Separator:
    """Load the model that the settings name and put it on their device.

    Raises:
        UnknownNameError: there is no such model or device.
        DeviceError: this machine has no such device.
    """
    return Separator(
        load_model(config.model),
        device=config.device,
        segment_s=config.segment_s,
        overlap=config.overlap,
        batch=config.batch,
        precision=config.precision,
    )
