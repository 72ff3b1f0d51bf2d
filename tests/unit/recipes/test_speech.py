"""The voices of the data recipe that speak: text read aloud by programs, the same for the same seed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import soundfile

import speech
from library import READERS, VOICES

pytestmark = pytest.mark.skipif(
    not shutil.which("flite"), reason="needs Debian's flite, which the recipe's README names"
)


def test_a_reading_is_a_function_of_the_seed_and_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speech, "READERS", ("slt", "rms"))
    for folder, seed in (("one", 1), ("same", 1), ("other", 2)):
        speech.lay_out_speech(tmp_path / folder, 2, seed)
    takes = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*.wav"))
    assert [str(take) for take in takes] == ["rms/000.wav", "rms/001.wav", "slt/000.wav", "slt/001.wav"]
    for take in takes:
        read, again, other = ((tmp_path / folder / take).read_bytes() for folder in ("one", "same", "other"))
        assert read == again != other
        assert soundfile.info(tmp_path / "one" / take).duration > 5
    (tmp_path / "one" / takes[0]).unlink()
    speech.lay_out_speech(tmp_path / "one", 2, 1)
    assert not (tmp_path / "one" / takes[0]).exists()


def test_readers_train_and_neither_choose_nor_test() -> None:
    assert set(READERS) < set(VOICES["train"])
    assert not set(READERS) & {*VOICES["dev"], *VOICES["test"]}
