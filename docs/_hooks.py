"""Parts of the documentation that are written from the code when the site is built, so that they cannot go stale.

A comment on a line of its own, such as `<!-- options: separate -->`, is replaced by what it names. What the options of
a part do is said by the docstrings under the fields of its dataclass.
"""

from __future__ import annotations

import ast
import dataclasses
import html
import inspect
import io
import re
import sys
import tempfile
import textwrap
import tomllib
import typing
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import yaml
from mkdocs.structure.pages import Page
from PIL import Image

import auralflow.cli
from auralflow import Audio, api, errors
from auralflow.audio.formats import OutputFormat
from auralflow.cli.commands import COMMANDS
from auralflow.cli.flags import OUTPUT_FLAGS, OVERRIDES, Flag, read_flags
from auralflow.config import to_dict
from auralflow.data.augment import augmentations
from auralflow.data.datasets import datasets
from auralflow.data.synth import SongConfig, mix_stems, render_song
from auralflow.evaluation.page.media import picture
from auralflow.fetch.folder import show_size
from auralflow.losses import losses
from auralflow.metrics import metrics
from auralflow.models import models
from auralflow.pretrained.card import Card, PublishedScores, list_cards
from auralflow.pretrained.catalogue import ModelEntry, list_entries
from auralflow.registry import Registry, config_class
from auralflow.separation.plan.config import PlanConfig
from auralflow.spec import ModelSpec
from auralflow.training.config import TrainConfig

ROOT = Path(__file__).parent.parent
PACKAGE = Path(errors.__file__).parent

_MARK = re.compile(r"^<!-- (?P<name>[a-z]+)(?:: (?P<argument>\w+(?: \w+)*))? -->$", re.MULTILINE)


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Replace the comments that name a part."""
    return fill(markdown)


def fill(markdown: str) -> str:
    """The page with every known comment replaced; others stay comments."""

    def replace(found: re.Match[str]) -> str:
        writer = WRITERS.get(found["name"])
        if writer is None:
            return found[0]
        return writer(found["argument"]) if found["argument"] else writer()

    return _MARK.sub(replace, markdown)


def write_options(command: str) -> str:
    """The flags of a command (of one word or two) as a table."""
    function = COMMANDS[command].function
    flags = (*read_flags(function), *OUTPUT_FLAGS)
    rows = [f"| {_code(_usage(flag))} | {_cell(flag.help)} | {_default(flag)} |" for flag in flags]
    if OVERRIDES in inspect.signature(function).parameters:
        rows.insert(len(rows) - len(OUTPUT_FLAGS), _OVERRIDE_ROW)
    return "\n".join(["| flag | what it does | default |", "|---|---|---|", *rows])


_OVERRIDE_ROW = (
    "| `--SECTION.KEY VALUE` | sets a key of `model.yaml` or `train.yaml`, as `--trainer.max_epochs 50`. | |"
)


def _usage(flag: Flag) -> str:
    if flag.is_positional:
        return f"{flag.name}..." if flag.is_many else flag.name
    if flag.is_switch:
        return flag.name
    value = "{" + ",".join(flag.choices) + "}" if flag.choices else flag.name.lstrip("-").upper()
    return f"{flag.name} {value}"


def _default(flag: Flag) -> str:
    is_told = flag.is_positional or flag.default in (None, False, ())
    return "" if is_told else _code(str(flag.default))


def write_exits() -> str:
    """The exit codes, from the docstring of the command line."""
    lines = re.findall(r"^    (\d+)\s+(.+)$", auralflow.cli.__doc__ or "", re.MULTILINE)
    return "\n".join(["| code | meaning |", "|---|---|", *(f"| {code} | {_cell(text)} |" for code, text in lines)])


def write_rules() -> str:
    """The contracts on imports, from the project file."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    return "\n\n".join(map(_describe_contract, contracts))


def _describe_contract(contract: dict[str, Any]) -> str:
    if contract["type"] == "layers":
        floors = [layer.replace("auralflow.", "") for layer in contract["layers"]]
        return "\n".join([f"**{contract['name']}.** From the roof down:", "", "```text", *floors, "```"])
    sources = _code_list(name.removeprefix("auralflow.") for name in contract["source_modules"])
    return f"**{contract['name']}.** {sources} must not import {_code_list(contract['forbidden_modules'])}."


