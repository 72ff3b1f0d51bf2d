"""A loss from its name and its options."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from auralflow.config import from_dict
from auralflow.errors import ConfigError, UnknownNameError
from auralflow.losses._base import Loss
from auralflow.losses._registry import losses


def build_loss(
    name: str, options: Any, *, name_key: str, options_key: str, known: Mapping[str, Any] | None = None
) -> Loss:
    """The loss called `name`, or the one in the file `name` when it ends in `.py`.

    Args:
        known: values for options of these names, where the loss has them and they are not set.

    Raises:
        ConfigError: an unknown name (the nearest is offered), or an option that the loss refuses; the message starts
            with `name_key` or with `options_key` and the option.
    """
    try:
        part = losses.load(name)
    except (ConfigError, UnknownNameError) as error:
        raise ConfigError(f"{name_key}: {error}") from None
    if not (isinstance(part, type) and dataclasses.is_dataclass(part)):
        raise ConfigError(f"{name_key}: expected a dataclass in '{name}', got {part!r}")
    fields = {field.name for field in dataclasses.fields(part)}
    if isinstance(options, dict):
        options = {name: value for name, value in (known or {}).items() if name in fields} | options
    try:
        loss = from_dict(part, options, options_key)
    except ConfigError as error:
        # What a loss says of its own fields does not know where they stand.
        is_placed = str(error).startswith(options_key)
        raise error if is_placed else ConfigError(f"{options_key}.{error}") from None
    if not isinstance(loss, Loss):
        raise ConfigError(f"{name_key}: expected '{name}' to have 'needs' and '__call__', see auralflow.losses.Loss")
    return loss
