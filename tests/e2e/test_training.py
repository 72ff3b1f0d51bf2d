"""Training from folders of songs: exact resume, failures on the way, several processes, and what comes out."""

from __future__ import annotations

import csv
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import soundfile
import torch

from auralflow.api import configure, list_models, pack_data, separate, train, trust
from auralflow.data.draw import ChunkKey
from auralflow.data.prepare import make_drawer, prepare_data
from auralflow.data.synth import SongConfig, render_song
from auralflow.errors import AuralflowError, CheckpointError, ConfigError, OutputError, TrainingError
from auralflow.pretrained.load import load_model
from auralflow.separation.progress import CancelToken
from auralflow.training.folder import RunFolder
from auralflow.training.logs import CsvLog
from auralflow.training.run import TrainEvents, TrainReport
from auralflow.training.start import build_model

if TYPE_CHECKING:
    from tests.s3 import S3

SAMPLE_RATE = 8000
SMALL = (
    f"spec.sample_rate={SAMPLE_RATE}", "spec.channels=1", "spec.segment_samples=8000", "spec.context_samples=0",
    "trainer.max_epochs=3", "data.n_samples=16", "data.batch_size=2", "data.n_workers=0", "valid.max_s=2",
    "log.every_steps=1", "log.tensorboard=false",
)  # fmt: skip
VAE = (
    "config.stft={n_fft: 128, hop_samples: 32}", "config.unet={widths: [4, 6], n_frame_levels: 1}",
    "config.squeezed_width=2", "config.n_latent=3", "config.n_hidden=4",
)  # fmt: skip
Configure = Callable[..., Path]