def write_rooms() -> str:
    """Every file of the package with the first line of its docstring, room by room."""
    rooms = sorted({path.parent for path in PACKAGE.rglob("*.py")}, key=lambda room: room.relative_to(PACKAGE).parts)
    return "\n\n".join(text for text in map(_describe_room, rooms) if text)


def _describe_room(room: Path) -> str:
    rows = [f"| `{path.name}` | {_cell(line)} |" for path in sorted(room.glob("*.py")) if (line := _first_line(path))]
    if not rows:
        return ""
    title = Path("auralflow", room.relative_to(PACKAGE)).as_posix()
    return "\n".join([f"### {title}", "", "| file | what it is |", "|---|---|", *rows])


def write_models() -> str:
    """The ready models as a table, from their cards."""
    rows = [
        f"| [`{entry.name}`](gallery.md#{_anchor(entry)}) | {', '.join(entry.stems)} | {_millions(entry)} | "
        f"{entry.licence} | {_yes(entry.commercial_use)} | {_cell(entry.training_data)} |"
        for entry in list_entries()
    ]
    head = ["| model | stems | parameters | licence | commercial use | training data |", "|---|---|---|---|---|---|"]
    return "\n".join([*head, *rows])


def write_gallery() -> str:
    """What is worth knowing of each model, from its card."""
    return "\n".join(map(_describe_model, list_cards()))


def _describe_model(card: Card) -> str:
    size = show_size(card.size) if card.size else "size not stated" if card.files else "nothing"
    return "\n".join(
        [
            f"## {card.name} {{ #{_anchor(card)} }}",
            "",
            f"{card.summary}.",
            "",
            f"- Gives: {', '.join(card.stems)}",
            f"- Other names: {', '.join(map(_code, card.aliases)) or 'none'}",
            f"- Takes: {card.sample_rate} Hz, {card.channels} channels (files of any other kind are converted)",
            f"- Parameters: {_millions(card)}; to download: {size}",
            f"- Weaknesses: {card.weaknesses}",
            f"- Training data: {card.training_data}",
            f"- Licence of the weights: {card.licence} (stated: {card.licence_source}); "
            f"commercial use: {_yes(card.commercial_use)}; licence of the code they came with: {card.code_licence}",
            f"- Source: {card.source}",
            *map(_describe_scores, card.published_scores),
            f"- Measured here: speed {card.measured.speed}, memory {card.measured.memory}",
            f"- Architecture: {_architecture_line(card.architecture)}",
            "",
        ]
    )


def _describe_scores(scores: PublishedScores) -> str:
    values = ", ".join(f"{stem} {value:.2f}" for stem, value in scores.values.items())
    return f"- Published {scores.metric}: {values}. {scores.protocol}; {scores.source}"


def write_scores() -> str:
    """The published scores, a table for each way of measuring."""
    found = [(card, scores) for card in list_cards() for scores in card.published_scores]
    ways = sorted({(scores.protocol, scores.metric) for _, scores in found})
    return "\n\n".join(
        _tabulate_scores(*way, [(card, s.values) for card, s in found if (s.protocol, s.metric) == way]) for way in ways
    )


def _tabulate_scores(protocol: str, metric: str, rows: list[tuple[Card, dict[str, float]]]) -> str:
    """Highest mean first; models of fewer stems stand below those of more."""
    stems = list(dict.fromkeys(stem for _, values in rows for stem in values))
    ordered = sorted(rows, key=lambda row: (-len(row[1]), -sum(row[1].values()) / max(1, len(row[1]))))
    lines = [
        f"| [`{card.name}`](gallery.md#{_anchor(card)}) | "
        + " | ".join(f"{values[stem]:.2f}" if stem in values else "" for stem in stems)
        + " |"
        for card, values in ordered
    ]
    head = [f"| model | {' | '.join(stems)} |", "|---" * (len(stems) + 1) + "|"]
    return "\n".join([f"**{metric}.** {protocol[:1].upper()}{protocol[1:]}.", "", *head, *lines])


