"""What the pages say is true: their Python runs, their commands exist, their lists are complete."""

from __future__ import annotations

import ast
import dataclasses
import importlib.util
import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

import auralflow
from auralflow import Audio, cli, errors, write_audio
from auralflow.api import configure
from auralflow.audio.formats import OutputFormat
from auralflow.bench.settings import list_settings
from auralflow.cli.commands import COMMANDS
from auralflow.cli.flags import OUTPUT_FLAGS, read_flags
from auralflow.cli.parser import CommandParser
from auralflow.config import to_dict
from auralflow.data.augment import augmentations
from auralflow.data.datasets import datasets
from auralflow.fetch.address import is_address
from auralflow.losses import losses
from auralflow.metrics import metrics
from auralflow.models import models
from auralflow.pretrained.bundle import find_architecture, read_description, save_bundle
from auralflow.pretrained.card import list_cards
from auralflow.pretrained.load import load_model
from auralflow.pretrained.trust import trust_code
from auralflow.registry import Registry, config_class
from auralflow.separation.plan.config import PlanConfig, PlanStep
from auralflow.training.config import TrainConfig
from auralflow.training.configure import override, read_overrides

ROOT = Path(__file__).parents[2]
PACKAGE = Path(auralflow.__file__).parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
PLANS = ROOT / "examples" / "plans"
PAGE_NAMES = [page.name for page in PAGES]

