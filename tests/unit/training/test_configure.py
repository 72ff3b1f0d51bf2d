"""A run folder is written from names and dotted keys, and what is wrong is named."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from auralflow.config import from_yaml, to_yaml
from auralflow.errors import AuralflowError, CheckpointError, ConfigError
from auralflow.pretrained.load import describe_model, load_model
from auralflow.pretrained.trust import is_trusted
from auralflow.training.config import LoraConfig, TrainConfig
from auralflow.training.configure import read_overrides, write_run
from auralflow.training.folder import RunFolder


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path / "my_model")


def test_written_files_are_read_back(folder: RunFolder) -> None:
    model, train = write_run(folder, model="spectrogram_net_lstm", stems=["vocals", "other"])
    assert folder.read_model() == model
    assert folder.read_train() == train == TrainConfig()
    assert model.spec.stems == ("vocals", "other")


def test_dotted_keys_reach_both_files(folder: RunFolder) -> None:
    words = [
        "config.n_hidden=7",
        "spec.segment_samples=88200",
        "optimizer.learning_rate=1e-4",
        "loss.0.name=l2",
        "fine_tune.source=somewhere",
        "fine_tune.lora.rank=3",
        "valid.max_s=null",
        "data.augment=[{name: gain, probability: 1.0}]",
        "loss.1.name=multi_stft",
        "trainer.precision=16",
    ]
    model, train = write_run(folder, model="spectrogram_net_lstm", overrides=read_overrides(words))
    assert model.config["n_hidden"] == 7
    assert model.spec.segment_samples == 88200
    assert train.optimizer.learning_rate == 1e-4
    assert [term.name for term in train.loss] == ["l2", "multi_stft"]
    assert train.trainer.precision == "16"
    assert train.fine_tune.lora == LoraConfig(rank=3)
    assert [step.name for step in train.data.augment] == ["gain"]


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("optimizer.lerning_rate=1", "optimizer.lerning_rate: unknown key, did you mean 'learning_rate'"),
        ("optimiser.learning_rate=1", "optimiser: unknown key, did you mean 'optimizer'"),
        ("config.n_hiden=1", "config.n_hiden: unknown key, did you mean 'n_hidden'"),
        ("config.n_hidden=0", "config.n_hidden: expected 1 or more"),
        ("config.n_hidden=many", "config.n_hidden: expected int, got 'many'"),
        ("spec.sample_rate=1", "spec.sample_rate: expected a whole number"),
        ("trainer.max_epochs=0", "trainer.max_epochs: expected 1 or more"),
        ("trainer.max_epochs.a=0", "nothing lies below|expected a section"),
        ("loss.2.name=l1", "the next item of this list has number 1, got 2"),
        ("optimizer.name=adamm", "expected one of 'adam', 'adamw', 'sgd'"),
        ("optimizer.learning_rate", "expected KEY=VALUE"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_written(folder: RunFolder, word: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        write_run(folder, model="spectrogram_net_lstm", overrides=read_overrides([word]))
    assert not folder.path.exists()


def test_a_misspelt_key_in_the_file_is_named(folder: RunFolder) -> None:
    write_run(folder, model="spectrogram_net_lstm")
    folder.train_yaml.write_text(folder.train_yaml.read_text().replace("max_epochs", "max_epoch"))
    with pytest.raises(ConfigError, match=r"train\.yaml: trainer\.max_epoch: unknown key, did you mean 'max_epochs'"):
        folder.read_train()


def test_a_run_is_not_overwritten(folder: RunFolder) -> None:
    write_run(folder, model="spectrogram_net_lstm")
    with pytest.raises(ConfigError, match="is a run already"):
        write_run(folder, model="spectrogram_net_simple")


@pytest.mark.parametrize("names", [{}, {"model": "spectrogram_net_lstm", "source": "x"}])
def test_either_an_architecture_or_a_source(folder: RunFolder, names: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="either"):
        write_run(folder, **names)  # type: ignore[arg-type]


def test_a_folder_that_is_no_run_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="auralflow config"):
        RunFolder(tmp_path).read_model()


def test_a_run_without_weights_is_no_model_yet(folder: RunFolder) -> None:
    write_run(folder, model="spectrogram_net_lstm")
    for look in (load_model, describe_model):
        with pytest.raises(CheckpointError, match="not trained yet"):
            look(str(folder.path))


def test_a_file_of_the_users_own_comes_along_and_is_trusted(folder: RunFolder, two_layers_path: str) -> None:
    model, _ = write_run(folder, model=two_layers_path)
    assert model.architecture == "two_layers"
    assert (folder.path / "two_layers.py").read_text() == Path(two_layers_path).read_text()
    assert is_trusted(model.code_sha256)


def test_every_default_is_in_the_yaml() -> None:
    text = to_yaml(TrainConfig())
    assert from_yaml(TrainConfig, text) == TrainConfig()
    assert set(yaml.safe_load(text)) == {
        "data", "loss", "optimizer", "scheduler", "valid", "log", "fine_tune", "trainer",
    }  # fmt: skip


def test_unwritable_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(AuralflowError, match="cannot be written"):
        write_run(RunFolder(tmp_path / "file" / "run"), model="spectrogram_net_lstm")


def test_digits_that_were_quoted_stay_text() -> None:
    assert read_overrides(["trainer.precision='32'", "a=32", "b=1e-4", "c='bf16'"]) == {
        "trainer.precision": "32",
        "a": 32,
        "b": 1e-4,
        "c": "bf16",
    }