def write_licences() -> str:
    """What may be done with each model, and who says so."""
    rows = [
        f"| [`{card.name}`](gallery.md#{_anchor(card)}) | {_cell(card.licence)} | {_cell(card.licence_source)} | "
        f"{_yes(card.commercial_use)} | {_cell(card.training_data)} |"
        for card in list_cards()
    ]
    head = ["| model | weights | stated where | commercial use | training data |", "|---|---|---|---|---|"]
    return "\n".join([*head, *rows])


def write_architectures() -> str:
    """Every architecture of the package with the first sentence of its file."""
    names = [name for name in models.names() if (PACKAGE / "models" / f"{name}.py").is_file()]
    rows = [f"| `{name}` | {_cell(_architecture_line(name))} |" for name in names]
    return "\n".join(["| architecture | what it is |", "|---|---|", *rows])


def write_losses() -> str:
    """The losses with the first sentence of their files, and their options."""
    return _write_parts(losses, "loss", PACKAGE / "losses")


def write_augmentations() -> str:
    """The transforms in the same way."""
    return _write_parts(augmentations, "transform", PACKAGE / "data" / "augment")


def write_datasets() -> str:
    """The layouts of data sets in the same way; they have no options."""
    return _write_parts(datasets, "layout", PACKAGE / "data" / "datasets")


def write_metrics() -> str:
    """The metrics in the same way, with where they come from."""
    rows = []
    for name in metrics.names():
        module = sys.modules[metrics.load(name).__module__]
        rows.append(f"| `{name}` | {_cell(_first_line(PACKAGE / 'metrics' / f'{name}.py'))} | {_cell(module.SOURCE)} |")
    return "\n".join(["| metric | what it is | source |", "|---|---|---|", *rows])


def _write_parts(registry: Registry, title: str, room: Path) -> str:
    parts = {name: registry.load(name) for name in registry.names() if (room / f"{name}.py").is_file()}
    rows = [f"| `{name}` | {_cell(_first_line(room / f'{name}.py'))}{_scope(part)} |" for name, part in parts.items()]
    table = "\n".join([f"| {title} | what it is |", "|---|---|", *rows])
    options = [
        f"| `{name}` | {_key_cells(key)} |"
        for name, part in parts.items()
        if dataclasses.is_dataclass(part)
        for key in _list_keys(part, "")
    ]
    if not options:
        return table
    head = [f"| {title} | option | default | what it does |", "|---|---|---|---|"]
    return "\n".join([table, "", "Their options:", "", *head, *options])


def _scope(part: Any) -> str:
    scope = getattr(part, "SCOPE", None)
    return f" Scope: {scope}." if scope else ""


def write_keys(section: str) -> str:
    """The keys of a section of `train.yaml`, of `spec` in `model.yaml`, or of a plan, as a table."""
    if section == "spec":
        return _tabulate_keys(_list_keys(ModelSpec, "spec."))
    if section == "plan":
        return _tabulate_keys(_list_keys(PlanConfig, ""))
    field = next(field for field in dataclasses.fields(TrainConfig) if field.name == section)
    hint, text = typing.get_type_hints(TrainConfig)[section], _read_texts(TrainConfig)[section]
    return _tabulate_keys(_list_field(section, hint, _default_of(field), text))


def write_configs() -> str:
    """The keys of `config` in `model.yaml`, for each architecture that has something to train."""
    texts = []
    for name in models.names():
        part = models.load(name)
        config = config_class(part)
        with torch.device("meta"):  # which has no numbers: some models are a gigabyte of them
            model = part(sys.modules[part.__module__].SPEC, config())
        if list(model.parameters()):
            table = _tabulate_keys(_list_keys(config, "config."))
            texts.append(f"### `{name}`\n\n{_architecture_line(name)}\n\n{table}")
    return "\n\n".join(texts)


class _Key(NamedTuple):
    """A key of a config."""

    name: str
    default: str
    """As YAML; empty where it must be given."""
    text: str
    choices: tuple[str, ...]


