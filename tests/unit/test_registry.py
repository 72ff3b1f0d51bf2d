"""Parts are found by their file's name, from the package or from a user's own file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from auralflow.errors import ConfigError, UnknownNameError
from auralflow.models import models
from auralflow.registry import Registry, config_class


def test_names_are_files_and_nothing_else() -> None:
    names = models.names()
    assert "spectrogram_net_simple" in names
    assert "blocks" not in names
    assert not [name for name in names if name.startswith("_")]


def test_listing_names_imports_no_torch() -> None:
    script = "import sys; from auralflow.models import models; models.names(); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", script], check=True)


def test_a_part_is_spelled_like_its_file() -> None:
    part = models.load("spectrogram_net_lstm")
    assert part.__name__ == "SpectrogramNetLSTM"
    assert config_class(part).__name__ == "SpectrogramNetLSTMConfig"


def test_an_unknown_name_offers_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'spectrogram_net_lstm'"):
        models.load("spectrogram_net_lstn")


def test_a_users_file_is_a_part(tmp_path: Path) -> None:
    path = tmp_path / "my_net.py"
    path.write_text("class MyNet: ...\nclass MyNetConfig: ...\n")
    part = Registry("auralflow.models", "model").load(str(path))
    assert part.__name__ == "MyNet"
    assert config_class(part).__name__ == "MyNetConfig"


@pytest.mark.parametrize(("text", "words"), [("x = 1\n", "named like the file"), (None, "no such file")])
def test_a_file_without_the_part_is_named(tmp_path: Path, text: str | None, words: str) -> None:
    path = tmp_path / "my_net.py"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError, match=words):
        models.load(str(path))


def test_two_files_of_one_name_are_two_parts(tmp_path: Path) -> None:
    for folder, value in (("a", 1), ("b", 2)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "net.py").write_text(f"class Net:\n    value = {value}\n")
    assert [models.load(str(tmp_path / f / "net.py")).value for f in "ab"] == [1, 2]