_FENCE = re.compile(
    r"(?:^<!-- run(?P<run>: \S+)? -->\n)?^```(?P<kind>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
_LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")


def find_blocks(page: Path, kind: str) -> Iterator[re.Match[str]]:
    return (found for found in _FENCE.finditer(page.read_text(encoding="utf-8")) if found["kind"] == kind)


def is_runnable(block: re.Match[str]) -> bool:
    return block[0].startswith("<!-- run")


def find_commands(page: Path) -> list[list[str]]:
    """Words of every `auralflow` command: in shell blocks, and in the text."""
    text = page.read_text(encoding="utf-8")
    shell = "".join(block["text"] for kind in ("bash", "powershell") for block in find_blocks(page, kind))
    shell = shell.replace("\\\n", " ")
    lines = re.findall(r"^(?:torchrun .+ -m | *srun )?(auralflow .+)$", shell, re.MULTILINE)
    lines += re.findall(r"\$\((auralflow .+?)\)", shell)
    lines += re.findall(r"`(auralflow [^`]+)`", _FENCE.sub("", text))
    return [shlex.split(line, comments=True)[1:] for line in lines]


def split_command(line: list[str]) -> tuple[str, list[str]]:
    """The command, of one word or two, and the other words."""
    n_words = 2 if " ".join(line[:2]) in COMMANDS else 1
    return " ".join(line[:n_words]), line[n_words:]


@pytest.fixture
def bundle(files: Path) -> Path:
    """The model that the pages train, as if it were trained."""
    model = load_model(str(files / "my_model.py"))
    code = (files / "my_model.py").read_bytes()
    trust_code(code)
    save_bundle(model, files / "my_model", architecture="my_model", config={}, code=code)
    return files / "my_model"


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that the pages speak of, as the current one."""
    generator = np.random.default_rng(0)
    for name, seconds in (
        ("song.m4a", 2.0),
        ("song.wav", 1.0),
        ("album/a.flac", 0.5),
        ("album/cd1/b.flac", 0.5),
        ("live/c.flac", 0.5),
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        samples = generator.uniform(-0.3, 0.3, (2, round(seconds * 44100))).astype(np.float32)
        chosen = {
            ".m4a": OutputFormat("m4a"),
            ".wav": OutputFormat("wav", "int16"),
            ".flac": OutputFormat("flac", "int16"),
        }
        write_audio(path, Audio(samples, 44100), output_format=chosen[path.suffix])
    shutil.copy(ROOT / "examples" / "my_model.py", tmp_path)
    shutil.copytree(PLANS, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", PAGES, ids=PAGE_NAMES)
def test_python_blocks_are_marked_and_parse(page: Path) -> None:
    for block in find_blocks(page, "python"):
        ast.parse(block["text"])
        assert is_runnable(block), f"{page.name}: a Python block without <!-- run -->:\n{block['text']}"


@pytest.mark.parametrize(
    "page", [page for page in PAGES if any(map(is_runnable, find_blocks(page, "python")))], ids=lambda page: page.name
)
def test_python_blocks_run(page: Path, files: Path) -> None:
    """One after the other, as a reader would paste them; a block with a file name is saved under it."""
    names: dict[str, Any] = {"__name__": page.stem}
    for block in filter(is_runnable, find_blocks(page, "python")):
        if block["run"]:
            (files / block["run"].removeprefix(": ")).write_text(block["text"], encoding="utf-8")
        else:
            exec(compile(block["text"], str(page), "exec"), names)


def find_config(bundle: Path) -> type:
    return config_class(find_architecture(bundle, read_description(bundle)))


@pytest.mark.parametrize("page", PAGES, ids=PAGE_NAMES)
def test_commands_exist_and_would_do_something(page: Path, bundle: Path) -> None:
    for number, (name, words) in enumerate(map(split_command, find_commands(page))):
        if name.startswith("-") or name.isupper():  # `auralflow --help`, `auralflow COMMAND`
            continue
        assert name in COMMANDS, f"{page.name}: auralflow {name}"
        if not words or "--help" in words:  # only spoken of
            continue
        arguments = CommandParser(name, COMMANDS[name].function).read(words)
        if name == "config":
            configure(**arguments | {"run": f"run_{number}"})
        if name == "train":
            given = read_overrides(arguments.get("overrides", []))
            override(read_description(bundle), TrainConfig(), given, find_config(bundle))
        if name == "separate":
            arguments.pop("tuned", None)  # wants a measurement of this machine
            arguments.pop("server", None)  # wants one that runs
            if any(map(is_address, (*arguments["inputs"], arguments.get("out", "")))):
                continue
            forecast = auralflow.separate(**arguments | {"dry_run": True})
            assert forecast.n_outputs > 0
            assert not forecast.unusable


def test_a_wrong_flag_in_a_page_would_be_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "```bash\nauralflow separate a.wav --stem vocals # voice\n```\nand `auralflow models --stems vocals`\n"
    )
    commands = find_commands(page)
    assert commands == [["separate", "a.wav", "--stem", "vocals"], ["models", "--stems", "vocals"]]
    with pytest.raises(errors.ConfigError, match="did you mean '--stems'"):
        CommandParser("separate", COMMANDS["separate"].function).read(commands[0][1:])


@pytest.mark.parametrize("page", PAGES, ids=PAGE_NAMES)
def test_make_targets_exist(page: Path) -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    text = page.read_text(encoding="utf-8")
    named = set(re.findall(r"(?:^|`)make ([\w-]+)", text, re.MULTILINE))
    assert named <= targets


@pytest.mark.parametrize("page", PAGES, ids=PAGE_NAMES)
def test_links_lead_somewhere(page: Path) -> None:
    for target in _LINK.findall(page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_readme_has_the_exit_codes_of_the_command_line() -> None:
    stated = re.findall(r"^    (\d+)  ", cli.__doc__ or "", re.MULTILINE)
    table = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Exit codes")[2]
    assert re.findall(r"^\| (\d+) \|", table, re.MULTILINE) == stated


def test_the_model_in_the_page_is_the_example_and_about_thirty_lines() -> None:
    blocks = [b for b in find_blocks(ROOT / "docs" / "add_a_model.md", "python") if b["run"] == ": my_model.py"]
    assert len(blocks) == 1
    assert blocks[0]["text"] == (ROOT / "examples" / "my_model.py").read_text(encoding="utf-8")
    assert sum(bool(line.strip()) for line in blocks[0]["text"].splitlines()) <= 30


def test_the_plans_in_the_page_are_the_examples() -> None:
    blocks = {block["text"] for block in find_blocks(ROOT / "docs" / "plans.md", "yaml")}
    assert blocks == {path.read_text(encoding="utf-8") for path in PLANS.glob("*.yaml")}


def test_the_page_of_plans_has_every_key(hooks: ModuleType) -> None:
    page = hooks.fill((ROOT / "docs" / "plans.md").read_text(encoding="utf-8"))
    keys = [field.name for field in dataclasses.fields(PlanConfig)]
    keys += [f"steps.0.{field.name}" for field in dataclasses.fields(PlanStep)]
    for key in keys:
        assert re.search(rf"^\| `{re.escape(key)}` \|[^|]*\| \S.+ \|$", page, re.MULTILINE), key


def test_the_house_names_every_room_and_no_other() -> None:
    plan = next(find_blocks(ROOT / "docs" / "the_house.md", "text"))["text"]
    named = set(re.findall(r"^  (\S+)", plan, re.MULTILINE))
    standing = {f"{path.name}/" for path in PACKAGE.iterdir() if any(path.glob("*.py"))}
    standing |= {path.name for path in PACKAGE.glob("[!_]*.py")}
    assert named == standing


@pytest.fixture(scope="module")
def hooks() -> ModuleType:
    pytest.importorskip("mkdocs")
    spec = importlib.util.spec_from_file_location("docs_hooks", ROOT / "docs" / "_hooks.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["docs_hooks"] = module
    spec.loader.exec_module(module)
    return module


def test_the_pages_of_models_have_every_card_and_architecture(hooks: ModuleType) -> None:
    models_, gallery, licences, which = (
        hooks.fill((ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8"))
        for name in ("models", "gallery", "licences", "which_model")
    )
    for card in list_cards():
        assert gallery.count(f"## {card.name} ") == 1
        assert all(text in gallery for text in (card.licence, card.weaknesses, card.source, card.training_data))
        assert f"| [`{card.name}`](gallery.md#" in models_
        assert f"| [`{card.name}`](gallery.md#" in licences
        assert which.count(f"| [`{card.name}`](gallery.md#") == len(card.published_scores)
    assert all(f"| `{name}` | " in models_ for name in models.names())
    assert "TODO" not in models_ + gallery


def test_the_page_of_weights_gets_every_flag(hooks: ModuleType) -> None:
    page = hooks.fill((ROOT / "docs" / "weights.md").read_text(encoding="utf-8"))
    for command in ("download", "push", "models"):
        for flag in read_flags(COMMANDS[command].function):
            assert f"| `{flag.name}" in page or f"| `{flag.name}..." in page


def test_the_page_of_errors_has_every_error(hooks: ModuleType) -> None:
    page = hooks.fill((ROOT / "docs" / "errors.md").read_text(encoding="utf-8"))
    assert "    ├── ConfigError" in (errors.__doc__ or "")
    assert "\n├── ConfigError" in page
    for name, part in vars(errors).items():
        if isinstance(part, type) and issubclass(part, errors.AuralflowError):
            assert f"| `{name}` | " in page
    assert "| `Cancelled` | The caller asked to stop; nothing half-written is left behind. | 130 |" in page


def test_the_page_of_measuring_gets_every_flag_and_setting(hooks: ModuleType) -> None:
    page = hooks.fill((ROOT / "docs" / "bench.md").read_text(encoding="utf-8"))
    for flag in read_flags(COMMANDS["bench"].function):
        assert f"| `{flag.name}" in page
    for setting in list_settings(torch.device("cuda")):
        assert f"`{setting.name}`" in page


def test_the_page_of_pictures_has_every_flag_and_picture(hooks: ModuleType) -> None:
    page = hooks.fill((ROOT / "docs" / "plot.md").read_text(encoding="utf-8"))
    for flag in read_flags(COMMANDS["plot"].function):
        assert f"| `{flag.name}" in page
    for name in ("sound", "mel", "comparison", "scores", "curves"):
        assert f'<img alt="{name}" src="data:image/webp;base64,' in page


@pytest.mark.parametrize("command", ["serve", "plan"])
def test_the_pages_of_these_commands_get_every_flag(hooks: ModuleType, command: str) -> None:
    page = hooks.fill((ROOT / "docs" / f"{command}.md").read_text(encoding="utf-8"))
    for flag in read_flags(COMMANDS[command].function):
        assert f"| `{flag.name}" in page


def test_the_guide_gets_every_flag(hooks: ModuleType) -> None:
    page = hooks.fill((ROOT / "docs" / "separate.md").read_text(encoding="utf-8"))
    for flag in (*read_flags(COMMANDS["separate"].function), *OUTPUT_FLAGS):
        assert f"| `{flag.name}" in page
        assert flag.help
    assert "| 141 |" in page


def test_the_page_of_evaluation_has_every_flag_and_metric(hooks: ModuleType) -> None:
    page = hooks.fill((ROOT / "docs" / "evaluate.md").read_text(encoding="utf-8"))
    for command in ("test", "compare"):
        for flag in read_flags(COMMANDS[command].function):
            assert f"| `{flag.name}" in page
    page = hooks.fill((ROOT / "docs" / "metrics.md").read_text(encoding="utf-8"))
    assert all(f"| `{name}` | " in page for name in metrics.names())


def test_the_page_of_training_has_every_flag_and_key(hooks: ModuleType) -> None:
    page = hooks.fill((ROOT / "docs" / "train.md").read_text(encoding="utf-8"))
    for command in ("config", "train", "data check", "data synth", "trust"):
        for flag in read_flags(COMMANDS[command].function):
            assert f"| `{flag.name}" in page
    for key in list_leaves(to_dict(TrainConfig())):
        row = re.search(rf"^\| `{re.escape(key)}` \|[^|]*\| (.+) \|$", page, re.MULTILINE)
        assert row, key
        assert row[1].strip(), key
    assert "| `fine_tune.lora.rank` | `8` |" in page
    assert "| `config.unet.n_frame_levels` | `3` |" in page  # the default of the LSTM, not of the U-Net
    assert "### `conv_tasnet`" in page
    assert "### `classic`" not in page  # nothing to train


def list_leaves(values: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """Dotted names of all values that are no sections."""
    for name, value in values.items():
        if isinstance(value, dict):
            yield from list_leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


@pytest.mark.parametrize(
    ("page", "registry"), [("losses.md", losses), ("augmentation.md", augmentations), ("datasets.md", datasets)]
)
def test_pages_of_parts_have_every_part_and_option(hooks: ModuleType, page: str, registry: Registry) -> None:
    text = hooks.fill((ROOT / "docs" / page).read_text(encoding="utf-8"))
    for name in registry.names():
        part = registry.load(name)
        assert f"| `{name}` | " in text
        for field in dataclasses.fields(part) if dataclasses.is_dataclass(part) else ():
            assert re.search(rf"^\| `{name}` \| `{field.name}` \| `.+` \| .+ \|$", text, re.MULTILINE)


def test_marks_are_replaced_and_other_comments_stay(hooks: ModuleType) -> None:
    assert "| file | what it is |" in hooks.fill("<!-- rooms -->")
    assert "must not import" in hooks.fill("<!-- rules -->")
    assert hooks.fill("<!-- run -->\nx <!-- rooms -->") == "<!-- run -->\nx <!-- rooms -->"
