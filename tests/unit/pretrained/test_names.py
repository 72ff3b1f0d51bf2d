"""What a name stands for, without a look at the network."""

from __future__ import annotations

from pathlib import Path

import pytest

from auralflow.pretrained.names import sort_name


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("default", "card"),
        ("classic.v1", "card"),
        ("clasic", "other"),
        ("spectrogram_net_simple", "other"),
        ("my_net.py", "code"),
        ("weights.ckpt", "foreign"),
        ("folder/W.SAFETENSORS", "foreign"),
        ("hf:owner/name@v1", "hub"),
        ("https://example.org/x.th", "address"),
        ("http://example.org/net.py", "address"),
    ],
)
def test_kinds(name: str, kind: str) -> None:
    assert sort_name(name) == kind


def test_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for folder, file in (
        ("ours", "model.yaml"),
        ("theirs", "a.th"),
        ("classic", "vocals.wav"),
        ("repet_sim", "model.yaml"),
    ):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / file).touch()
    (tmp_path / "empty").mkdir()
    kinds = {name: sort_name(name) for name in ("ours", "theirs", "classic", "./classic", "repet_sim", "empty")}
    assert kinds == {
        "ours": "bundle",
        "theirs": "foreign",
        "classic": "card",  # a folder of stems that is called like a model
        "./classic": "bundle",
        "repet_sim": "bundle",
        "empty": "bundle",
    }
