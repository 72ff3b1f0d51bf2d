"""Where outputs go: from a template to paths that stay inside the output folder."""

from __future__ import annotations

import hashlib
import string
from collections.abc import Iterable
from pathlib import Path, PurePath

from auralflow.errors import ConfigError, UnknownNameError

FIELDS = ("track", "stem", "ext", "model")
MAX_NAME_BYTES = 255


def check_template(template: str) -> None:
    """
    Raises:
        ConfigError: the template has no `{stem}`, is absolute, leaves the output folder, or has odd braces.
        UnknownNameError: it names an unknown field.
    """
    try:
        fields = [field for _, field, _, _ in string.Formatter().parse(template) if field is not None]
    except ValueError as error:
        raise ConfigError(f"name: '{template}' cannot be read as a template: {error}") from None
    for field in fields:
        if field not in FIELDS:
            raise UnknownNameError("field of the name template", field, FIELDS)
    if "stem" not in fields:
        raise ConfigError(f"name: '{template}' needs the field {{stem}}, or all stems would have one name")
    parts = PurePath(template.replace("\\", "/")).parts
    if PurePath(template).is_absolute() or ".." in parts or template.startswith(("/", "\\", "~")) or ":" in parts[0]:
        raise ConfigError(f"name: '{template}' leaves the output folder; use a relative name without '..'")


def output_path(
    out: Path, folder: PurePath, template: str, *, track: str, extension: str, stem: str, model: str, suffix: str
) -> Path:
    """Path of one output, inside `out`.

    Args:
        folder: the input's folder relative to the folder that was given.
        track: the input's file name without suffix.
        extension: the input's suffix without dot.
        suffix: suffix of the output, with dot.

    Raises:
        ConfigError: the path would lie outside `out`.
    """
    values = {"track": _tame(track), "stem": _tame(stem), "ext": _tame(extension), "model": _tame(model)}
    relative = template.format(**values)
    *folders, name = PurePath(relative).parts
    path = out.joinpath(folder, *(_shorten(part, "") for part in folders), _shorten(name, suffix))
    if not path.resolve().is_relative_to(out.resolve()):
        raise ConfigError(f"name: '{path}' lies outside the output folder '{out}'")
    return path


def track_path(
    out: Path, folder: PurePath, template: str, file_name: str, *, stem: str, model: str, suffix: str = ""
) -> Path:
    """The same of an input, by its file name and the name or path of the model.

    Raises:
        ConfigError: the path would lie outside `out`.
    """
    name = PurePath(file_name)
    return output_path(
        out,
        folder,
        template,
        track=name.stem,
        extension=name.suffix.lstrip("."),
        stem=stem,
        model=model_name(model),
        suffix=suffix,
    )


def model_name(model: str) -> str:
    """What `{model}` stands for: a card's name, a bundle's folder, or a file without `.py`, a plan without `.yaml`."""
    return Path(model).name.removesuffix(".py").removesuffix(".yaml").removesuffix(".yml")


def find_clash(paths: Iterable[tuple[Path, Path]]) -> tuple[Path, Path, Path] | None:
    """The first output that two inputs would write, as (output, input, other input).

    Names that differ only in case are the same file on Windows and macOS, so they clash everywhere.
    """
    seen: dict[str, Path] = {}
    for output, source in paths:
        other = seen.setdefault(str(output).casefold(), source)
        if other != source:
            return output, other, source
    return None


def _tame(value: str) -> str:
    """A value that is one path component: no separators, control characters or names made of dots."""
    tamed = "".join("_" if c in '/\\:*?"<>|' or ord(c) < 32 else c for c in value)
    return tamed if tamed.strip(". ") else "_" * max(1, len(tamed))


def _shorten(name: str, suffix: str) -> str:
    """At most 255 bytes; a cut name ends in a hash of the whole, so that two cut names stay two."""
    room = MAX_NAME_BYTES - len(suffix.encode())
    encoded = name.encode("utf-8", "surrogateescape")
    if len(encoded) <= room:
        return name + suffix
    mark = "~" + hashlib.sha256(encoded).hexdigest()[:8]
    return encoded[: room - len(mark)].decode("utf-8", "ignore") + mark + suffix
