"""A server on loopback whose worker copies songs instead of separating them, and a plain client."""

from __future__ import annotations

import io
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import uvicorn

from auralflow.web import runner
from auralflow.web.offered import OfferedModels
from auralflow.web.record import Record
from auralflow.web.run import Listener
from auralflow.web.settings import API, Limits, ServeSettings
from auralflow.web.state import Server, open_server

WORKER = '''
"""Copies the song; what else it does stands in the file `behave` of the server's folder."""
import os, shutil, time
from pathlib import Path
from auralflow.audio.probe import probe
from auralflow.errors import AudioError
from auralflow.web.worker import ABOUT
from auralflow.workers.serve import serve

def prepare(setup):
    def work(task, beat):
        if ABOUT in task:
            return {"device": "a copying machine"}
        song, out = Path(task["song"]), Path(task["out"])
        place = song.parents[2] / "behave"
        words = place.read_text().split() if place.exists() else ["copy"]
        if words[0] == "refuse":
            raise AudioError(f"{song}: cannot be separated on {out}")
        if words[0] == "crash":
            os._exit(3)
        if words[0] == "slow":
            for step in range(int(words[1])):
                beat(step / int(words[1]))
                time.sleep(0.05)
        out.mkdir(exist_ok=True)
        outputs = []
        for name in task["wish"]["stems"] or ["vocals", "drums", "bass", "other"]:
            path = out / f"{name}{song.suffix}"
            shutil.copy(song, path)
            outputs.append({"name": name, "path": str(path), "size_bytes": path.stat().st_size})
        info, duration_s = probe(song), task["wish"]["for_s"]
        return {
            "outputs": outputs,
            "duration_s": duration_s or info.duration_s,
            "sample_rate": info.sample_rate,
            "channels": info.channels,
            "warnings": [],
        }
    return work

serve(prepare, lambda task: "a song")
'''


@dataclass
class Answer:
    """A response, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def reason(self) -> str:
        """The one plain line of a refusal."""
        text: str = self.json["error"]["message"]
        assert "\n" not in text
        return text


@dataclass
class Client:
    """Speaks with a server as a browser would, or worse."""

    port: int
    server: Server
    token: str | None = None
    song: bytes = b""
    """A second of noise."""

    def __post_init__(self) -> None:
        self.song = self.make_song()

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        """One request; names of headers have `_` for `-`."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token:
            named.setdefault("Authorization", f"Bearer {self.token}")
        try:
            connection.request(method, path if path.startswith("/") else f"{API}/{path}", body, named)
            response = connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, **headers)

    def post(self, path: str, values: Any = None) -> Answer:
        if values is None:
            return self.ask("POST", path)
        return self.ask("POST", path, json.dumps(values).encode(), Content_Type="application/json")

    def send(self, content: bytes, name: str = "song.wav", **fields: str) -> Answer:
        """Upload a song."""
        body, kind = self.make_form({"file": (name, content)}, fields)
        return self.ask("POST", "separations", body, Content_Type=kind)

    def wait(self, key: str, state: str = "done", timeout_s: float = 60.0) -> Any:
        """The separation, once it is in a state."""
        give_up = time.monotonic() + timeout_s
        while (found := self.get(f"separations/{key}").json)["state"] != state:
            assert time.monotonic() < give_up, found
            assert found["state"] in ("queued", "running"), found
            time.sleep(0.05)
        return found

    def separate(self, content: bytes, name: str = "song.wav", **fields: str) -> Any:
        """Upload a song and wait for its stems."""
        answer = self.send(content, name, **fields)
        assert answer.status == 201, answer.body
        return self.wait(answer.json["id"])

    def behave(self, words: str) -> None:
        """Tell the worker what to do with the next songs."""
        (self.server.home.path / "behave").write_text(words)

    @staticmethod
    def make_form(files: Mapping[str, tuple[str, bytes]], fields: Mapping[str, str]) -> tuple[bytes, str]:
        """A form as browsers write it, and its content type."""
        mark = secrets.token_hex(12)
        parts = [
            f'--{mark}\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n'.encode() for n, v in fields.items()
        ]
        for field_name, (name, content) in files.items():
            head = f'--{mark}\r\nContent-Disposition: form-data; name="{field_name}"; filename="'.encode()
            quoted = name.encode().replace(b'"', b"%22")
            parts.append(head + quoted + b'"\r\nContent-Type: audio/wav\r\n\r\n' + content + b"\r\n")
        return b"".join(parts) + f"--{mark}--\r\n".encode(), f"multipart/form-data; boundary={mark}"

    @staticmethod
    def make_song(seconds: float = 1.0, channels: int = 2, sample_rate: int = 8000, seed: int = 0) -> bytes:
        """A WAV file of noise."""
        samples = np.random.default_rng(seed).uniform(-0.5, 0.5, (round(seconds * sample_rate), channels))
        file = io.BytesIO()
        soundfile.write(file, samples, sample_rate, "PCM_16", format="WAV")
        return file.getvalue()


Start = Callable[..., Any]


@pytest.fixture(scope="session")
def _worker_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("worker")
    (folder / "copying_worker.py").write_text(WORKER)
    return folder


@contextmanager
def run_server(settings: ServeSettings, worker_path: Path) -> Iterator[Client]:
    """A server in a thread of this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(worker_path))
        patch.setattr(runner, "WORKER", "copying_worker")
        with closing(uvicorn.Config("no:app", port=0).bind_socket()) as socket:
            settings = replace(settings, port=socket.getsockname()[1])
            with open_server(settings, OfferedModels(settings.models)) as server:
                ready = threading.Event()
                listener = Listener(server, ready.set)
                thread = threading.Thread(target=listener.run, args=([socket],))
                thread.start()
                try:
                    assert ready.wait(30)
                    yield Client(settings.port, server, settings.token)
                finally:
                    listener.should_exit = True
                    thread.join()


@pytest.fixture
def start(tmp_path: Path, _worker_path: Path) -> Start:
    """Start a server with limits of one's own; its home stays for the next one of a test."""

    def begin(token: str | None = None, **limits: Any) -> Any:
        settings = ServeSettings(tmp_path / "home", port=0, token=token, limits=Limits(**limits))
        return run_server(settings, _worker_path)

    return begin


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory, _worker_path: Path) -> Iterator[Client]:
    """One server for all tests of a module."""
    with run_server(ServeSettings(tmp_path_factory.mktemp("home"), port=0), _worker_path) as client:
        yield client


@pytest.fixture
def record() -> Callable[..., Record]:
    """An entry for the list."""
    from auralflow.web.wish import Wish

    def make(key: str, **values: Any) -> Record:
        defaults: dict[str, Any] = {"title": key, "suffix": ".wav", "wish": Wish(), "song_bytes": 10}
        return Record(id=key, **defaults | values)

    return make
