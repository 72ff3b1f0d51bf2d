"""A real server on loopback: what it gives is what the command line gives, whatever is killed meanwhile."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import soundfile

from auralflow import api, cli
from auralflow.errors import AuralflowError, ConfigError, DownloadError
from auralflow.fetch.service import API, Service

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals")

SLOW = Path(__file__).parents[1] / "models" / "slow.py"
PASS_THROUGH = SLOW.with_name("pass_through.py")


class Serve:
    """`auralflow serve` in a process of its own."""

    def __init__(self, home: Path, *flags: str) -> None:
        command = [sys.executable, "-m", "auralflow", "serve", "--home", str(home), "--port", "0"]
        models = ["--model", str(PASS_THROUGH), "--model", str(SLOW)]
        self.process = subprocess.Popen(
            [*command, *models, *flags], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
        )
        assert self.process.stderr is not None
        said = self.process.stderr.readline()
        found = re.search(r"http://\S+", said)
        assert found, said + self.process.stderr.read()
        self.address = found[0].partition("?")[0].rstrip("/")

    def service(self) -> Service:
        return Service(self.address)

    def wait(self, key: str, state: str, timeout_s: float = 240.0) -> Any:
        give_up = time.monotonic() + timeout_s
        while (found := self.service().get(f"{API}/separations/{key}"))["state"] != state:
            assert time.monotonic() < give_up, found
            assert found["state"] in ("queued", "running"), found
            time.sleep(0.1)
        return found

    def worker(self) -> psutil.Process:
        """The process that separates."""
        for process in psutil.Process(self.process.pid).children():
            if process.cmdline()[-1] == "auralflow.web.worker":
                return process
        raise AssertionError("no worker")

    def end(self, number: int = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(30)
        assert self.process.stderr is not None
        self.process.stderr.close()
        return code


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Serve]]:
    started: list[Serve] = []

    def start(*flags: str) -> Serve:
        started.append(Serve(tmp_path / "home", *flags))
        return started[-1]

    yield start
    for server in started:
        server.end(signal.SIGKILL)


def _songs(folder: Path) -> list[Path]:
    """Of several rates, depths and kinds; short."""
    generator = np.random.default_rng(0)
    folder.mkdir()
    paths = []
    for name, rate, subtype in (("a.wav", 8000, "PCM_24"), ("b.flac", 44100, "PCM_16"), ("c d.wav", 22050, "FLOAT")):
        samples = generator.uniform(-0.9, 0.9, (round(1.3 * rate), 2))
        soundfile.write(folder / name, samples, rate, subtype)
        paths.append(folder / name)
    return paths


def _files(folder: Path) -> dict[str, bytes]:
    found = sorted(path for path in folder.rglob("*") if path.is_file() and ".auralflow" not in path.parts)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def test_a_server_gives_what_the_command_line_gives_bit_for_bit(
    serve: Callable[..., Serve], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All songs by `separate --server`, through upload, worker and download; and again, which skips them."""
    paths, server = _songs(tmp_path / "songs"), serve()
    options = {"stems": "vocals,drums", "mix": "karaoke=-vocals,rhythm=drums+bass", "residual": True, "from_": "0.25"}
    words = ["--stems", "vocals,drums", "--mix", "karaoke=-vocals,rhythm=drums+bass", "--residual", "--from", "0.25"]
    songs = [str(path) for path in paths]
    api.separate(songs, model=str(PASS_THROUGH), out=tmp_path / "here", **options)  # type: ignore[arg-type]
    words += ["--model", "pass_through", "--server", server.address, "--out", str(tmp_path / "there")]
    assert cli.main(["separate", *songs, *words]) == 0
    assert _files(tmp_path / "there") == _files(tmp_path / "here")
    assert len(_files(tmp_path / "here")) == 5 * len(paths)
    capsys.readouterr()
    assert cli.main(["separate", *songs, *words, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)["result"]
    assert (len(result["done"]), len(result["skipped"])) == (0, len(paths))
    # The page's way to the same files.
    items = server.service().get(f"{API}/separations")["items"]
    assert [item["title"] for item in items] == ["c d", "b", "a"]
    for item in items:
        for track in item["tracks"][1:]:
            server.service().fetch(track["url"], tmp_path / "one", lambda: None)
            suffix = Path(track["file_name"]).suffix
            assert (tmp_path / "one").read_bytes() == (
                tmp_path / "here" / item["title"] / f"{track['name']}{suffix}"
            ).read_bytes()
    assert server.end() == 0


@pytest.mark.slow
def test_a_song_goes_on_after_the_server_or_its_worker_was_killed(serve: Callable[..., Serve], tmp_path: Path) -> None:
    samples = np.random.default_rng(1).uniform(-0.5, 0.5, (44100 * 6, 2))
    soundfile.write(tmp_path / "song.wav", samples, 44100, "PCM_16")
    server = serve()
    fields = {"model": "slow", "format": "wav16"}
    key = server.service().send(tmp_path / "song.wav", fields, lambda: None)["id"]
    waiting = server.service().send(tmp_path / "song.wav", {"model": "pass_through"}, lambda: None)["id"]
    _wait_for_progress(server, key)
    worker = server.worker()
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait()
    psutil.wait_procs([worker], 20)
    assert not worker.is_running()  # it does not outlive its server
    again = serve()
    _wait_for_progress(again, key)
    again.worker().kill()
    found = again.wait(key, "done")
    again.wait(waiting, "done")
    api.separate(tmp_path / "song.wav", model=str(SLOW), format="wav16", out=tmp_path / "here")
    for track in found["tracks"][1:]:
        again.service().fetch(track["url"], tmp_path / "one", lambda: None)
        assert (tmp_path / "one").read_bytes() == (tmp_path / "here" / "song" / f"{track['name']}.wav").read_bytes()
    assert again.end(signal.SIGINT) == 0
    assert not psutil.pid_exists(again.process.pid)


def _wait_for_progress(server: Serve, key: str) -> None:
    give_up = time.monotonic() + 120
    while (found := server.service().get(f"{API}/separations/{key}"))["progress"] == 0:
        assert time.monotonic() < give_up, found
        assert found["state"] in ("queued", "running"), found
        time.sleep(0.05)


def test_a_server_on_the_network_needs_a_token_and_prints_it(
    serve: Callable[..., Serve], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve("--host", "0.0.0.0", "--token", "a-long-secret")
    song = _songs(tmp_path / "songs")[0]
    with pytest.raises(DownloadError, match=r"expected the server's token.*AURALFLOW_TOKEN in the environment"):
        api.separate(song, server=server.address, out=tmp_path / "out")
    monkeypatch.setenv("AURALFLOW_TOKEN", "a-long-secret")
    report = api.separate(song, model="pass_through", stems="vocals", server=server.address, out=tmp_path / "out")
    assert [output.path.name for output in report.done[0].outputs] == ["vocals.wav"]  # type: ignore[union-attr]


def test_what_a_server_refuses_is_told_in_its_words(serve: Callable[..., Serve], tmp_path: Path) -> None:
    server = serve("--max-duration", "1s")
    song = _songs(tmp_path / "songs")[0]
    with pytest.raises(DownloadError, match=r"expected a song of at most 1 s, got 1 s or more"):
        api.separate(song, server=server.address, out=tmp_path / "out")
    with pytest.raises(DownloadError, match=r"unknown stem 'vocal'"):
        api.separate(song, server=server.address, stems="vocal", out=tmp_path / "out")
    with pytest.raises(ConfigError, match=r"^device: a server decides that by itself; leave --device"):
        api.separate(song, server=server.address, device="cpu", out=tmp_path / "out")
    assert not _files(tmp_path / "out")
    other = subprocess.run(
        [sys.executable, "-m", "auralflow", "serve", "--home", str(tmp_path / "home")], capture_output=True, text=True
    )
    assert other.returncode == 2
    assert "another server uses this folder" in other.stderr


def test_a_server_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    song = _songs(tmp_path / "songs")[0]
    with pytest.raises(DownloadError, match=r"the server cannot be reached: Connection refused; is it running\?"):
        api.separate(song, server="http://127.0.0.1:9", out=tmp_path / "out")
    with pytest.raises(AuralflowError, match=r"server: expected an address like http://127.0.0.1:8377, got 'studio'"):
        api.separate(song, server="studio", out=tmp_path / "out")


def _tone_hz(number: int) -> int:
    return 200 + 20 * number


def _sing(folder: Path, number: int) -> Path:
    time_s = np.arange(22050) / 44100
    path = folder / f"{number}.wav"
    soundfile.write(path, 0.25 * np.sin(2 * np.pi * _tone_hz(number) * time_s), 44100, "PCM_16")
    return path


def _hear(path: Path) -> float:
    samples, rate = soundfile.read(path, always_2d=True)
    spectrum = np.abs(np.fft.rfft(samples[:, 0]))
    return float(np.argmax(spectrum) * rate / len(samples))


def _memory_mib(server: Serve) -> float:
    root = psutil.Process(server.process.pid)
    return float(sum(process.memory_info().rss for process in (root, *root.children(recursive=True))) / 2**20)


def _separate_all(server: Serve, numbers: range, folder: Path) -> float:
    """Songs sent and stems fetched by many at once; gives the most memory that the server's processes had, in MiB."""
    fields = {"model": "pass_through", "format": "wav16", "stems": "vocals"}

    def separate(number: int) -> None:
        key = server.service().send(_sing(folder, number), fields, lambda: None)["id"]
        found = server.wait(key, "done")
        assert found["title"] == str(number)
        stem = folder / f"{number} vocals.wav"
        server.service().fetch(found["tracks"][1]["url"], stem, lambda: None)
        assert _hear(stem) == _tone_hz(number)

    most = 0.0
    with ThreadPoolExecutor(32) as visitors:
        waiting = {visitors.submit(separate, number) for number in numbers}
        while waiting:
            done, waiting = wait(waiting, 0.2)
            most = max(most, _memory_mib(server))
            for visit in done:
                visit.result()
    return most


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_many_visitors_at_once_each_get_their_own_stems(serve: Callable[..., Serve], tmp_path: Path) -> None:
    """None is lost, none is taken for another, and memory does not grow with them."""
    server = serve("--workers", "2")
    first = _separate_all(server, range(50), tmp_path)
    rest = _separate_all(server, range(50, 200), tmp_path)
    listed = server.service().get(f"{API}/separations?limit=500")["items"]
    assert sorted(int(item["title"]) for item in listed if item["state"] == "done") == list(range(200))
    assert rest < first + 40
