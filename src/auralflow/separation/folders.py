"""Separate many files: plan, skip what is done, run, remember."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from auralflow.dsp.threads import use_threads
from auralflow.errors import ConfigError
from auralflow.fetch.reach import is_reachable
from auralflow.separation.build import build_separator, describe_separator
from auralflow.separation.config import SeparationConfig
from auralflow.separation.discover import Source, find_sources
from auralflow.separation.files import STEM_MP4, separate_file
from auralflow.separation.manifest import Manifest, own_folder
from auralflow.separation.names import check_template, find_clash, track_path
from auralflow.separation.outputs import plan_outputs
from auralflow.separation.progress import CancelToken, Progress
from auralflow.separation.results import Failure, FileResult, JobCallback, JobEvent, JobReport
from auralflow.separation.tuned import apply_tuned
from auralflow.separation.worker import decode_result, describe_setup, describe_task
from auralflow.storage.address import Place, read_place
from auralflow.workers.pool import WorkerPool
from auralflow.workers.ray_pool import Cluster, RayPool
from auralflow.workers.tasks import TaskEvent

WORKER = "auralflow.separation.worker"
"""What a worker process runs."""


class Job:
    """A separation of files into one output folder.

    Everything that can be wrong with the request is found here, before anything is written.

    Args:
        inputs: files, folders and patterns.
        config: the settings.
        out: output folder, made if it is not there.

    Raises:
        AudioError: an input does not exist, or holds no audio.
        ConfigError: two inputs would write the same output, or tuned settings are asked for that are not there.
        UnknownNameError: an unknown model, stem or format.
    """

    def __init__(self, inputs: Sequence[str | Path], config: SeparationConfig, out: Path) -> None:
        check_template(config.name)
        config = apply_tuned(config)
        self.config, self.out = config, Path(out)
        self.model = describe_separator(config)
        self.plan = plan_outputs(self.model.spec.stems, config.stems, config.mix, config.residual, config.consistency)
        self.sources = find_sources(inputs, self.out)
        self._refuse_clashes()

    def run(
        self,
        *,
        n_workers: int | None = None,
        overwrite: bool = False,
        content_hash: bool = False,
        hang_s: float = 900.0,
        cluster: Cluster | None = None,
        report: JobCallback | None = None,
        cancel: CancelToken | None = None,
    ) -> JobReport:
        """Separate what is not done yet.

        Args:
            n_workers: worker processes. None: a single file is separated in this process, many in one worker; on a
                cluster as many as it has room for.
            overwrite: separate again what is done or quarantined.
            content_hash: know inputs by their content rather than by size and time.
            hang_s: seconds without a sign of life after which a worker is replaced.
            cluster: separate on a Ray cluster instead of this machine; every node sees inputs and outputs at the same
                paths.
            report: hears of every file.

        Raises:
            ConfigError: fewer than one worker, no time to hang, or no cluster where it should be.
            MissingExtraError: a cluster without Ray.
            OutputError: the output folder cannot be written, or another job holds it.
            Cancelled: the token was cancelled; what was finished is kept.
        """
        check_workers(n_workers, hang_s)
        started = time.monotonic()
        with own_folder(self.out) as work:
            manifest = Manifest(self.out, self.config.fingerprint(self.model.identity), content_hash)
            ledger = Ledger(manifest, report, len(self.sources))
            todo = self.sources if overwrite else [s for s in self.sources if not ledger.knows(s.path)]
            if cluster is None and n_workers is None and len(self.sources) == 1:
                with use_threads(self.config.threads):
                    self._run_here(todo, work, ledger, cancel or CancelToken())
            elif todo:
                setup = describe_setup(self.config, self.out, work)
                pool = make_pool(setup, n_workers, hang_s, cluster)
                tasks = [describe_task(source.path, source.folder) for source in todo]
                pool.run(tasks, ledger.hear_worker, (cancel or CancelToken()).check)
        return ledger.close(time.monotonic() - started)

    def _run_here(self, sources: Sequence[Source], work: Path, ledger: Ledger, cancel: CancelToken) -> None:
        """One file in this process; its failure is the job's own error."""
        for source in sources:
            separator = build_separator(self.config)

            def tell(progress: Progress, path: Path = source.path) -> None:
                ledger.hear(JobEvent("progress", path, len(self.sources), progress.fraction))

            ledger.hear(JobEvent("started", source.path, len(self.sources)))
            result = separate_file(
                separator,
                source,
                self.config,
                self.out,
                work,
                progress=tell,
                cancel=cancel,
                n_threads=os.cpu_count() or 1,
            )
            ledger.hear(JobEvent("done", source.path, len(self.sources), 1.0, result))

    def _refuse_clashes(self) -> None:
        # A stem file holds all stems and is called like its track.
        is_one = self.config.format == STEM_MP4
        outputs = [
            (self._output(source, source.path.stem if is_one else name), source.path)
            for source in self.sources
            for name in self.plan.names
        ]
        clash = find_clash(outputs)
        if clash is not None:
            output, one, other = clash
            raise ConfigError(
                f"name: '{one}' and '{other}' would both write '{output}'; "
                "use a template that tells them apart, like --name '{track}.{ext}/{stem}'"
            )

    def _output(self, source: Source, name: str) -> Path:
        config = self.config
        return track_path(self.out, source.folder, config.name, source.path.name, stem=name, model=config.model)


