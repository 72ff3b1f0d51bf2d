"""A folder job on a real Ray cluster of several node processes: nodes die and join, nothing is lost or done twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.songs import mark_song

from auralflow import separate
from auralflow.errors import AuralflowError, ConfigError, MissingExtraError
from auralflow.separation.results import JobReport

MODELS = Path(__file__).parent.parent / "models"
WriteWav = Callable[..., Path]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A head that does no work, and no other node yet."""
    from ray.cluster_utils import Cluster

    found = Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": 0, "object_store_memory": 80 * 2**20, "include_dashboard": False},
    )
    yield found
    found.shutdown()


def _add_node(cluster: Any) -> Any:
    return cluster.add_node(num_cpus=1, object_store_memory=80 * 2**20)


@pytest.fixture
def node(cluster: Any) -> Iterator[Any]:
    """One node that works."""
    added = _add_node(cluster)
    yield added
    for left in list(cluster.worker_nodes):
        cluster.remove_node(left)


def _write_songs(folder: Path, write_wav: WriteWav, *, n_songs: int, seconds: float) -> Path:
    for number in range(n_songs):
        write_wav(folder / f"{number:03d}.wav", seed=number, seconds=seconds)
    return folder


def _start(cluster: Any, music: Path, out: Path, model: str, *more: str) -> subprocess.Popen[str]:
    words = ["separate", str(music), "--engine", "ray", "--address", cluster.address, "--out", str(out)]
    return subprocess.Popen(
        [sys.executable, "-m", "auralflow", *words, "--model", str(MODELS / model), "--stems", "vocals", *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _lines(out: Path) -> list[dict[str, Any]]:
    path = out / ".auralflow/manifest.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []


def _wait_for(out: Path, n_lines: int, process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + 240
    while len(_lines(out)) < n_lines:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, "the job does not get on"
        time.sleep(0.1)


def _assert_each_once(music: Path, out: Path) -> None:
    counts = Counter(line["input"] for line in _lines(out))
    assert counts == Counter(path.absolute().as_posix() for path in music.glob("*.wav"))
    for line in _lines(out):
        for output in line["outputs"]:
            assert (out / output["path"]).stat().st_size == output["size_bytes"]
    assert len(list(out.glob("*/vocals.wav"))) == len(counts)
    assert not (out / ".auralflow/work").exists()


@pytest.mark.slow
def test_nodes_that_die_and_join_lose_nothing(cluster: Any, node: Any, tmp_path: Path, write_wav: WriteWav) -> None:
    music, out = _write_songs(tmp_path / "music", write_wav, n_songs=300, seconds=0.1), tmp_path / "out"
    victim = _add_node(cluster)
    job = _start(cluster, music, out, "pass_through.py")
    _wait_for(out, 40, job)
    os.kill(victim.all_processes["raylet"][0].process.pid, signal.SIGKILL)  # what the node runs ends with it
    _wait_for(out, 90, job)
    _add_node(cluster)
    _, told = job.communicate(timeout=240)
    assert job.returncode == 0, told
    _assert_each_once(music, out)
    assert not (out / ".auralflow/failures.jsonl").exists()


@pytest.mark.slow
def test_a_driver_that_is_killed_goes_on_where_it_was(
    cluster: Any, node: Any, tmp_path: Path, write_wav: WriteWav
) -> None:
    music, out = _write_songs(tmp_path / "music", write_wav, n_songs=40, seconds=0.1), tmp_path / "out"
    first = _start(cluster, music, out, "pass_through.py")
    _wait_for(out, 10, first)
    first.kill()
    first.communicate()
    n_done = len(_lines(out))
    second = _start(cluster, music, out, "pass_through.py", "--json")
    told, _ = second.communicate(timeout=240)
    assert second.returncode == 0
    report = json.loads(told)["result"]
    assert len(report["skipped"]) == n_done
    _assert_each_once(music, out)


@pytest.mark.slow
def test_a_file_that_brings_actors_down_is_quarantined_and_others_go_on(
    cluster: Any, node: Any, tmp_path: Path, write_wav: WriteWav
) -> None:
    music, out = tmp_path / "music", tmp_path / "out"
    for number in range(3):
        write_wav(music / f"{number}.wav", seed=number)
    mark_song(music / "1.wav", 0.95)  # what the model dies of
    job = _start(cluster, music, out, "crashes.py", "--json")
    told, _ = job.communicate(timeout=240)
    assert job.returncode == 1
    assert len(json.loads(told)["result"]["done"]) == 2  # what Ray says of the death is not in the middle of it
    failures = [json.loads(line) for line in (out / ".auralflow/failures.jsonl").read_text().splitlines()]
    assert [(Path(line["input"]).name, line["kind"]) for line in failures] == [("1.wav", "quarantined")]
    assert len(_lines(out)) == 2


@pytest.mark.slow
def test_ctrl_c_keeps_what_is_finished(cluster: Any, node: Any, tmp_path: Path, write_wav: WriteWav) -> None:
    music, out = _write_songs(tmp_path / "music", write_wav, n_songs=30, seconds=0.2), tmp_path / "out"
    job = _start(cluster, music, out, "pass_through.py")
    _wait_for(out, 3, job)
    job.send_signal(signal.SIGINT)
    _, told = job.communicate(timeout=60)
    assert job.returncode == 130, told
    assert len(list(out.glob("*/vocals.wav"))) == len(_lines(out))


def test_what_cannot_be_is_one_line(tmp_path: Path, write_wav: WriteWav, monkeypatch: pytest.MonkeyPatch) -> None:
    song, model = write_wav(tmp_path / "a.wav"), str(MODELS / "pass_through.py")

    def run(**settings: Any) -> JobReport:
        report = separate(song, out=tmp_path / "out", model=model, **settings)
        assert isinstance(report, JobReport)
        return report

    with pytest.raises(ConfigError, match="address: belongs to a Ray cluster; add --engine ray"):
        run(address="auto")
    with pytest.raises(ConfigError, match="cpus: expected 1 or more"):
        run(engine="ray", cpus=0)
    with pytest.raises(ConfigError, match=r"gpus: expected 0, a part of one or a whole number, got 1.5"):
        run(engine="ray", gpus=1.5)
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'auralflow\[ray\]'"):
        run(engine="ray")


def test_an_address_where_nobody_answers_is_one_line(tmp_path: Path, write_wav: WriteWav) -> None:
    song, model = write_wav(tmp_path / "a.wav"), str(MODELS / "pass_through.py")
    with pytest.raises(AuralflowError, match=r"address: nobody answers at '127\.0\.0\.1:9'"):
        separate(song, out=tmp_path / "out", model=model, engine="ray", address="127.0.0.1:9")
