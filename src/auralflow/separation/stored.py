"""Separate files that lie elsewhere, or send stems there: a folder job whose files are listed while it runs."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path, PurePath

from auralflow.audio.probe import AUDIO_SUFFIXES
from auralflow.errors import AudioError, ConfigError
from auralflow.separation.build import describe_separator
from auralflow.separation.config import SeparationConfig
from auralflow.separation.discover import JOB_FOLDER, find_sources
from auralflow.separation.files import STEM_MP4
from auralflow.separation.folders import Ledger, check_workers, make_pool
from auralflow.separation.manifest import InputState, Manifest, own_folder
from auralflow.separation.names import check_template, track_path
from auralflow.separation.outputs import plan_outputs
from auralflow.separation.progress import CancelToken
from auralflow.separation.results import Failure, JobCallback, JobEvent, JobReport
from auralflow.separation.tuned import apply_tuned
from auralflow.separation.worker import describe_setup, describe_task
from auralflow.storage.address import Address, Place
from auralflow.storage.store import Store, StoredFile
from auralflow.workers.ray_pool import Cluster
from auralflow.workers.tasks import Task

_NO_FOLDER = Path("out")


@dataclass(frozen=True)
class _Input:
    place: Place
    folder: PurePath
    """That it keeps in the output."""
    state: InputState | None = None
    """What its listing told of it."""


class StoredJob:
    """A separation whose inputs or outputs have addresses, as `s3://bucket/music`.

    Inputs are listed while the job runs, so that it begins at once and never holds a list of all. A song is copied to
    the disk of the worker that separates it, and its stems from there to where they belong.

    Args:
        inputs: files, folders and addresses of such.
        out: folder of the outputs, or its address.

    Raises:
        ConfigError: an address that cannot be written to.
        MissingExtraError: the package for a kind of address is not installed.
        UnknownNameError: an unknown model, stem or format.
    """

    def __init__(self, inputs: Sequence[Place], config: SeparationConfig, out: Place) -> None:
        check_template(config.name)
        self.config, self.out, self.inputs = apply_tuned(config), out, list(inputs)
        self.model = describe_separator(self.config)
        self.plan = plan_outputs(self.model.spec.stems, config.stems, config.mix, config.residual, config.consistency)
        if isinstance(out, Address) and Store(out).is_read_only:
            raise ConfigError(f"out: '{out}' can only be read; give a folder or an address like s3://bucket/folder")
        self._stores = {place: Store(place) for place in self.inputs if isinstance(place, Address)}

    def run(
        self,
        *,
        n_workers: int | None = None,
        overwrite: bool = False,
        hang_s: float = 900.0,
        cluster: Cluster | None = None,
        report: JobCallback | None = None,
        cancel: CancelToken | None = None,
    ) -> JobReport:
        """Separate what is not done yet; see `Job.run`.

        Raises:
            AudioError: an input does not exist, cannot be listed, or holds no audio.
            ConfigError: fewer than one worker, no time to hang, or no cluster where it should be.
            OutputError: the outputs cannot be written, or another job holds their folder here.
            Cancelled: the token was cancelled; what was finished is kept.
        """
        check_workers(n_workers, hang_s)
        started, token = time.monotonic(), cancel or CancelToken()
        with self._own() as work:
            ledger = Ledger(manifest := Manifest(self.out, self.config.fingerprint(self.model.identity)), report)
            feed = _Feed(self, manifest, ledger, token, overwrite)
            pool = make_pool(describe_setup(self.config, self.out, work), n_workers, hang_s, cluster)
            pool.run(feed.draw(1), ledger.hear_worker, token.check, feed.more)
        return ledger.close(time.monotonic() - started)

    def list_inputs(self) -> Iterator[_Input]:
        """All audio files, as they are found.

        Raises:
            AudioError: an input does not exist, cannot be listed, or holds no audio.
        """
        for place in self.inputs:
            n_found = 0
            for found in self._list(place):
                n_found += 1
                yield found
            if not n_found:
                looked_for = ", ".join(sorted(AUDIO_SUFFIXES))
                raise AudioError(f"{place}: no audio files found there (looked for {looked_for})")

    def output_of(self, found: _Input) -> str:
        """Where the first output of a file goes, whatever its format: two that have the same would overwrite it."""
        # A stem file holds all stems and is called like its track.
        is_one = self.config.format == STEM_MP4
        stem = PurePath(found.place.name).stem if is_one else self.plan.names[0]
        config, name = self.config, found.place.name
        path = track_path(_NO_FOLDER, found.folder, config.name, name, stem=stem, model=config.model)
        return str(path).casefold()

    def _own(self) -> AbstractContextManager[Path | None]:
        """The output folder for this job alone; of one elsewhere nobody can promise that."""
        return own_folder(self.out) if isinstance(self.out, Path) else nullcontext()

    def _list(self, place: Place) -> Iterator[_Input]:
        if isinstance(place, Path):
            here = self.out if isinstance(self.out, Path) else Path(os.devnull)
            yield from (_Input(source.path, source.folder) for source in find_sources([place], here))
            return
        store = self._stores[place]
        single = store.look()
        if single is not None:
            yield _as_input(single)
        else:
            yield from (_as_input(file) for file in store.list_files() if self._is_wanted(file))

    def _is_wanted(self, file: StoredFile) -> bool:
        parts = (*file.folder.parts, file.address.name)
        is_hidden = any(part.startswith(".") for part in parts)
        is_output = str(file.address).startswith(f"{str(self.out).rstrip('/')}/")
        suffix = file.address.path.suffix.lower()
        return suffix in AUDIO_SUFFIXES and not is_hidden and not is_output and JOB_FOLDER not in parts


class _Feed:
    """Draws tasks from the listing, as workers ask for them."""

    def __init__(
        self, job: StoredJob, manifest: Manifest, ledger: Ledger, cancel: CancelToken, overwrite: bool
    ) -> None:
        self._job, self._manifest, self._ledger, self._cancel = job, manifest, ledger, cancel
        self._overwrite = overwrite
        self._inputs = job.list_inputs()
        self._outputs: set[int] = set()  # hashes: of a million names they take 60 MB

    def draw(self, n_wanted: int) -> list[Task]:
        """So many further tasks, fewer at the end of the listing."""
        tasks: list[Task] = []
        while len(tasks) < n_wanted and (found := next(self._inputs, None)) is not None:
            self._cancel.check()
            self._ledger.n_total += 1
            if isinstance(found.place, Address) and found.state is not None:
                self._manifest.note(found.place, found.state)
            if self._is_first(found) and (self._overwrite or not self._ledger.knows(found.place)):
                tasks.append(describe_task(found.place, found.folder))
        return tasks

    def more(self, n_wanted: int) -> list[Task] | None:
        """The same; None at the end of the listing."""
        return self.draw(n_wanted) or None

    def _is_first(self, found: _Input) -> bool:
        """Whether no other file writes the same outputs; else this one has failed."""
        output = hash(self._job.output_of(found))
        if output not in self._outputs:
            self._outputs.add(output)
            return True
        reason = (
            "another file would write the same outputs; use a template that tells them apart, like "
            "--name '{track}.{ext}/{stem}'"
        )
        failure = Failure(found.place, reason, "input")
        self._ledger.hear(JobEvent("failed", found.place, self._ledger.n_total, result=failure))
        return False


def _as_input(file: StoredFile) -> _Input:
    return _Input(file.address, file.folder, InputState(file.size_bytes, 0, tag=file.version))
