"""Songs and stems that lie in an object store: a job there is as safe as one in a folder."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import soundfile
from tests.s3 import S3, SECRET

from auralflow import separate
from auralflow.errors import AudioError, ConfigError
from auralflow.separation.results import JobReport
from auralflow.storage.address import Address
from auralflow.storage.store import Store

WriteWav = Callable[..., Path]


@pytest.fixture
def music(s3: S3, tmp_path: Path, write_wav: WriteWav) -> Address:
    """Three songs, one file that is none, and what is no audio at all."""
    for number, key in enumerate(("a.wav", "album/b.wav", "album/disc 2?/ç.wav")):
        s3.store("in").send(write_wav(tmp_path / "here.wav", seed=number), key)
    s3.store("in").write("album/broken.flac", b"fLaC and then nothing of use")
    s3.store("in").write("album/notes.txt", b"no audio")
    return Address("s3://music/in")


def _run(*inputs: object, out: object, **settings: object) -> JobReport:
    report = separate([str(one) for one in inputs], out=str(out), stems="vocals", **settings)  # type: ignore[arg-type]
    assert isinstance(report, JobReport)
    return report


def test_from_a_bucket_to_a_bucket_and_only_once(
    s3: S3, music: Address, pass_through_path: str, tmp_path: Path
) -> None:
    report = _run(music, out="s3://music/out", model=pass_through_path)
    keys = sorted(str(file.address) for file in s3.store("out").list_files() if ".auralflow" not in str(file.address))
    assert keys == [f"s3://music/out/{key}/vocals.wav" for key in ("a", "album/b", "album/disc 2?/ç")]
    assert [(str(f.source), f.kind) for f in report.failed] == [("s3://music/in/album/broken.flac", "input")]
    assert {str(result.outputs[0].path) for result in report.done} == set(keys)
    for name, key in (("in.wav", "in/a.wav"), ("out.wav", "out/a/vocals.wav")):
        s3.store(key).fetch(tmp_path / name)
    assert (soundfile.read(tmp_path / "in.wav")[0] == soundfile.read(tmp_path / "out.wav")[0]).all()

    s3.store("in").send(tmp_path / "out.wav", "album/b.wav")
    again = _run(music, out="s3://music/out", model=pass_through_path)
    assert [str(result.source) for result in again.done] == ["s3://music/in/album/b.wav"]
    assert len(again.skipped) == 2


@pytest.mark.slow
def test_a_bucket_that_throttles_in_the_middle_loses_nothing(
    s3: S3, music: Address, pass_through_path: str, tmp_path: Path
) -> None:
    s3.every = 4  # each fourth request is refused
    report = _run(music, out=tmp_path / "out", model=pass_through_path)
    assert len(report.done) == 3
    lines = [json.loads(line) for line in (tmp_path / "out/.auralflow/manifest.jsonl").read_text().splitlines()]
    assert {line["input"] for line in lines} == {str(result.source) for result in report.done}
    back = _run(tmp_path / "out", out="s3://music/back", model=pass_through_path)
    assert len(back.done) == 3
    assert not [f for f in Store(Address("s3://music")).list_files() if f.address.name.endswith(".part")]


def test_two_files_of_one_name_do_not_overwrite_each_other(
    s3: S3, pass_through_path: str, tmp_path: Path, write_wav: WriteWav
) -> None:
    song = write_wav(tmp_path / "song.wav")
    for key in ("a.wav", "a.flac", "A.wav"):
        s3.store("in").send(song, key)
    report = _run("s3://music/in", out=tmp_path / "out", model=pass_through_path)
    assert len(report.done) == 1
    assert len(report.failed) == 2
    assert "another file would write the same outputs" in report.failed[0].reason


def test_stem_files_need_no_track_in_their_names(
    s3: S3, pass_through_path: str, tmp_path: Path, write_wav: WriteWav
) -> None:
    for name in ("one.wav", "two.wav"):
        s3.store("in").send(write_wav(tmp_path / name), name)
    report = separate("s3://music/in", out=tmp_path / "out", model=pass_through_path, name="{stem}", format="stem.mp4")
    assert isinstance(report, JobReport)
    assert not report.failed
    assert sorted(path.name for path in (tmp_path / "out").glob("*.mp4")) == ["one.stem.mp4", "two.stem.mp4"]


def test_what_cannot_be_is_said_before_anything_runs(s3: S3, pass_through_path: str, tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="s3://music/none: there is no such file or folder"):
        _run("s3://music/none", out=tmp_path / "out", model=pass_through_path)
    s3.store("empty").write("notes.txt", b"")
    with pytest.raises(AudioError, match="s3://music/empty: no audio files found there"):
        _run("s3://music/empty", out=tmp_path / "out", model=pass_through_path)
    with pytest.raises(ConfigError, match="can only be read"):
        _run("s3://music/in", out="https://127.0.0.1/out", model=pass_through_path)
    with pytest.raises(ConfigError, match=r"dry_run: needs files on this machine"):
        _run("s3://music/in", out=tmp_path / "out", model=pass_through_path, dry_run=True)


def test_the_command_never_shows_a_secret(s3: S3, music: Address, pass_through_path: str, tmp_path: Path) -> None:
    words = ["separate", str(music), "--out", str(tmp_path / "out"), "--model", pass_through_path, "--stems", "vocals"]
    done = subprocess.run([sys.executable, "-m", "auralflow", *words], capture_output=True, text=True)
    assert done.returncode == 1  # one file is broken
    assert "s3://music/in/album/b.wav" in done.stdout
    refused = subprocess.run(
        [sys.executable, "-m", "auralflow", *words[:1], "s3://nobodys/in", *words[2:]], capture_output=True, text=True
    )
    assert refused.returncode == 2
    everything = done.stdout + done.stderr + refused.stdout + refused.stderr
    assert SECRET not in everything
    assert "someone" not in everything


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def test_one_song_from_the_web(pass_through_path: str, tmp_path: Path, write_wav: WriteWav) -> None:
    write_wav(tmp_path / "web/my song.wav")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=tmp_path / "web")) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/my%20song.wav"
        report = _run(f"{address}?signature=hush", out=tmp_path / "out", model=pass_through_path)
        server.shutdown()
    assert str(report.done[0].source) == address
    assert (tmp_path / "out/my song/vocals.wav").is_file()