@pytest.fixture(scope="session")
def songs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five songs of four seconds: three to train on, one to validate, one to test."""
    root = tmp_path_factory.mktemp("songs")
    for number, split in enumerate(["train", "train", "train", "valid", "test"]):
        folder = root / split / f"song {number}"
        folder.mkdir(parents=True)
        stems = render_song(SongConfig(seed=number, duration_s=4.0, sample_rate=SAMPLE_RATE))
        for name, stem in stems.items():
            soundfile.write(folder / f"{name}.wav", stem.mean(0), SAMPLE_RATE, subtype="PCM_16")
    return root


@pytest.fixture
def make(tmp_path: Path, two_layers_path: str) -> Configure:
    """Make a run folder of a small model."""

    def build(name: str, *overrides: str, model: str = two_layers_path) -> Path:
        configure(tmp_path / name, model=model, overrides=[*SMALL, *overrides])
        return tmp_path / name

    return build


def _stop_after(n_batches: int) -> dict[str, Any]:
    token = CancelToken()
    events = TrainEvents(batch=lambda done, total: token.cancel() if done == n_batches else None)
    return {"report": events, "cancel": token}


def _read(run: Path) -> dict[str, Any]:
    return torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)  # type: ignore[no-any-return]


def _is_equal(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_is_equal(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(_is_equal, one, other))
    return bool(one == other)


def _losses(run: Path) -> list[tuple[float, float]]:
    epochs = json.loads((run / "scores.json").read_text())["epochs"]
    return [(row["train_loss"], row["valid_loss"]) for row in epochs]


def test_a_run_gives_a_bundle_that_separates(make: Configure, songs: Path, tmp_path: Path) -> None:
    run = make("run")
    report = train(run, songs)
    assert report.outcome == "finished"
    assert report.epochs == 3
    losses = [loss for loss, _ in _losses(run)]
    assert losses[-1] < losses[0]
    model: Any = load_model(str(run))
    assert model.spec.sample_rate == SAMPLE_RATE
    done: Any = separate(songs / "test" / "song 4" / "vocals.wav", model=str(run), out=tmp_path / "out")
    assert sorted(output.path.stem for output in done.done[0].outputs) == ["bass", "drums", "other", "vocals"]


@pytest.mark.parametrize("n_done", [3, *(pytest.param(n, marks=pytest.mark.slow) for n in (8, 12))])
def test_resume_is_exact(make: Configure, songs: Path, n_done: int) -> None:
    """Stopped in the middle of an epoch or at its end, with a variational model (which draws), workers, augmentation,
    echoes, accumulation, a mean of the weights and a scheduler, a run ends with the bits of one that was not."""
    augment = "data.augment=[{name: gain, probability: 1.0}, {name: polarity, probability: 0.5}]"
    options = (
        *VAE,
        augment,
        "data.n_workers=2",
        "data.echoes=1",
        "optimizer.accumulate=2",
        "optimizer.ema_decay=0.9",
        "scheduler.name=cosine",
    )
    whole, parts = (make(name, *options, model="spectrogram_net_vae") for name in ("whole", "parts"))
    train(whole, songs)
    assert train(parts, songs, **_stop_after(n_done)).outcome == "interrupted"
    assert train(parts, resume=True).outcome == "finished"
    one, other = _read(whole), _read(parts)
    for key in ("state_dict", "optimizer_states"):
        assert _is_equal(one[key], other[key]), key
    assert _is_equal(one["auralflow"]["ema"], other["auralflow"]["ema"])
    assert _losses(whole) == _losses(parts)
    assert (whole / "weights.safetensors").read_bytes() == (parts / "weights.safetensors").read_bytes()
    assert _rows(whole) == _rows(parts)


def _rows(run: Path) -> list[list[str]]:
    """What does not depend on the clock."""
    with (run / "logs" / "metrics.csv").open(newline="") as file:
        return [row for row in csv.reader(file) if row[1] not in ("epoch/samples_per_s", "epoch/data_wait")]


def test_a_finished_run_goes_on_when_it_is_made_longer(make: Configure, songs: Path) -> None:
    short, long = make("short", "trainer.max_epochs=1"), make("long")
    train(short, songs)
    with pytest.raises(ConfigError, match="has done 1 epochs already"):
        train(short, resume=True)
    train(short, resume=True, overrides=["trainer.max_epochs=3"])
    train(long, songs)
    assert _is_equal(_read(short)["state_dict"], _read(long)["state_dict"])


@pytest.mark.parametrize("n_workers", [pytest.param(0, marks=pytest.mark.slow), 2])
def test_a_run_that_was_killed_goes_on_from_its_last_checkpoint(make: Configure, songs: Path, n_workers: int) -> None:
    options = (f"data.n_workers={n_workers}", "data.augment=[{name: gain, probability: 1.0}, {name: equalizer}]")
    killed, whole = make("killed", "trainer.checkpoint_steps=3", *options), make("whole", *options)
    code = "import os, signal, sys; from auralflow.api import train; from auralflow.training.run import TrainEvents\n"
    code += "kill = lambda done, total: os.kill(os.getpid(), signal.SIGKILL) if done == 14 else None\n"
    code += "train(sys.argv[1], sys.argv[2], report=TrainEvents(batch=kill))"
    done = subprocess.run([sys.executable, "-c", code, str(killed), str(songs)], capture_output=True, timeout=100)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    assert _read(killed)["auralflow"]["progress"]["n_losses"] == 4  # of the second epoch's eight batches
    train(killed, resume=True)
    train(whole, songs)
    assert _is_equal(_read(killed)["state_dict"], _read(whole)["state_dict"])


@pytest.mark.parametrize(
    ("number", "n_workers"),
    [
        (signal.SIGINT, 2),
        pytest.param(signal.SIGTERM, 0, marks=pytest.mark.slow),
        pytest.param(signal.SIGINT, 0, marks=pytest.mark.slow),
        pytest.param(signal.SIGTERM, 2, marks=pytest.mark.slow),
    ],
)
def test_signals_save_and_end_the_command(make: Configure, songs: Path, number: signal.Signals, n_workers: int) -> None:
    """Also when they reach the workers, as Ctrl-C in a terminal does, in the middle of a step of several batches."""
    run = make("run", "trainer.max_epochs=100000", f"data.n_workers={n_workers}", "optimizer.accumulate=4")
    words = [sys.executable, "-m", "auralflow", "train", str(run), str(songs)]
    process = subprocess.Popen(words, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)
    deadline = time.monotonic() + 100
    while not (run / "scores.json").exists() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.05)
    os.killpg(process.pid, number)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130, told
    assert "--resume" in told
    assert "Traceback" not in told
    n_done = _read(run)["loops"]["fit_loop"]["epoch_loop.batch_progress"]["current"]["processed"]
    assert n_done % 4 == 0
    assert train(run, resume=True, **_stop_after(n_done + 2)).outcome == "interrupted"
    assert _read(run)["loops"]["fit_loop"]["epoch_loop.batch_progress"]["current"]["processed"] > n_done


@pytest.mark.slow
def test_two_processes_train_like_one_with_the_doubled_batch(make: Configure, songs: Path) -> None:
    one, two = make("one", "data.batch_size=4"), make("two", "data.batch_size=2")
    train(one, songs)
    words = [sys.executable, "-m", "auralflow", "train", str(two), str(songs), "--devices", "2", "--device", "cpu"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    for mine, theirs in zip(_rows(one), _rows(two), strict=True):
        assert mine[:2] == theirs[:2]
        if "loss" in mine[1]:
            assert float(mine[2]) == pytest.approx(float(theirs[2]), abs=1e-5)
    weights, others = _read(one)["state_dict"], _read(two)["state_dict"]
    assert all(torch.allclose(weights[name], others[name], atol=1e-5) for name in weights)


@pytest.mark.slow
def test_two_processes_that_were_killed_go_on_with_their_own_chunks_of_a_pack(
    make: Configure, songs: Path, s3: S3
) -> None:
    """From a store that throttles; a chunk that was lost or seen twice would change every weight after it."""
    pack_data(songs, "s3://music/pack", piece=1.0, shard=1)
    s3.every = 50
    options = ("data.n_samples=160", "data.n_workers=1", "trainer.checkpoint_steps=7", "valid.every_epochs=3")
    whole, killed = (make(name, *options, "data.augment=[{name: gain}]") for name in ("whole", "killed"))
    words = [sys.executable, "-m", "auralflow", "train"]
    both = ["--devices", "2", "--device", "cpu"]
    subprocess.run([*words, str(whole), "s3://music/pack", *both], check=True, capture_output=True, timeout=250)
    process = subprocess.Popen(
        [*words, str(killed), "s3://music/pack", *both], stderr=subprocess.DEVNULL, start_new_session=True
    )
    while not (killed / "checkpoints" / "last.ckpt").exists():
        assert process.poll() is None
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    n_batches = _read(killed)["auralflow"]["progress"]["n_losses"]
    assert n_batches % 40 != 0, "it was killed at the end of an epoch"
    subprocess.run([*words, str(killed), "--resume", *both], check=True, capture_output=True, timeout=250)
    assert _is_equal(_read(killed)["state_dict"], _read(whole)["state_dict"])


def test_a_file_that_breaks_in_epoch_three_is_skipped_and_told(make: Configure, songs: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(songs, data)
    run = make("run", "data.remix=1.0", "data.n_samples=32")
    broken = data / "train" / "song 1" / "drums.wav"

    def break_it(end: Any) -> None:
        if end.epoch == 2:
            broken.write_bytes(broken.read_bytes()[:2000])

    report = train(run, data, report=TrainEvents(epoch=break_it))
    assert report.outcome == "finished"
    assert len(report.failed_files) == 1
    assert str(broken) in report.failed_files[0]


def test_too_many_broken_files_stop_the_run(make: Configure, songs: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(songs, data)
    run = make("run", "data.max_failures=0", "data.n_samples=64", "data.remix=0")

    def break_them(end: Any) -> None:
        for path in (data / "train").rglob("*.wav"):
            if "song 1" in str(path):
                path.write_bytes(path.read_bytes()[:2000])

    with pytest.raises(
        TrainingError, match=r"more files cannot be read than data\.max_failures allows \(0\); the last: .*song 1"
    ):
        train(run, data, report=TrainEvents(epoch=break_them))
    assert _read(run)["auralflow"]["progress"]["history"][0]["epoch"] == 1


def test_a_loss_that_is_no_number_stops_and_keeps_the_batch(make: Configure, songs: Path) -> None:
    run = make("run", "optimizer.name=sgd", "optimizer.learning_rate=.inf")
    with pytest.raises(
        TrainingError, match=r"the loss of batch \d is (nan|inf); the batch is kept in .*bad_batch_\d\.pt"
    ):
        train(run, songs)
    (path,) = run.glob("bad_batch_*.pt")
    kept = torch.load(path, weights_only=True)
    assert kept["targets"].shape == (2, 4, 1, 8000)
    folder = RunFolder(run)
    spec, config = folder.read_model().spec, folder.read_train()
    drawer = make_drawer(prepare_data(config.data, spec), config.data, spec, seed=config.trainer.seed)
    again = [drawer.draw(ChunkKey(kept["epoch"], number)) for number in kept["numbers"]]
    assert torch.equal(kept["mixture"], torch.stack([torch.from_numpy(chunk.mixture) for chunk in again]))


@pytest.fixture
def small_disk() -> Iterator[Callable[[int], None]]:
    """Let no file grow beyond some bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    yield lambda n_bytes: resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    signal.signal(signal.SIGXFSZ, handler)


