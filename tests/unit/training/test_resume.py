"""Checkpoints are looked at before they are resumed, and nothing in them is executed."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest
import torch

from auralflow.errors import CheckpointError, ConfigError
from auralflow.training.resume import read_checkpoint

IDENTITY = {"architecture": "a", "spec": {"stems": ["vocals"]}, "config": {"n_hidden": 3}}
FIXED = {"data.batch_size": 4, "optimizer.name": "adam"}


class _Attack:
    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> object:
        return os.mkdir, (str(self._path),)


def _checkpoint(**changes: object) -> dict[str, object]:
    progress = {"current": {"processed": 7}}
    loops = {"fit_loop": {"epoch_loop.batch_progress": progress}}
    return {"auralflow": {"identity": IDENTITY, "fixed": FIXED}, "loops": loops} | changes


def test_it_says_where_to_go_on(tmp_path: Path) -> None:
    torch.save(_checkpoint(), tmp_path / "last.ckpt")
    assert read_checkpoint(tmp_path / "last.ckpt", IDENTITY).n_batches == 7


def test_code_in_a_checkpoint_is_refused_and_does_not_run(tmp_path: Path) -> None:
    path, trace = tmp_path / "last.ckpt", tmp_path / "attacked"
    torch.save(_checkpoint(extra=_Attack(trace)), path)
    with pytest.raises(CheckpointError, match=r"last\.ckpt: is damaged, or no checkpoint"):
        read_checkpoint(path, IDENTITY)
    assert not trace.exists()
    pickle.loads(pickle.dumps(_Attack(trace)))  # the attack is a real one
    assert trace.exists()


@pytest.mark.parametrize("content", [b"", b"nonsense", b"PK\x03\x04 not a zip"])
def test_damaged(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "last.ckpt").write_bytes(content)
    with pytest.raises(CheckpointError, match="is damaged"):
        read_checkpoint(tmp_path / "last.ckpt", IDENTITY)


def test_cut_in_the_middle(tmp_path: Path) -> None:
    path = tmp_path / "last.ckpt"
    torch.save(_checkpoint(weights=torch.zeros(5000)), path)
    path.write_bytes(path.read_bytes()[:9000])
    with pytest.raises(CheckpointError, match="is damaged"):
        read_checkpoint(path, IDENTITY)


def test_missing(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="found none"):
        read_checkpoint(tmp_path / "last.ckpt", IDENTITY)


def test_another_model_is_named_with_what_differs(tmp_path: Path) -> None:
    torch.save(_checkpoint(), tmp_path / "last.ckpt")
    with pytest.raises(CheckpointError, match=r"another config \(n_hidden: 3 there, 4 here\)"):
        read_checkpoint(tmp_path / "last.ckpt", IDENTITY | {"config": {"n_hidden": 4}})


def test_a_setting_that_a_run_keeps_is_named_when_it_changed(tmp_path: Path) -> None:
    torch.save(_checkpoint(), tmp_path / "last.ckpt")
    assert read_checkpoint(tmp_path / "last.ckpt", IDENTITY, FIXED).n_batches == 7
    with pytest.raises(ConfigError, match=r"data\.batch_size: .* expected 4, got 2"):
        read_checkpoint(tmp_path / "last.ckpt", IDENTITY, FIXED | {"data.batch_size": 2})


@pytest.mark.parametrize(
    "content",
    [torch.zeros(3), [], {"auralflow": 3}, {"auralflow": {"identity": IDENTITY, "fixed": FIXED}, "loops": []}],
)
def test_other_things_that_torch_saves_are_refused(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "last.ckpt")
    with pytest.raises(CheckpointError, match="no checkpoint of auralflow"):
        read_checkpoint(tmp_path / "last.ckpt", IDENTITY)


def test_a_foreign_checkpoint_is_refused(tmp_path: Path) -> None:
    torch.save({"state_dict": {}}, tmp_path / "last.ckpt")
    with pytest.raises(CheckpointError, match="no checkpoint of auralflow"):
        read_checkpoint(tmp_path / "last.ckpt", IDENTITY)