def check_workers(n_workers: int | None, hang_s: float) -> None:
    """
    Raises:
        ConfigError: fewer than one worker, or no time to hang.
    """
    if n_workers is not None and n_workers < 1:
        raise ConfigError(f"workers: expected 1 or more, got {n_workers}")
    if not hang_s > 0:
        raise ConfigError(f"hang: expected more than 0 seconds, got {hang_s}")


def make_pool(
    setup: dict[str, Any], n_workers: int | None, hang_s: float, cluster: Cluster | None
) -> WorkerPool | RayPool:
    """Processes here, or actors on a cluster.

    Raises:
        ConfigError: nobody listens at the cluster's address.
    """
    if cluster is None:
        return WorkerPool(WORKER, setup, n_workers or 1, hang_s)
    # Ray itself would wait for minutes.
    if cluster.address is not None and not is_reachable(cluster.address):
        raise ConfigError(f"address: nobody answers at '{cluster.address}'; is the cluster up, and its port open?")
    return RayPool(WORKER, setup, n_workers, hang_s, cluster)


class Ledger:
    """Collects what happened, writes the manifest, passes events on."""

    def __init__(self, manifest: Manifest, report: JobCallback | None, n_total: int = 0) -> None:
        self._manifest, self._callback = manifest, report
        self.n_total = n_total
        """Files of the job, as far as they are known."""
        self._done: list[FileResult] = []
        self._failed: list[Failure] = []
        self._skipped: list[Place] = []

    def knows(self, path: Place) -> bool:
        """Whether a file needs no work: done before, or quarantined."""
        if self._manifest.is_done(path):
            self._skipped.append(path)
            self._pass_on(JobEvent("skipped", path, self.n_total))
            return True
        if self._manifest.is_quarantined(path):
            failure = Failure(path, "quarantined by an earlier run; --overwrite tries it again", "quarantined")
            self._failed.append(failure)
            self._pass_on(JobEvent("failed", path, self.n_total, result=failure))
            return True
        return False

    def hear(self, event: JobEvent) -> None:
        if event.kind == "done" and isinstance(event.result, FileResult):
            self._manifest.add(event.result)
            self._done.append(event.result)
        elif event.kind == "failed" and isinstance(event.result, Failure):
            self._manifest.add_failure(event.result)
            self._failed.append(event.result)
        self._pass_on(event)

    def hear_worker(self, event: TaskEvent) -> None:
        """What a worker told of its task, as what happened to a file."""
        place = read_place(event.key)
        if event.kind == "done":
            self.hear(JobEvent("done", place, self.n_total, 1.0, decode_result(event.result)))
        elif event.kind == "failed" or event.kind == "quarantined":
            kind: Literal["input", "quarantined"] = "input" if event.kind == "failed" else "quarantined"
            self.hear(JobEvent("failed", place, self.n_total, result=Failure(place, event.reason, kind)))
        else:
            self.hear(JobEvent(event.kind, place, self.n_total, event.fraction))

    def close(self, seconds: float) -> JobReport:
        return JobReport(tuple(self._done), tuple(self._failed), tuple(self._skipped), seconds)

    def _pass_on(self, event: JobEvent) -> None:
        if self._callback is not None:
            self._callback(event)
