"""Repositories come and go, as far as a server of 60 lines can tell; the real hub is not asked."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from auralflow.errors import DownloadError
from auralflow.fetch.hub import fetch_repository, read_name, send_folder

pytest.importorskip("huggingface_hub")

REPOSITORY, COMMIT = "me/voices", "a" * 40


class _Hub(BaseHTTPRequestHandler):
    """What `huggingface_hub` asks of the hub to make, fill, list and read a repository."""

    files: dict[str, bytes]
    asked: list[str]
    address: str

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.asked.append(self.path)
        if self.path == "/api/repos/create":
            self._reply({"url": f"http://{self.headers['Host']}/{REPOSITORY}"})
        elif self.path.endswith("/preupload/main"):
            names = [file["path"] for file in json.loads(body)["files"]]
            self._reply({"files": [{"path": n, "uploadMode": "regular", "shouldIgnore": False} for n in names]})
        elif self.path.endswith("/commit/main"):
            for line in map(json.loads, body.splitlines()):
                if line["key"] == "file":
                    self.files[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
            self._reply({"commitUrl": f"{self.address}/{REPOSITORY}/commit/{COMMIT}", "commitOid": COMMIT})
        else:
            self._reply({"error": "no such call"}, 404)

    def do_GET(self) -> None:
        self.asked.append(self.path)
        path = self.path.partition("?")[0]
        if path.startswith(f"/{REPOSITORY}/resolve/"):
            self._send_file(path.rpartition("/")[2])
        elif path.startswith(f"/api/models/{REPOSITORY}/tree/"):
            self._reply([self._describe(name) for name in self.files])
        elif path.startswith(f"/api/models/{REPOSITORY}"):
            siblings = [{"rfilename": name} for name in self.files]
            self._reply(
                {"_id": "1", "id": REPOSITORY, "modelId": REPOSITORY, "sha": COMMIT, "siblings": siblings, "tags": []}
            )
        else:
            self._reply({"error": "Repository not found"}, 404, {"X-Error-Code": "RepoNotFound"})

    def do_HEAD(self) -> None:
        self.do_GET()

    def _describe(self, name: str) -> dict[str, Any]:
        return {"type": "file", "path": name, "size": len(self.files[name]), "oid": self._tag(name)}

    def _tag(self, name: str) -> str:
        return hashlib.sha1(self.files[name]).hexdigest()

    def _send_file(self, name: str) -> None:
        headers = {"ETag": f'"{self._tag(name)}"', "X-Repo-Commit": COMMIT, "Content-Type": "application/octet-stream"}
        self._write(self.files[name], 200, headers)

    def _reply(self, values: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self._write(json.dumps(values).encode(), status, {"Content-Type": "application/json"} | (headers or {}))

    def _write(self, content: bytes, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for key, value in (headers | {"Content-Length": str(len(content))}).items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Nothing on the screen."""


@pytest.fixture
def hub() -> Iterator[Any]:
    handler = type("Handler", (_Hub,), {"files": {}, "asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    handler.address = f"http://127.0.0.1:{server.server_port}"  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield handler
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def run(hub: Any, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """A line of Python in a process of its own: the package reads the hub's address when it is imported."""
    start = "from pathlib import Path; from auralflow.fetch.hub import *; from auralflow.errors import *; "

    def call(line: str, **environment: str) -> subprocess.CompletedProcess[str]:
        settings = {
            "HF_ENDPOINT": hub.address, "HF_HOME": str(tmp_path / "home"), "AURALFLOW_CACHE": str(tmp_path / "cache"),
            "HF_HUB_DISABLE_XET": "1", "HF_TOKEN": "hf_none", "no_proxy": "127.0.0.1", "AURALFLOW_OFFLINE": "0",
        }  # fmt: skip
        return subprocess.run(
            [sys.executable, "-c", start + line],
            env=os.environ | settings | environment,
            capture_output=True,
            text=True,
        )

    return call


TELL = """
def tell(function, *arguments, **options):
    try:
        print(function(*arguments, **options))
    except DownloadError as error:
        print(error)
"""


def test_a_folder_goes_there_and_comes_back(hub: Any, run: Callable[..., Any], tmp_path: Path) -> None:
    contents = {"model.yaml": b"model" * 10, "w.bin": b"w" * 20}
    (tmp_path / "model").mkdir()
    for name, content in (contents | {"private.txt": b"mine"}).items():
        (tmp_path / "model" / name).write_bytes(content)
    hub.files["huge.mp4"] = b"not asked for"
    fetch = "print(fetch_repository('hf:me/voices', ['*.yaml', '*.bin']))"
    files = f"Path({str(tmp_path / 'model')!r}), 'me/voices', {list(contents)}"
    done = run(f"print(send_folder({files}, message='m', private=True)); {fetch}")
    assert done.stderr[-600:] == ""
    address, folder = done.stdout.splitlines()
    assert address == f"{hub.address}/me/voices"
    assert hub.files == contents | {"huge.mp4": b"not asked for"}
    assert {path.name: path.read_bytes() for path in Path(folder).iterdir()} == contents
    assert Path(folder).is_relative_to(tmp_path / "cache" / "hub")
    hub.asked.clear()
    again = run(fetch, AURALFLOW_OFFLINE="1")  # what is here is used as it is
    assert (again.stdout.strip(), hub.asked) == (folder, [])


def test_what_cannot_be_had_is_one_line(hub: Any, run: Callable[..., Any]) -> None:
    lines = (
        "tell(fetch_repository, 'hf:you/none', ['*'])",
        "tell(fetch_repository, 'hf:me/voices', ['*'], offline=True)",
    )
    unknown, offline = run("\n".join([TELL, *lines])).stdout.splitlines()
    assert "hf:you/none: there is no such repository" in unknown
    assert "hf:me/voices: is not on this machine" in offline
    assert "run 'auralflow download hf:me/voices' where" in offline


@pytest.mark.slow
def test_a_hub_that_cannot_be_reached_is_one_line(run: Callable[..., Any]) -> None:
    lines = ("tell(fetch_repository, 'hf:me/x', ['*'])", "tell(send_folder, Path(), 'me/x', [], message='')")
    found = run("\n".join([TELL, *lines]), HF_ENDPOINT="http://127.0.0.1:9").stdout.splitlines()
    assert [line.partition(":")[0] for line in found] == ["hf", "me/x"]
    assert all("is there a network" in line for line in found)


@pytest.mark.parametrize("name", ["hf:", "hf:voices", "hf:a/b/c", "hf:a/b@", "hf:a b/c", "hf:a/b@v 1"])
def test_what_is_no_name_of_a_repository_is_refused(name: str) -> None:
    with pytest.raises(DownloadError, match="expected hf:OWNER/NAME"):
        read_name(name)
    with pytest.raises(DownloadError):
        fetch_repository(name, ["*"])


def test_nothing_is_sent_offline_or_to_nowhere(tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="offline"):
        send_folder(tmp_path, "me/x", [], message="")
    with pytest.raises(DownloadError, match="expected OWNER/NAME"):
        send_folder(tmp_path, "me", [], message="")
