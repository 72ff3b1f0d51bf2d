"""Separate files on a server, `auralflow serve`, and fetch what it wrote: what would have been written here."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path, PurePath
from typing import Any

from auralflow.errors import AudioError, AuralflowError, ConfigError, DownloadError
from auralflow.fetch.service import API, Busy, Service
from auralflow.separation.config import SeparationConfig
from auralflow.separation.discover import Source, find_sources
from auralflow.separation.folders import Ledger
from auralflow.separation.manifest import Manifest, own_folder
from auralflow.separation.names import check_template, track_path
from auralflow.separation.progress import CancelToken
from auralflow.separation.results import Failure, FileResult, JobCallback, JobEvent, JobReport, OutputFile

_LOOK_S = 0.3
_HERE_ONLY = (
    *("device", "precision", "compile", "engine", "segment", "overlap", "batch", "threads", "tuned"),
    *("workers", "hang", "dry_run", "offline"),
)
"""Settings that a server has itself."""


def check_remote(given: Mapping[str, Any]) -> None:
    """Refuse settings that would not reach the server.

    Raises:
        ConfigError: one of them is given.
    """
    for name in _HERE_ONLY:
        if given.get(name):
            flag = name.replace("_", "-")
            raise ConfigError(f"{flag}: a server decides that by itself; leave --{flag} or --server out")


class RemoteJob:
    """Files that a server separates into an output folder of this machine.

    Raises:
        AudioError: an input does not exist.
        ConfigError: the name template cannot be.
    """

    def __init__(self, inputs: Sequence[str | Path], config: SeparationConfig, out: Path, service: Service) -> None:
        check_template(config.name)
        self.config, self.out, self.service = config, out, service
        self.sources = find_sources(inputs, out)

    def run(
        self,
        *,
        overwrite: bool = False,
        content_hash: bool = False,
        report: JobCallback | None = None,
        cancel: CancelToken | None = None,
    ) -> JobReport:
        """Separate what is not done yet, one file after the other.

        Raises:
            DownloadError: the server cannot be reached, or refuses the only file.
            OutputError: the output folder cannot be written.
            Cancelled: the token was cancelled; what was finished is kept.
        """
        started, token = time.monotonic(), cancel or CancelToken()
        with own_folder(self.out) as work:
            manifest = Manifest(self.out, self.config.fingerprint(self.service.address), content_hash)
            ledger = Ledger(manifest, report, len(self.sources))
            for source in self.sources:
                if overwrite or not ledger.knows(source.path):
                    self._separate(source, work, ledger, token)
        return ledger.close(time.monotonic() - started)

    def _separate(self, source: Source, work: Path, ledger: Ledger, cancel: CancelToken) -> None:
        path, n_total = source.path, len(self.sources)
        ledger.hear(JobEvent("started", path, n_total))
        try:
            found = self._follow(self._send(source, cancel), path, ledger, cancel)
            result = self._fetch(found, source, work, cancel)
        except (AudioError, DownloadError) as error:
            if n_total == 1:
                raise
            ledger.hear(JobEvent("failed", path, n_total, result=Failure(path, str(error), "input")))
        else:
            ledger.hear(JobEvent("done", path, n_total, 1.0, result))

    def _send(self, source: Source, cancel: CancelToken) -> dict[str, Any]:
        while True:
            try:
                sent: dict[str, Any] = self.service.send(source.path, self._fields(), cancel.check)
                return sent
            except Busy as busy:
                _wait(busy.wait_s, cancel)

    def _fields(self) -> dict[str, str]:
        config = self.config
        fields = {
            "model": config.model,
            "mix": ",".join(config.mix),
            "residual": "true" if config.residual else "false",
            "consistency": config.consistency,
            "format": config.format,
            "dither": config.dither,
        }
        if config.stems is not None:
            fields["stems"] = ",".join(config.stems) or "none"
        if config.from_s:
            fields["from_s"] = repr(config.from_s)
        if config.for_s is not None:
            fields["for_s"] = repr(config.for_s)
        return fields

    def _follow(self, found: dict[str, Any], path: Path, ledger: Ledger, cancel: CancelToken) -> dict[str, Any]:
        """Wait until the server is done with a song; it forgets one that failed or is not wanted any more."""
        place = f"{API}/separations/{found['id']}"
        try:
            while found["state"] in ("queued", "running"):
                _wait(_LOOK_S, cancel)
                found = self.service.get(place)
                ledger.hear(JobEvent("progress", path, len(self.sources), found["progress"]))
            if found["state"] != "done":
                raise AudioError(f"{path}: {found['error'] or 'was stopped on the server'}")
        except BaseException:
            with suppress(AuralflowError):
                self.service.delete(place)
            raise
        return found

    def _fetch(self, found: dict[str, Any], source: Source, work: Path, cancel: CancelToken) -> FileResult:
        tracks = [track for track in found["tracks"] if track["kind"] != "mixture"]
        parts = [work / str(number) for number in range(len(tracks))]
        for track, part in zip(tracks, parts, strict=True):
            self.service.fetch(track["url"], part, cancel.check)
        outputs = tuple(self._keep(track, part, source) for track, part in zip(tracks, parts, strict=True))
        return FileResult(
            source.path,
            outputs,
            found["duration_s"],
            found["sample_rate"],
            found["channels"],
            0.0,
            tuple(found["warnings"]),
            {},
        )

    def _keep(self, track: dict[str, Any], part: Path, source: Source) -> OutputFile:
        saved = PurePath(track["file_name"]).name
        is_one = saved.endswith(".stem.mp4")
        path = track_path(
            self.out,
            source.folder,
            self.config.name,
            source.path.name,
            stem=source.path.stem if is_one else track["name"],
            model=self.config.model,
            suffix=".stem.mp4" if is_one else PurePath(saved).suffix,
        )
        if path.exists() and path.samefile(source.path):
            raise AudioError(f"{path}: this output would overwrite its input; choose another --out or --name")
        path.parent.mkdir(parents=True, exist_ok=True)
        size = part.stat().st_size
        os.replace(part, path)
        return OutputFile(track["name"], path, size)


def _wait(seconds: float, cancel: CancelToken) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        cancel.check()
        time.sleep(min(left, 0.2))
