"""The command: its flags, what it refuses, and what it does not load."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from auralflow.errors import ConfigError, MissingExtraError, OutputError
from auralflow.web.command import serve
from auralflow.web.run import address_of
from auralflow.web.settings import ServeSettings, choose_token, default_home, parse_duration, parse_size


def test_help_loads_neither_torch_nor_the_server() -> None:
    code = (
        "import sys; from auralflow import cli; cli.main(['--help']); cli.main(['serve', '--help']); "
        "sys.exit(' '.join({'torch', 'fastapi', 'uvicorn', 'starlette', 'av'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr == ""
    assert "--max-upload" in done.stdout


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fastapi", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'auralflow\[web\]'"):
        serve()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"port": 70_000}, "port: expected 0 to 65535, got 70000"),
        ({"workers": 0}, "workers: expected 1 or more, got 0"),
        ({"max_queued": 0}, "max-queued: expected 1 or more, got 0"),
        ({"max_upload": "much"}, "max-upload: expected a size like 500MB or 2GB, got 'much'"),
        ({"max_disk": "0GB"}, "max-disk: expected a size"),
        ({"max_duration": "1:30"}, "max-duration: expected a duration like 4h, 90min or 30s, got '1:30'"),
        ({"token": "short"}, "token: expected 8 to 200 letters"),
        ({"token": "with a space in it"}, "token: expected 8 to 200 letters"),
        ({"host": ""}, "host: expected an address"),
    ],
)
def test_a_setting_that_cannot_be_is_named(tmp_path: Path, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        serve(home=tmp_path, **settings)
    assert str(caught.value).startswith(message)
    assert not list(tmp_path.iterdir())


def test_a_port_or_a_folder_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"^port: 127\.0\.0\.1:{port} cannot be had"):
            serve(home=tmp_path, port=port)
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot write there"):
        serve(home=tmp_path / "file", port=0)


@pytest.mark.parametrize(
    ("text", "n_bytes"), [("2GB", 2 * 10**9), ("500 mb", 5 * 10**8), ("1.5KB", 1500), ("12", 12), ("1e3", 1000)]
)
def test_sizes(text: str, n_bytes: int) -> None:
    assert parse_size(text) == n_bytes


@pytest.mark.parametrize(("text", "seconds"), [("4h", 14400), ("90min", 5400), ("30s", 30), ("1.5", 1.5)])
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


def test_a_token_is_made_up_where_others_can_come_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert choose_token(None, "127.0.0.1") is None
    made = {choose_token(None, "0.0.0.0") for _ in range(3)}
    assert len(made) == 3
    assert all(token is not None and len(token) >= 32 for token in made)
    monkeypatch.setenv("AURALFLOW_TOKEN", "from-the-environment")
    assert choose_token(None, "127.0.0.1") == "from-the-environment"
    assert choose_token("given-by-flag", "127.0.0.1") == "given-by-flag"
    with pytest.raises(ConfigError, match="can be reached from other machines, so a token is needed"):
        ServeSettings(tmp_path, host="0.0.0.0")
    settings = ServeSettings(tmp_path, host="::1", port=80, token="a-long-secret")
    assert address_of(settings) == "http://[::1]:80/?token=a-long-secret"


def test_the_folder_is_where_data_belongs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert default_home() == tmp_path / "auralflow"