def _tabulate_keys(keys: Iterable[_Key]) -> str:
    return "\n".join(["| key | default | what it does |", "|---|---|---|", *(f"| {_key_cells(key)} |" for key in keys)])


def _key_cells(key: _Key) -> str:
    is_told = all(re.search(rf"\b{choice}\b", key.text) for choice in key.choices)
    choices = "" if is_told else f" ({', '.join(map(_code, key.choices))})"
    return f"`{key.name}` | {_code(key.default) if key.default else ''} | {_cell(key.text)}{choices}"


def _list_keys(config: Any, prefix: str, value: Any = None) -> Iterator[_Key]:
    """The keys of a dataclass, those of its sections among them; `value` has other defaults than its own."""
    hints, texts = typing.get_type_hints(config), _read_texts(config)
    for field in dataclasses.fields(config):
        default = _default_of(field) if value is None else getattr(value, field.name)
        yield from _list_field(f"{prefix}{field.name}", hints[field.name], default, texts.get(field.name, ""))


def _list_field(key: str, hint: Any, default: Any, text: str) -> Iterator[_Key]:
    """A plain value is a key; a section is its keys; a list or an optional section is both."""
    kind, is_list = _section_of(hint)
    if kind is not None and not is_list and dataclasses.is_dataclass(default):
        yield from _list_keys(kind, f"{key}.", default)
        return
    yield _Key(key, _as_yaml(default), text, _choices(hint))
    if kind is not None:
        yield from _list_keys(kind, f"{key}.0." if is_list else f"{key}.")


def _section_of(hint: Any) -> tuple[Any, bool]:
    """The dataclass in a type, if there is one, and whether it stands in a list."""
    is_list = typing.get_origin(hint) is tuple
    found = next((part for part in (hint, *typing.get_args(hint)) if dataclasses.is_dataclass(part)), None)
    return found, is_list


def _default_of(field: dataclasses.Field[Any]) -> Any:
    return field.default if field.default_factory is dataclasses.MISSING else field.default_factory()


def _choices(hint: Any) -> tuple[str, ...]:
    return tuple(map(str, typing.get_args(hint))) if typing.get_origin(hint) is typing.Literal else ()


def _as_yaml(value: Any) -> str:
    """A default as it stands in a file, in one line; nothing where there is none."""
    if value is dataclasses.MISSING:
        return ""
    if isinstance(value, tuple):
        value = [to_dict(item) if dataclasses.is_dataclass(item) else item for item in value]
    return yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10**6).removesuffix("...\n").strip()


def _read_texts(config: type) -> dict[str, str]:
    """The docstrings under the fields of a dataclass, those that it inherits among them."""
    texts: dict[str, str] = {}
    for owner in reversed(config.__mro__):
        if dataclasses.is_dataclass(owner):
            (tree,) = ast.parse(textwrap.dedent(inspect.getsource(owner))).body
            texts |= dict(_read_fields(typing.cast(ast.ClassDef, tree)))
    return texts


