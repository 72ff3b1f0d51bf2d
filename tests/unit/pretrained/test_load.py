"""Names, bundles and files all become models."""

from __future__ import annotations

from pathlib import Path

import pytest

from auralflow.errors import CheckpointError, ConfigError, UnknownNameError
from auralflow.pretrained.card import find_card
from auralflow.pretrained.load import describe_model, load_model

DATA = Path(__file__).parents[2] / "data"


def test_default_is_the_model_in_the_box() -> None:
    assert find_card("default").name == "spectrogram_net_octave.small_4stem"
    assert load_model().spec.stems == ("vocals", "drums", "bass", "other")


def test_a_bundle_folder_is_a_model() -> None:
    description = describe_model(str(DATA / "bundle_v1"))
    assert description.spec == load_model(str(DATA / "bundle_v1")).spec
    assert len(description.identity) == 64


def test_a_file_is_a_model(pass_through_path: str) -> None:
    assert load_model(pass_through_path).spec.segment_samples == 44100
    assert describe_model(pass_through_path).name == "pass_through"


def test_changed_code_is_another_model(tmp_path: Path, pass_through_path: str) -> None:
    path = tmp_path / "pass_through.py"
    path.write_text(Path(pass_through_path).read_text())
    before = describe_model(str(path)).identity
    path.write_text(path.read_text() + "\n# changed\n")
    assert describe_model(str(path)).identity != before


def test_what_is_no_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'classic'"):
        load_model("clasic")
    with pytest.raises(CheckpointError, match="architecture"):
        load_model("spectrogram_net_simple")
    (tmp_path / "net.py").write_text("class Net: ...\nclass NetConfig: ...\n")
    with pytest.raises(ConfigError, match="SPEC"):
        load_model(str(tmp_path / "net.py"))
