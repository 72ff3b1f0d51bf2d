"""Training from a pack draws what training from the folder draws, here and from a store, on any number of ranks."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch

from auralflow.api import configure, pack_data, train
from auralflow.cli import main
from auralflow.data.config import AugmentConfig, DataConfig, SourceConfig
from auralflow.data.draw import ChunkDrawer, ChunkKey
from auralflow.data.loader import Batch, RankSampler, Schedule, make_loader
from auralflow.data.prepare import make_drawer, prepare_data
from auralflow.errors import AudioError, ConfigError
from auralflow.spec import ModelSpec
from auralflow.storage import patience

if TYPE_CHECKING:
    from tests.s3 import S3

RATE = 8000
SPEC = ModelSpec(("vocals", "drums", "bass", "other"), sample_rate=RATE, channels=2, segment_samples=3000)
PLAN = {"n_samples": 13, "batch_size": 2, "n_epochs": 2}

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "_FIRST_WAIT_S", 0.001)


def make(root: Path | str) -> ChunkDrawer:
    steps = (AugmentConfig("gain", 1.0), AugmentConfig("pitch_tempo", 0.2))
    config = DataConfig((SourceConfig(str(root)),), remix=0.5, keep_silent=0.2, augment=steps)
    return make_drawer(prepare_data(config, SPEC), config, SPEC, seed=4)


def assert_equal(batches: list[Batch], expected: list[Batch]) -> None:
    assert len(batches) == len(expected)
    for batch, other in zip(batches, expected, strict=True):
        assert torch.equal(batch.mixture, other.mixture)
        assert torch.equal(batch.targets, other.targets)
        assert not batch.failures


@pytest.mark.parametrize("n_workers", [0, 2])
def test_chunks_are_those_of_the_folder(songs: Path, tmp_path: Path, n_workers: int) -> None:
    pack_data(songs, tmp_path / "pack", piece=0.4, shard=1)
    schedule = Schedule(**PLAN)
    expected = list(make_loader(make(songs), schedule))
    assert_equal(list(make_loader(make(tmp_path / "pack"), schedule, n_workers=n_workers)), expected)


def test_two_ranks_that_are_killed_and_resumed_lose_and_repeat_nothing(songs: Path, s3: S3) -> None:
    """From a store that throttles: each rank goes on from its own batch, and together they see every chunk once."""
    pack_data(songs, "s3://music/pack", piece=0.4, shard=1)
    expected = list(make_loader(make(songs), Schedule(13, batch_size=4, n_epochs=2)))
    s3.every = 9
    seen: list[list[ChunkKey]] = []
    batches: list[list[Batch]] = []
    for rank, n_done in enumerate((2, 4)):
        plan = Schedule(**PLAN, n_ranks=2, rank=rank)
        first = list(RankSampler(plan))[: n_done * plan.batch_size]
        seen.append([*first, *RankSampler(plan, n_done)])
        begun = iter(make_loader(make("s3://music/pack"), plan, n_workers=1))
        before = [next(begun) for _ in range(n_done)]
        del begun  # its workers are killed in the middle of what they had prepared
        batches.append([*before, *make_loader(make("s3://music/pack"), plan, n_workers=1, first_batch=n_done)])
    assert sorted(chain(*seen)) == [ChunkKey(epoch, number) for epoch in range(2) for number in range(12)]
    merged = [
        Batch(*(torch.stack([getattr(part, key) for part in parts], 1).flatten(0, 1) for key in ("mixture", "targets")))
        for parts in zip(*batches, strict=True)
    ]
    assert_equal(merged, expected)


def test_a_store_that_fails_for_good_costs_its_chunks_only(songs: Path, s3: S3) -> None:
    pack_data(songs, "s3://music/pack", piece=0.4, shard=1)
    drawer = make("s3://music/pack")
    gone = s3.store("pack/train-000000.tar")
    gone._fs.rm_file(gone._root)
    drawn = [drawer.draw(ChunkKey(0, number)) for number in range(6)]
    failures = {failure for chunk in drawn for failure in chunk.failures}
    assert all(failure.startswith("s3://music/pack/train-000000.tar: ") for failure in failures)
    assert failures
    with pytest.raises(AudioError, match=r"expected a pack, cannot read its pack\.json"):
        make("s3://music/nothing")
    with pytest.raises(ConfigError, match="only packs are read from elsewhere"):
        prepare_data(DataConfig((SourceConfig("s3://music/pack", "musdb_hq"),)), SPEC)


def test_a_pack_in_a_store_is_kept_as_far_as_it_is_there(songs: Path, s3: S3) -> None:
    s3.every = 7
    first = pack_data(songs, "s3://music/pack", piece=0.4, shard=1)
    assert first.n_written == first.n_shards > 3
    assert pack_data(songs, "s3://music/pack", piece=0.4, shard=1).n_written == 0
    keys = {file.address.name for file in s3.store("pack").list_files()}
    assert "pack.json" in keys
    assert not any(key.endswith(".part") for key in keys)


@pytest.mark.slow
def test_the_same_weights_come_out(songs: Path, tmp_path: Path, s3: S3, two_layers_path: str) -> None:
    """Trained from the folder and from a pack elsewhere, with what validates as well."""
    pack_data(songs, "s3://music/pack", piece=0.4, shard=1, format="wav")
    small = (
        f"spec.sample_rate={RATE}", "spec.channels=1", "spec.segment_samples=2000", "trainer.max_epochs=2",
        "data.n_samples=8", "data.batch_size=2", "data.n_workers=0", "log.tensorboard=false",
    )  # fmt: skip
    weights = []
    for name, root in (("folder", songs), ("there", "s3://music/pack")):
        configure(tmp_path / name, model=two_layers_path, overrides=small)
        train(tmp_path / name, root)
        weights.append((tmp_path / name / "weights.safetensors").read_bytes())
    assert weights[0] == weights[1]
    assert "s3://music/pack" in (tmp_path / "there" / "train.yaml").read_text()


def test_the_command_line_packs_checks_and_scores(
    songs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["data", "pack", "songs", "pack", "--piece", "0.4", "--shard", "1"]) == 0
    told = capsys.readouterr()
    assert "5 tracks in 4 shards" in told.out
    assert main(["data", "check", "songs"]) == 0
    expected = capsys.readouterr().out.replace("songs", "pack")
    assert main(["data", "check", "pack"]) == 0
    assert _without_time(capsys.readouterr().out) == _without_time(expected)
    scores: list[Any] = []
    for name in ("songs", "pack"):
        assert main(["test", "mixture", name, "--out", f"scores_{name}", "--metrics", "sdr", "--plain"]) == 0
        scores.append(Path(f"scores_{name}", "scores.csv").read_text("utf-8"))
    assert scores[0] == scores[1]


def _without_time(text: str) -> list[str]:
    return text.splitlines()[:-1]