def test_a_full_disk_leaves_the_checkpoint_before(
    make: Configure, songs: Path, small_disk: Callable[[int], None]
) -> None:
    run = make("run")
    with pytest.raises(OutputError, match=r"\.ckpt: the checkpoint cannot be written.*--resume"):
        train(run, songs, report=TrainEvents(batch=lambda done, total: small_disk(20_000) if done == 9 else None))
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
    assert len(_read(run)["auralflow"]["progress"]["history"]) == 1
    assert [path.name for path in (run / "checkpoints").iterdir() if path.name.startswith(".")] == []
    assert train(run, resume=True).outcome == "finished"


def test_a_full_disk_at_the_log_is_one_clear_error(tmp_path: Path, small_disk: Callable[[int], None]) -> None:
    log = CsvLog(tmp_path / "metrics.csv", 0)
    log.write(1, {"loss": 1.0})
    small_disk(100)
    with pytest.raises(OutputError, match=r"metrics\.csv: cannot be written: File too large; .* go on with --resume"):
        log.write(2, {f"loss {number}": 1.0 for number in range(9)})


def test_early_stop_counts_validations_without_improvement(make: Configure, songs: Path) -> None:
    options = ("optimizer.learning_rate=0", "valid.stop_patience=2", "trainer.max_epochs=50")
    report = train(make("run", *options), songs)
    assert (report.outcome, report.epochs, report.best_epoch) == ("stopped early", 3, 1)