def _read_fields(tree: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, after in zip(tree.body, tree.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(after, ast.Expr):
            yield field.target.id, str(ast.literal_eval(after.value))


def write_tree() -> str:
    """The tree of errors, from the docstring of `errors.py`."""
    lines = (inspect.getdoc(errors) or "").splitlines()
    return "\n".join(["```text", *(line[4:] for line in lines if line.startswith("    ")), "```"])


def write_errors() -> str:
    """Every error with its docstring and exit code."""
    classes = [part for part in vars(errors).values() if inspect.isclass(part) and part.__module__ == errors.__name__]
    rows = [
        f"| `{part.__name__}` | {_cell(inspect.getdoc(part) or '')} | {130 if part is errors.Cancelled else 2} |"
        for part in classes
    ]
    return "\n".join(["| error | when | exit code |", "|---|---|---|", *rows])


@cache
def write_picture(name: str) -> str:
    """A picture that `auralflow plot` draws, inside the page."""
    with tempfile.TemporaryDirectory() as folder:
        words = _PICTURES[name](Path(folder))
        path = Path(folder, "picture.png")
        api.plot(**words, out=path)
        content = path.read_bytes()
    drawn = Image.open(io.BytesIO(content)).convert("RGB")
    pixels = np.asarray(drawn.reduce(2) if drawn.width > _PAGE_PIXELS else drawn)
    return f'<p><img alt="{html.escape(name)}" src="{picture(pixels)}"></p>'


def _write_song(folder: Path) -> Path:
    """Two bars of a rendered song, and its voice as some model might have found it."""
    config = SongConfig(seed=1, duration_s=5.0)
    stems = render_song(config)
    found = stems["vocals"] + 0.1 * stems["other"]
    for name, samples in {**stems, "song": mix_stems(stems), "found/vocals": found}.items():
        (folder / name).parent.mkdir(exist_ok=True)
        audio = Audio(samples, config.sample_rate)
        auralflow.write_audio(folder / f"{name}.wav", audio, output_format=OutputFormat("wav", "int24"))
    return folder


def _write_scores(folder: Path) -> Path:
    api.synth_data(folder / "songs", songs=6, duration=2.0, rate=8000, workers=1)
    api.test("oracle_irm", folder / "songs", split="all", metrics="sdr", plain=True, out=folder / "oracle_irm")
    return folder / "oracle_irm"


def _write_run(folder: Path) -> Path:
    """A log as that of a run of twelve epochs of fifty batches; its numbers are made up."""
    noise = np.random.default_rng(0)
    rows = ["step,name,value"]
    for step in range(10, 601, 10):
        loss = 0.02 + 0.08 * 0.994**step
        rows.append(f"{step},train/loss,{loss * noise.uniform(0.8, 1.2)}")
        if step % 50 == 0:
            rows += [f"{step},epoch/train_loss,{loss * 1.1}", f"{step},epoch/valid_loss,{loss + 0.006}"]
            rows += [f"{step},valid_sdr_db/{stem},{db - 60 * loss}" for stem, db in (("vocals", 6.5), ("other", 8.0))]
    (folder / "my_model" / "logs").mkdir(parents=True)
    (folder / "my_model" / "logs" / "metrics.csv").write_text("\n".join(rows))
    return folder / "my_model"


_PAGE_PIXELS = 1000
"""What is wider is drawn at half its size."""

_PICTURES: dict[str, Callable[[Path], dict[str, Any]]] = {
    "sound": lambda folder: {"inputs": _write_song(folder) / "song.wav"},
    "mel": lambda folder: {"inputs": _write_song(folder) / "song.wav", "scale": "mel"},
    "comparison": lambda folder: {"inputs": _write_song(folder) / "found", "target": folder},
    "scores": lambda folder: {"inputs": _write_scores(folder)},
    "curves": lambda folder: {"inputs": _write_run(folder)},
}


def _architecture_line(name: str) -> str:
    return _first_line(PACKAGE / "models" / f"{name}.py")


def _first_line(path: Path) -> str:
    """The first sentence or line of a file's docstring; the file is not imported."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return " ".join(text.partition("\n\n")[0].split())


def _millions(model: Card | ModelEntry) -> str:
    if model.parameters is None:
        return "not stated"
    return f"{model.parameters / 1e6:.1f} M" if model.parameters else "none"


def _yes(is_so: bool) -> str:
    return "yes" if is_so else "no"


def _anchor(entry: Card | ModelEntry) -> str:
    return entry.name.replace(".", "-").replace("_", "-")


def _code(text: str) -> str:
    return f"`{text}`"


def _code_list(names: Iterable[str]) -> str:
    return ", ".join(map(_code, names))


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


WRITERS: dict[str, Callable[..., str]] = {
    "architectures": write_architectures,
    "augmentations": write_augmentations,
    "configs": write_configs,
    "datasets": write_datasets,
    "errors": write_errors,
    "exits": write_exits,
    "gallery": write_gallery,
    "keys": write_keys,
    "licences": write_licences,
    "losses": write_losses,
    "metrics": write_metrics,
    "models": write_models,
    "options": write_options,
    "picture": write_picture,
    "rooms": write_rooms,
    "rules": write_rules,
    "scores": write_scores,
    "tree": write_tree,
}
