"""Frozen dataclasses to YAML and back: what is read is what was printed, or it is named and refused."""

from __future__ import annotations

import dataclasses
import difflib
import types
import typing
from typing import Any, TypeVar

import yaml

from auralflow.errors import ConfigError

Config = TypeVar("Config")


def to_dict(config: Any) -> dict[str, Any]:
    """A dataclass as plain containers (tuples become lists), ready for YAML or JSON."""
    return {field.name: _to_plain(getattr(config, field.name)) for field in dataclasses.fields(config)}


def from_dict(config_class: type[Config], values: Any, key: str = "") -> Config:
    """Build a dataclass from plain containers.

    Raises:
        ConfigError: a key is unknown (the nearest one is named), missing or of the wrong type; the message
            starts with its dotted name.
    """
    if not isinstance(values, dict):
        raise ConfigError(f"{key or config_class.__name__}: expected a mapping, got {values!r}")
    fields = {field.name: field for field in dataclasses.fields(config_class)}  # type: ignore[arg-type]
    hints = typing.get_type_hints(config_class)
    for name in values:
        if name not in fields:
            raise ConfigError(f"{_join(key, name)}: unknown key{_nearest(str(name), fields)}")
    missing = [f.name for f in fields.values() if f.name not in values and _is_required(f)]
    if missing:
        raise ConfigError(f"{_join(key, missing[0])}: missing")
    return config_class(**{n: _from_plain(hints[n], v, _join(key, n)) for n, v in values.items()})


def to_yaml(config: Any) -> str:
    """A dataclass as readable YAML, fields in their order."""
    return yaml.safe_dump(to_dict(config), sort_keys=False, allow_unicode=True)


def from_yaml(config_class: type[Config], text: str) -> Config:
    """The inverse of `to_yaml`.

    Raises:
        ConfigError: the text is no YAML, or `from_dict` refuses it.
    """
    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"not readable as YAML: {' '.join(str(error).split())}") from None
    return from_dict(config_class, values)


def _to_plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return to_dict(value)
    if isinstance(value, (list, tuple)):
        return [_to_plain(item) for item in value]
    if isinstance(value, dict):
        return {k: _to_plain(v) for k, v in value.items()}
    return value


def _from_plain(hint: Any, value: Any, key: str) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return None if value is None else _from_plain(next(a for a in arguments if a is not type(None)), value, key)
    if dataclasses.is_dataclass(hint):
        return from_dict(typing.cast(type, hint), value, key)
    if origin is tuple:
        if not isinstance(value, (list, tuple)):
            raise ConfigError(f"{key}: expected a list, got {value!r}")
        inner = [arguments[0]] * len(value) if arguments[-1] is Ellipsis else arguments
        if len(inner) != len(value):
            raise ConfigError(f"{key}: expected {len(inner)} values, got {value!r}")
        return tuple(_from_plain(h, v, f"{key}.{i}") for i, (h, v) in enumerate(zip(inner, value, strict=True)))
    if origin is typing.Literal:
        if isinstance(value, int) and str(value) in arguments:
            return str(value)  # YAML has read a word of digits as a number
        if value not in arguments:
            raise ConfigError(f"{key}: expected one of {', '.join(map(repr, arguments))}, got {value!r}")
        return value
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if hint is float and value != value:
        raise ConfigError(f"{key}: expected a number, got {value!r}")
    if isinstance(hint, type) and (not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool)):
        raise ConfigError(f"{key}: expected {hint.__name__}, got {value!r}")
    return value


def _is_required(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _join(key: str, name: object) -> str:
    return f"{key}.{name}" if key else str(name)


def _nearest(name: str, known: typing.Iterable[str]) -> str:
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f", did you mean '{found[0]}'?" if found else f"; known: {', '.join(known)}"
