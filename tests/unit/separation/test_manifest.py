"""The manifest survives torn lines and refuses two writers."""

from __future__ import annotations

from pathlib import Path

import pytest

from auralflow.errors import OutputError
from auralflow.separation.manifest import Manifest, own_folder
from auralflow.separation.results import Failure, FileResult, OutputFile


@pytest.fixture
def done(tmp_path: Path) -> tuple[Path, FileResult]:
    source, output = tmp_path / "song.wav", tmp_path / "out/song/vocals.wav"
    source.write_bytes(b"in")
    output.parent.mkdir(parents=True)
    output.write_bytes(b"out")
    (tmp_path / "out/.auralflow").mkdir()
    return tmp_path / "out", FileResult(source, (OutputFile("vocals", output, 3),), 1.0, 44100, 2, 0.0, (), {})


def test_a_line_makes_a_file_done(done: tuple[Path, FileResult]) -> None:
    out, result = done
    manifest = Manifest(out, "settings")
    assert not manifest.is_done(result.source)
    manifest.add(result)
    assert manifest.is_done(result.source)
    assert Manifest(out, "settings").is_done(result.source)
    assert not Manifest(out, "others").is_done(result.source)


@pytest.mark.parametrize("loss", ["cut", "gone", "input changed"])
def test_a_lost_output_or_another_input_is_not_done(done: tuple[Path, FileResult], loss: str) -> None:
    out, result = done
    Manifest(out, "s").add(result)
    if loss == "cut":
        result.outputs[0].path.write_bytes(b"o")
    elif loss == "gone":
        result.outputs[0].path.unlink()
    else:
        result.source.write_bytes(b"other")
    assert not Manifest(out, "s").is_done(result.source)


def test_a_torn_last_line_is_forgotten_and_the_next_one_is_whole(done: tuple[Path, FileResult]) -> None:
    out, result = done
    path = out / ".auralflow/manifest.jsonl"
    Manifest(out, "s").add(result)
    path.write_bytes(path.read_bytes()[:-20])
    assert not Manifest(out, "s").is_done(result.source)
    Manifest(out, "s").add(result)
    assert Manifest(out, "s").is_done(result.source)


def test_binary_rubbish_is_survived(done: tuple[Path, FileResult]) -> None:
    out, result = done
    (out / ".auralflow/manifest.jsonl").write_bytes(b"\xff\xfe\x00\n[1]\n{}\nnull\n")
    Manifest(out, "s").add(result)
    assert Manifest(out, "s").is_done(result.source)


def test_quarantine_holds_until_the_input_changes(done: tuple[Path, FileResult]) -> None:
    out, result = done
    Manifest(out, "s").add_failure(Failure(result.source, "crashed", "quarantined"))
    assert Manifest(out, "s").is_quarantined(result.source)
    assert not Manifest(out, "others").is_quarantined(result.source)
    result.source.write_bytes(b"mended")
    assert not Manifest(out, "s").is_quarantined(result.source)


def test_a_bad_input_is_tried_again(done: tuple[Path, FileResult]) -> None:
    out, result = done
    Manifest(out, "s").add_failure(Failure(result.source, "truncated", "input"))
    assert not Manifest(out, "s").is_quarantined(result.source)


def test_a_folder_has_one_owner_and_starts_clean(tmp_path: Path) -> None:
    with own_folder(tmp_path / "out") as work:
        (work / "left.tmp").write_bytes(b"x")
        with pytest.raises(OutputError, match="another auralflow job"), own_folder(tmp_path / "out"):
            pass
    stale = tmp_path / "out/.auralflow/work"
    stale.mkdir()
    (stale / "killed.tmp").write_bytes(b"x")
    with own_folder(tmp_path / "out") as work:
        assert list(work.iterdir()) == []
