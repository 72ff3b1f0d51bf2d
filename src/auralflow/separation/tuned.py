"""Settings that `auralflow bench` found fastest on this machine, for those who ask for them."""

from __future__ import annotations

from dataclasses import replace

import torch

from auralflow.errors import ConfigError
from auralflow.separation.config import SeparationConfig
from auralflow.separation.device import choose_device
from auralflow.separation.networks import describe_network, is_export
from auralflow.separation.plan.config import is_plan
from auralflow.speed.settings import SpeedKey, SpeedSettings, find_tuned


def apply_tuned(config: SeparationConfig) -> SeparationConfig:
    """Settings with what was measured in the place of what was not given; the same where `tuned` is not asked for.

    Device, precision, segment and overlap stay as they are, and so do batch, threads, compilation and engine that were
    given.

    Raises:
        ConfigError: the model was not measured here, `fast` is not worth it here, or it is a plan of several models.
    """
    if not config.tuned:
        return config
    if is_plan(config.model) or is_export(config):
        what = "a plan of several" if is_plan(config.model) else "an export, made for one engine"
        raise ConfigError(f"tuned: expected a model that 'auralflow bench' measures, got {what}; leave --tuned out")
    device = choose_device("cpu" if config.engine == "onnx" else config.device)
    found = _find(config, device)
    engine = config.engine or ("torch" if config.compile else found.engine)
    return replace(
        config,
        tuned=False,
        batch=found.batch if config.batch is None else config.batch,
        threads=found.threads if config.threads is None else config.threads,
        compile=config.compile or (found.compile and engine == "torch"),
        engine=engine,
    )


def _find(config: SeparationConfig, device: torch.device) -> SpeedSettings:
    key = SpeedKey.of(device, describe_network(config).identity)
    tuned = find_tuned(key)
    if tuned is None:
        raise ConfigError(
            f"tuned: expected a measurement of '{config.model}' on {key.device} with this version, found none; "
            f"run 'auralflow bench {config.model}' first"
        )
    if config.precision == "exact":
        return tuned.exact
    if tuned.fast is None:
        raise ConfigError(f"tuned: 'fast' is not worth it here: {tuned.why_not_fast}; leave --precision or --tuned out")
    return tuned.fast
