"""`auralflow separate` on real files, from the words of the command line to the files on disk."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from auralflow.cli import main

STEMS = ("vocals", "drums", "bass", "other")
SLOW_MODEL = Path(__file__).parents[1] / "models" / "slow.py"

Song = Callable[..., Path]


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def separate(pass_through_path: str) -> Callable[..., int]:
    """Run the command with the pass-through model."""

    def run(*words: str) -> int:
        return main(["separate", "--model", pass_through_path, *words])

    return run


def files_below(folder: str) -> set[str]:
    """Every file but the job's own records."""
    found = (path.relative_to(folder) for path in Path(folder).rglob("*") if path.is_file())
    return {path.as_posix() for path in found if path.parts[0] != ".auralflow"}


def test_a_song_becomes_stems(
    separate: Callable[..., int], write_wav: Song, capsys: pytest.CaptureFixture[str]
) -> None:
    song = write_wav(Path("my song.wav"), 1.3)
    assert separate(str(song)) == 0
    out, err = capsys.readouterr()
    assert files_below("separated") == {f"my song/{stem}.wav" for stem in STEMS}
    assert err.startswith("device: cpu (")
    assert all(str(Path("separated", "my song", f"{stem}.wav")) in out for stem in STEMS)
    mixture, sample_rate = soundfile.read(song, dtype="int16")
    vocals, rate_after = soundfile.read("separated/my song/vocals.wav", dtype="int16")
    assert rate_after == sample_rate
    assert np.array_equal(vocals, mixture)


def test_a_second_run_skips_what_is_done(
    separate: Callable[..., int], write_wav: Song, capsys: pytest.CaptureFixture[str]
) -> None:
    write_wav(Path("a.wav"), 0.2)
    assert separate("a.wav") == 0
    before = Path("separated/a/vocals.wav").stat().st_mtime_ns
    capsys.readouterr()
    assert separate("a.wav") == 0
    out, err = capsys.readouterr()
    assert "0 separated, 1 done before" in out
    assert err == ""
    assert Path("separated/a/vocals.wav").stat().st_mtime_ns == before
    assert separate("a.wav", "--overwrite") == 0
    assert Path("separated/a/vocals.wav").stat().st_mtime_ns > before


def test_every_flag_reaches_the_job(separate: Callable[..., int], write_wav: Song) -> None:
    write_wav(Path("a.wav"), 2.0)
    words = "a.wav --out 2024 --stems vocals --mix karaoke=-vocals --residual --format flac24 --from 0:00.5 --for 1s"
    assert separate(*words.split(), "--name", "{track} - {stem}", "--segment", "0.7") == 0
    assert files_below("2024") == {f"a - {name}.flac" for name in ("vocals", "karaoke", "residual")}
    info = soundfile.info("2024/a - karaoke.flac")
    assert (info.frames, info.subtype) == (44100, "PCM_24")
    assert not np.any(soundfile.read("2024/a - karaoke.flac")[0])