def test_plateaus_lower_the_rate_and_then_stop(make: Configure, songs: Path) -> None:
    options = (
        "optimizer.learning_rate=1e-30", "scheduler.plateau_patience=1", "valid.stop_plateaus=3",
        "trainer.max_epochs=50", "scheduler.final_factor=0",
    )  # fmt: skip
    run = make("run", *options)
    report = train(run, songs)
    assert report.outcome == "stopped early"
    rates = [row["learning_rate"] for row in json.loads((run / "scores.json").read_text())["epochs"]]
    assert rates == pytest.approx([1e-30, 1e-30, 5e-31, 2.5e-31])


def test_the_cache_changes_nothing(make: Configure, songs: Path) -> None:
    plain, cached = make("plain", "trainer.max_epochs=1"), make("cached", "trainer.max_epochs=1", "data.cache=pcm")
    counts: list[tuple[int, int]] = []
    train(plain, songs)
    train(cached, songs, report=TrainEvents(cache=lambda done, total: counts.append((done, total))))
    assert counts[-1] == (12, 12)
    assert _is_equal(_read(plain)["state_dict"], _read(cached)["state_dict"])


def test_the_test_split_is_never_looked_at(make: Configure, songs: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(songs, data)
    one, other = make("one"), make("other")
    train(one, data)
    for path in (data / "test").rglob("*.wav"):
        soundfile.write(path, np.zeros(4 * SAMPLE_RATE), SAMPLE_RATE)
    train(other, data)
    assert _is_equal(_read(one)["state_dict"], _read(other)["state_dict"])
    assert _losses(one) == _losses(other)


def test_a_new_run_is_not_mixed_with_an_old_one(make: Configure, songs: Path) -> None:
    run = make("run", "trainer.max_epochs=1")
    train(run, songs)
    with pytest.raises(CheckpointError, match="has been trained before; go on with --resume"):
        train(run, songs)
    with pytest.raises(ConfigError, match="keeps its model"):
        train(run, songs, resume=True, overrides=["config.n_hidden=3"])


def test_a_loss_that_the_model_cannot_feed_is_refused_at_the_start(make: Configure, songs: Path) -> None:
    with pytest.raises(ConfigError, match="loss: needs the model's latent"):
        train(make("run", "loss.0.name=kl_divergence"), songs)


def test_fine_tuning_with_a_new_stem(make: Configure, songs: Path, tmp_path: Path) -> None:
    run = make("run", "trainer.max_epochs=1")
    train(run, songs)
    configure(tmp_path / "fine", from_=str(run), stems="vocals,other", overrides=SMALL)
    lines: list[str] = []
    report: TrainReport = train(tmp_path / "fine", songs, report=TrainEvents(line=lines.append))
    assert set(report.best["valid_sdr_db"]) == {"vocals", "other"}
    assert any("begin anew" in line for line in lines)


def test_tensorboard_has_scalars_layers_pictures_and_sounds(make: Configure, songs: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    options = ("weights", "gradients", "pictures", "audio", "tensorboard")
    run = make("run", "trainer.max_epochs=1", *(f"log.{name}=true" for name in options))
    train(run, songs)
    events = EventAccumulator(str(run / "logs"))
    events.Reload()
    tags = events.Tags()
    assert {"train/loss", "train/l1", "epoch/valid_loss", "epoch/data_wait", "valid_sdr_db/drums"} <= set(
        tags["scalars"]
    )
    assert "gradients_norm/network.layers.0.weight" in tags["scalars"]
    assert "weights/network.layers.0.weight" in tags["histograms"]
    assert "stems/vocals" in tags["images"]
    assert {"estimate/bass", "residual/bass"} <= set(tags["audio"])
    assert (run / "images" / "vocals.png").stat().st_size > 10_000


def test_interrupting_before_anything_was_trained_leaves_a_checkpoint(make: Configure, songs: Path) -> None:
    run = make("run")
    assert train(run, songs, **_stop_after(1)).outcome == "interrupted"
    assert os.listdir(run / "checkpoints") == ["last.ckpt"]


def test_a_model_file_outside_the_package_trains_separates_and_is_listed(
    songs: Path, two_layers_path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(two_layers_path, "mine.py")
    Path("mine.py").write_text(Path("mine.py").read_text().replace("TwoLayers", "Mine"))
    configure("my_model", model="mine.py", overrides=SMALL)
    train("my_model", songs, overrides=["trainer.max_epochs=1"])
    Path("mine.py").unlink()
    listed: Any = list_models()
    (entry,) = (entry for entry in listed if entry.name == "my_model")
    assert entry.stems == ("vocals", "drums", "bass", "other")
    separate(songs / "test" / "song 4" / "vocals.wav", model="my_model", out="out")
    assert len(list(Path("out/vocals").iterdir())) == 4


def test_the_code_of_a_bundle_runs_only_where_it_was_trusted(
    make: Configure, songs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make("run", "trainer.max_epochs=1")
    train(run, songs)
    monkeypatch.setenv("AURALFLOW_HOME", str(tmp_path / "another machine"))
    with pytest.raises(CheckpointError, match="read it, and if it does no harm run 'auralflow trust"):
        load_model(str(run))
    trust(run)
    load_model(str(run))
    (run / "two_layers.py").write_text("raise SystemExit('ran')")
    with pytest.raises(CheckpointError, match="missing or changed"):
        load_model(str(run))


def test_a_refused_command_changes_nothing(make: Configure, songs: Path) -> None:
    run = make("run", "trainer.max_epochs=1")
    train(run, songs)
    before = (run / "train.yaml").read_bytes(), (run / "model.yaml").read_bytes()
    for data, options in (
        (["/does/not/exist"], {}),
        ([songs], {"overrides": ["optimizer.learning_rate=5"]}),
        ([], {"resume": True, "overrides": ["loss.0.name=l4"]}),
        ([], {"resume": True, "overrides": ["trainer.max_epochs=2", "optimizer.name=sgd"]}),
        ([], {"resume": True, "overrides": ["trainer.max_epochs=2", "fine_tune.freeze=['*']"]}),
        ([], {"resume": True, "overrides": ["trainer.max_epochs=2", "data.batch_size=4"]}),
    ):
        with pytest.raises(AuralflowError):
            train(run, data, **options)  # type: ignore[arg-type]
        assert ((run / "train.yaml").read_bytes(), (run / "model.yaml").read_bytes()) == before
    assert train(run, resume=True, overrides=["trainer.max_epochs=2"]).outcome == "finished"


def test_what_a_run_keeps_is_named(make: Configure, songs: Path) -> None:
    run = make("run", "trainer.max_epochs=1")
    train(run, songs)
    with pytest.raises(ConfigError, match=r"data.batch_size: a run that is resumed keeps it, expected 2, got 4"):
        train(run, resume=True, overrides=["data.batch_size=4", "trainer.max_epochs=3"])


def test_a_resumed_run_takes_the_rates_of_its_config(make: Configure, songs: Path) -> None:
    """Not those of the checkpoint: a rate of zero leaves the weights where they were, and so the loss of validation."""
    run = make("run", "trainer.max_epochs=1", "scheduler.name=constant")
    train(run, songs)
    before = _read(run)["state_dict"]
    train(run, resume=True, overrides=["trainer.max_epochs=2", "optimizer.learning_rate=0", "optimizer.beta_1=0.5"])
    after = _read(run)
    assert _is_equal(before, after["state_dict"])
    assert [group["betas"][0] for group in after["optimizer_states"][0]["param_groups"]] == [0.5]


def test_a_validation_song_that_breaks_is_skipped_and_told(make: Configure, songs: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"
    shutil.copytree(songs, own)
    shutil.copytree(own / "test" / "song 4", own / "valid" / "song 5")
    broken = own / "valid" / "song 3" / "bass.wav"

    def damage(end: Any) -> None:
        if end.epoch == 1:
            broken.write_bytes(b"no audio any more")

    report = train(make("run"), own, report=TrainEvents(epoch=damage))
    assert report.outcome == "finished"
    assert report.epochs == 3
    assert len(report.failed_files) == 1
    assert str(broken) in report.failed_files[0]


def test_other_stems_of_the_same_number_begin_with_a_new_head(make: Configure, songs: Path, tmp_path: Path) -> None:
    """The old one has the right shape, and would answer for stems of other names."""
    first = make("first", "spec.stems=[vocals, other]", "trainer.max_epochs=1")
    train(first, songs)
    for name, stems, is_kept in (("same", "vocals,other", True), ("swapped", "other,vocals", False)):
        run = tmp_path / name
        configure(run, from_=str(first), stems=stems, overrides=["optimizer.learning_rate=0", "trainer.max_epochs=1"])
        train(run, songs)
        one, two = (load_model(str(folder)).state_dict() for folder in (first, run))
        head = {name for name, tensor in one.items() if not torch.equal(tensor, two[name])}
        assert (head == set()) == is_kept, head
        assert len(head) < len(one)


@pytest.mark.parametrize("precision", ["32", "bf16"])
def test_clipping_bounds_what_a_step_can_do(make: Configure, songs: Path, precision: str) -> None:
    """Steps of SGD are as long as the rate times the gradient, and that is no longer than its bound."""
    sgd = ("optimizer.name=sgd", "optimizer.beta_1=0", "optimizer.learning_rate=1", "scheduler.name=constant")
    few = ("data.n_samples=2", "trainer.max_epochs=1", f"trainer.precision={precision}")
    moved = {}
    for name, clip in (("free", "0"), ("clipped", "1e-6")):
        run = make(name, *sgd, *few, f"optimizer.clip_norm={clip}")
        start = {key: tensor.clone() for key, tensor in _start(run).items()}
        train(run, songs)
        end = {key.removeprefix("model."): tensor for key, tensor in _read(run)["state_dict"].items()}
        moved[name] = sum(float((end[key] - start[key]).double().square().sum()) for key in start) ** 0.5
    assert moved["clipped"] == pytest.approx(1e-6, rel=0.05)
    assert moved["free"] > 100 * moved["clipped"]


def _start(run: Path) -> dict[str, torch.Tensor]:
    folder = RunFolder(run)
    config = folder.read_train()
    return build_model(run, folder.read_model(), config.trainer.seed, config.fine_tune).model.state_dict()


def test_half_precision_and_memory_order_train_the_same_model_nearly(make: Configure, songs: Path) -> None:
    plain, fast = make("plain"), make("fast", "trainer.precision=bf16", "trainer.channels_last=true")
    for run in (plain, fast):
        train(run, songs)
    one, two = _losses(plain)[-1][0], _losses(fast)[-1][0]
    assert one != two
    assert one == pytest.approx(two, rel=0.02)


def test_half_precision_of_gpus_is_refused_on_a_cpu(make: Configure, songs: Path) -> None:
    with pytest.raises(ConfigError, match=r"trainer.precision: 16 needs a GPU"):
        train(make("run"), songs, device="cpu", overrides=["trainer.precision=16"])


def test_a_run_that_is_judged_by_its_loss_keeps_the_epoch_of_the_least(make: Configure, songs: Path) -> None:
    run = make("run", "valid.monitor=loss", "optimizer.learning_rate=0.3", "scheduler.name=constant")
    report = train(run, songs)
    losses = [loss for _, loss in _losses(run)]
    assert report.best_epoch == 1 + losses.index(min(losses))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model": "classic"}, "has no parameters to train"),
        ({"overrides": ["loss.0.name=l3"]}, "loss.0.name: .*did you mean 'l2'"),
        ({"overrides": ["loss.0.weight=-1"]}, "loss.0.weight"),
        ({"overrides": ["data.augment.0.name=gian"]}, "data.augment.0.name: .*gain"),
        ({"overrides": ["loss.2.name=l2"]}, "the next item of this list has number 1, got 2"),
        ({"overrides": ["fine_tune.lora.rank=4"]}, "fine_tune.lora: adapts a trained model"),
        ({"overrides": ["optimizer.recurrent_learning_rate=-3"]}, "optimizer.recurrent_learning_rate"),
        ({"overrides": ["data.silence_db=.nan"]}, "data.silence_db: expected a number"),
    ],
)
def test_config_refuses_what_training_would(
    tmp_path: Path, two_layers_path: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(AuralflowError, match=message):
        configure(tmp_path / "run", **{"model": two_layers_path, **options})
    assert not (tmp_path / "run" / "train.yaml").exists()


def test_a_run_is_resumed_from_any_folder(
    make: Configure, songs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make("run", "trainer.max_epochs=1")
    monkeypatch.chdir(songs.parent)
    train(run, songs.name)
    monkeypatch.chdir(tmp_path)
    assert train(run, resume=True, overrides=["trainer.max_epochs=2"]).epochs == 2


@pytest.mark.slow
def test_torchrun_trains_like_two_devices(make: Configure, songs: Path) -> None:
    one, two = make("one", "data.batch_size=4"), make("two", "data.batch_size=2")
    train(one, songs)
    words = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--rdzv-backend=c10d"]
    words += ["--rdzv-endpoint=localhost:0", "-m", "auralflow", "train", str(two), str(songs), "--devices", "2"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=250)
    assert done.returncode == 0, done.stderr
    for (loss, valid), (other, other_valid) in zip(_losses(one), _losses(two), strict=True):
        assert abs(loss - other) < 1e-5
        assert abs(valid - other_valid) < 1e-5
