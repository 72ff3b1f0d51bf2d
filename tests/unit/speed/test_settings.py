"""What was recommended is found again for the same device, versions and model, and for nothing else."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import torch

from auralflow.errors import DownloadError
from auralflow.speed.settings import SpeedKey, SpeedSettings, TunedSettings, find_tuned, name_hardware, save_tuned

KEY = SpeedKey("A processor, 8 threads", "2.13.0", "1.0.0", "weights-1")
TUNED = TunedSettings(SpeedSettings(batch=2, threads=4), SpeedSettings(compile=True))


def test_what_is_kept_is_found_again() -> None:
    assert find_tuned(KEY) is None
    save_tuned(KEY, TUNED)
    assert find_tuned(KEY) == TUNED
    later = TunedSettings(SpeedSettings(engine="onnx"), None, "its output has 30.0 dB")
    save_tuned(KEY, later)
    assert find_tuned(KEY) == later


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(SpeedKey)])
def test_another_device_version_or_model_was_not_measured(field: str) -> None:
    save_tuned(KEY, TUNED)
    assert find_tuned(dataclasses.replace(KEY, **{field: "another"})) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "",
        lambda text: "[]",
        lambda text: text.replace('"batch": 2', '"batch": "two"'),
        lambda text: text.replace('"batch": 2', '"batch": 0'),
        lambda text: text.replace('"batch"', '"speed"'),
        lambda text: text.replace('"version": 1', '"version": 2'),
        lambda text: text.replace("weights-1", "weights-2"),
        lambda text: json.dumps({"version": 1, "key": json.loads(text)["key"]}),
    ],
)
def test_a_damaged_file_is_ignored_with_a_warning(change: object) -> None:
    path = save_tuned(KEY, TUNED)
    text = path.read_text()
    assert change(text) != text  # type: ignore[operator]
    path.write_text(change(text))  # type: ignore[operator]
    with pytest.warns(UserWarning, match="cannot be used and is ignored"):
        assert find_tuned(KEY) is None
    save_tuned(KEY, TUNED)
    assert find_tuned(KEY) == TUNED


def test_no_half_written_file_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    path = save_tuned(KEY, TUNED)

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("auralflow.fetch.folder.os.replace", fail)
    with pytest.raises(DownloadError, match="the disk is full"):
        save_tuned(KEY, TunedSettings(SpeedSettings(), None))
    assert list(path.parent.iterdir()) == [path]
    assert find_tuned(KEY) == TUNED


def test_the_file_stands_in_the_cache_under_a_plain_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AURALFLOW_CACHE", str(tmp_path))
    path = save_tuned(KEY, TUNED)
    assert path.parent == tmp_path / "speed"
    assert path.name.startswith("A_processor_8_threads-")
    assert json.loads(path.read_text())["key"]["model"] == "weights-1"


def test_a_device_has_a_name_with_its_threads() -> None:
    assert name_hardware(torch.device("cpu")).endswith(f", {torch.get_num_threads()} threads")
    assert len(name_hardware(torch.device("cpu")).partition(",")[0]) > 2