def test_a_folder_with_a_broken_file(
    separate: Callable[..., int], write_wav: Song, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a.wav", "sub/b.wav"):
        write_wav(Path("in", name), 0.2)
    Path("in/bad.wav").write_text("this is no audio")
    assert separate("in", "--stems", "vocals") == 1
    out, err = capsys.readouterr()
    assert files_below("separated") == {"a/vocals.wav", "sub/b/vocals.wav"}
    assert "2 separated, 1 failed" in out
    assert f"auralflow: error: {Path('in', 'bad.wav')}: " in err
    assert err.count("device: ") == 1
    assert separate("in", "--stems", "vocals", "--json") == 1
    values = json.loads(capsys.readouterr().out)
    assert values["exit_code"] == 1
    assert [Path(path).name for path in values["result"]["skipped"]] == ["a.wav", "b.wav"]
    assert values["result"]["failed"][0]["source"] == str(Path("in/bad.wav"))


def test_a_dry_run_writes_nothing(
    separate: Callable[..., int], write_wav: Song, capsys: pytest.CaptureFixture[str]
) -> None:
    write_wav(Path("in/a.wav"), 2.0)
    write_wav(Path("in/b.wav"), 1.0)
    assert separate("in", "--dry-run") == 0
    out, err = capsys.readouterr()
    assert "2 files, 3.0 s of audio, 8 outputs" in out
    assert err == ""
    Path("in/bad.wav").write_text("this is no audio")
    assert separate("in", "--dry-run", "--json") == 1
    values = json.loads(capsys.readouterr().out)
    assert values["result"]["n_outputs"] == 8
    assert values["result"]["fits"] is True
    assert Path(values["result"]["unusable"][0][0]).name == "bad.wav"
    assert not Path("separated").exists()


def test_names_that_begin_with_a_dash(separate: Callable[..., int], write_wav: Song) -> None:
    write_wav(Path("-x.wav"), 0.1)
    assert separate("--stems", "vocals", "--", "-x.wav") == 0
    assert separate("./-x.wav", "--stems", "drums") == 0
    assert files_below("separated") == {"-x/vocals.wav", "-x/drums.wav"}


def test_json_has_the_outputs_and_nothing_beside(
    separate: Callable[..., int], write_wav: Song, capsys: pytest.CaptureFixture[str]
) -> None:
    write_wav(Path("a.wav"), 0.5)
    assert separate("a.wav", "--json") == 0
    out, _ = capsys.readouterr()
    done = json.loads(out)["result"]["done"]
    assert [output["name"] for output in done[0]["outputs"]] == list(STEMS)
    assert all(Path(output["path"]).stat().st_size == output["size_bytes"] for output in done[0]["outputs"])
    assert done[0]["duration_s"] == 0.5


def test_quiet_says_nothing_when_all_goes_well(
    separate: Callable[..., int], write_wav: Song, capsys: pytest.CaptureFixture[str]
) -> None:
    write_wav(Path("a.wav"), 0.1)
    assert separate("a.wav", "--quiet") == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("nowhere.wav", "nowhere.wav: no such file or folder"),
        ("a.wav --model clasic", "did you mean 'classic'?"),
        ("a.wav --stems vocal", "unknown stem 'vocal': did you mean 'vocals'?"),
        ("a.wav --device cuda:99", "expected such a device"),
        ("a.wav --name ../{stem}", "leaves the output folder"),
        ("a.wav sub/a.wav", "would both write"),
        ("empty.wav", "the file is empty"),
    ],
)
def test_a_bad_request_is_one_line_and_writes_no_audio(
    words: str, text: str, separate: Callable[..., int], write_wav: Song, capsys: pytest.CaptureFixture[str]
) -> None:
    write_wav(Path("a.wav"), 0.1)
    write_wav(Path("sub/a.wav"), 0.1)
    Path("empty.wav").touch()
    assert separate(*words.split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    errors = [line for line in err.splitlines() if not line.startswith("device: ")]
    assert len(errors) == 1
    assert errors[0].startswith("auralflow: error: ")
    assert text in errors[0]
    assert files_below("separated") == set()


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_a_signal_stops_the_job_and_leaves_nothing_half_done(number: signal.Signals, write_wav: Song) -> None:
    write_wav(Path("long.wav"), 120.0)
    # A shell's background job ignores Ctrl-C, and so would what it starts.
    program = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "from auralflow.cli import main; sys.exit(main())"
    )
    words = ["separate", "long.wav", "--model", str(SLOW_MODEL), "--json"]
    with subprocess.Popen(
        [sys.executable, "-c", program, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        deadline = time.monotonic() + 60
        while not any(Path("separated/.auralflow").glob("work/*/*")) and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err.splitlines()[-1] == "auralflow: error: stopped on request; what was finished is kept"
    assert json.loads(out)["exit_code"] == 130
    assert files_below("separated") == set()
    assert not any(Path("separated/.auralflow").glob("work/*"))
