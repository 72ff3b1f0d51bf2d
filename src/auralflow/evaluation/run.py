"""Score a system on a test set: every song once, whatever becomes of the others."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from auralflow.config import to_dict
from auralflow.errors import AudioError, AuralflowError, Cancelled, ConfigError
from auralflow.evaluation.config import EvaluationConfig
from auralflow.evaluation.events import EvaluationEvents, SongEvent
from auralflow.evaluation.journal import SongJournal
from auralflow.evaluation.plan import Plan, make_plan
from auralflow.evaluation.ranking import choose_ends, rank_songs
from auralflow.evaluation.references import Reference
from auralflow.evaluation.report import Report, summarise_songs
from auralflow.evaluation.results import SongFailure, SongScore, decode_song
from auralflow.evaluation.song import evaluate_song
from auralflow.evaluation.systems import list_files, open_system
from auralflow.separation.manifest import own_folder
from auralflow.separation.progress import CancelToken
from auralflow.workers.pool import WorkerPool
from auralflow.workers.tasks import Task, TaskEvent

WORKER = "auralflow.evaluation.worker"
"""What a worker process runs."""


def evaluate(
    config: EvaluationConfig,
    out: Path,
    *,
    n_workers: int | None = None,
    overwrite: bool = False,
    with_excerpts: bool = True,
    events: EvaluationEvents | None = None,
    cancel: CancelToken | None = None,
) -> Report:
    """Score what is not scored yet.

    Args:
        n_workers: worker processes; None scores in this process.
        overwrite: score again what an earlier run has scored.
        with_excerpts: keep ten seconds of the best and the worst songs for the report.

    Raises:
        AuralflowError: the request cannot be met, or no song could be scored.
        Cancelled: the token was cancelled; songs that are scored stay scored.
    """
    if n_workers is not None and n_workers < 1:
        raise ConfigError(f"workers: expected 1 or more, got {n_workers}")
    started = time.monotonic()
    events = events or EvaluationEvents()
    plan = make_plan(config)
    for line in (*_describe(plan), *plan.protocol.lines()):
        events.line(line)
    with own_folder(out):
        run = _Run(plan, out, events, with_excerpts)
        todo = list(plan.references) if overwrite else run.skip_done()
        if todo and n_workers is not None:
            run.score_in_workers(todo, n_workers, cancel or CancelToken())
        elif todo:
            run.score_here(todo, cancel or CancelToken())
        return run.report(time.monotonic() - started)


class _Run:
    """The state of an evaluation."""

    def __init__(self, plan: Plan, out: Path, events: EvaluationEvents, with_excerpts: bool) -> None:
        self._plan, self._out, self._events, self._with_excerpts = plan, out, events, with_excerpts
        self._journal = SongJournal(out, plan.settings)
        self._journal.drop_foreign_excerpts()
        self._by_name = {reference.name: reference for reference in plan.references}
        self._done: dict[str, SongScore] = {}
        self._failed: dict[str, SongFailure] = {}
        self._n_skipped = 0

    def skip_done(self) -> list[Reference]:
        """Take over what an earlier run has scored; gives the rest.

        A song that a report would show, and whose excerpt is not there, is done again.
        """
        references = self._plan.references
        found = {r.name: score for r in references if (score := self._journal.find(r, self._files(r))) is not None}
        shown = self._shown(list(found.values())) if self._with_excerpts else []
        for name in shown:
            if not self._journal.excerpt_path(name).is_file():
                del found[name]
        for name, score in found.items():
            self._tell("skipped", name, 1.0, score)
        self._done |= found
        self._n_skipped = len(found)
        return [reference for reference in references if reference.name not in found]

    def score_here(self, references: Sequence[Reference], cancel: CancelToken) -> None:
        """One song after the other in this process."""
        system = open_system(self._plan.system, self._plan.config)
        for reference in references:
            cancel.check()
            self._tell("started", reference.name)

            def beat(fraction: float, name: str = reference.name) -> None:
                cancel.check()
                self._tell("progress", name, fraction)

            try:
                score = evaluate_song(
                    reference,
                    system,
                    self._plan.metrics,
                    channels=self._plan.config.channels,
                    excerpt=self._excerpt(reference.name),
                    beat=beat,
                )
            except Cancelled:
                raise
            except AuralflowError as error:
                self._fail(reference.name, str(error))
            except Exception as error:  # whatever a model throws costs only its song
                reason = f"{reference.name}: {type(error).__name__}: {' '.join(str(error).split())}"
                self._fail(reference.name, reason)
            else:
                self._finish(score)

    def score_in_workers(self, references: Sequence[Reference], n_workers: int, cancel: CancelToken) -> None:
        """Several songs at once, each in a process that may crash."""
        tasks = [self._describe_task(reference) for reference in references]
        pool = WorkerPool(WORKER, {"config": to_dict(self._plan.config)}, n_workers)
        pool.run(tasks, self._hear, cancel.check)

    def report(self, seconds: float) -> Report:
        """What came of it.

        Raises:
            AudioError: no song could be scored.
        """
        songs = tuple(self._done[r.name] for r in self._plan.references if r.name in self._done)
        failed = tuple(self._failed[r.name] for r in self._plan.references if r.name in self._failed)
        if not songs:
            more = f"; and so for {len(failed) - 1} more" if len(failed) > 1 else ""
            raise AudioError(f"no song could be scored: {failed[0].reason}{more}")
        summaries = summarise_songs(songs, self._plan.protocol.stems, self._plan.columns)
        return Report(
            self._plan.system,
            self._plan.config.data,
            self._plan.protocol,
            songs,
            failed,
            summaries,
            self._out,
            seconds,
            self._n_skipped,
            excerpts=self._find_excerpts(songs),
        )

    def _hear(self, event: TaskEvent) -> None:
        if event.kind == "done":
            self._finish(decode_song(event.result))
        elif event.kind == "failed" or event.kind == "quarantined":
            self._fail(event.key, event.reason)
        else:
            self._tell(event.kind, event.key, event.fraction)

    def _finish(self, score: SongScore) -> None:
        self._done[score.name] = score
        reference = self._by_name[score.name]
        self._journal.add(reference, self._files(reference), score)
        shown = self._shown(list(self._done.values())) if self._with_excerpts else []
        self._journal.drop_excerpts(name for name in self._done if name not in shown)
        self._tell("done", score.name, 1.0, score)

    def _fail(self, name: str, reason: str) -> None:
        self._failed[name] = SongFailure(name, reason)
        self._tell("failed", name, 0.0, self._failed[name])

    def _shown(self, songs: list[SongScore]) -> list[str]:
        return [song.name for end in choose_ends(rank_songs(songs, self._plan.columns[0])) for song in end]

    def _files(self, reference: Reference) -> list[Path]:
        return list_files(self._plan.system, self._plan.config, reference)

    def _excerpt(self, name: str) -> Path | None:
        return self._journal.excerpt_path(name) if self._with_excerpts else None

    def _find_excerpts(self, songs: Sequence[SongScore]) -> dict[str, Path]:
        paths = {song.name: self._journal.excerpt_path(song.name) for song in songs}
        return {name: path for name, path in paths.items() if path.is_file()}

    def _describe_task(self, reference: Reference) -> Task:
        excerpt = self._excerpt(reference.name)
        return Task(reference.name, {"name": reference.name, "excerpt": None if excerpt is None else str(excerpt)})

    def _tell(self, kind: str, name: str, fraction: float = 0.0, result: SongScore | SongFailure | None = None) -> None:
        self._events.song(SongEvent(kind, name, len(self._plan.references), fraction, result))  # type: ignore[arg-type]


def _describe(plan: Plan) -> list[str]:
    kind = {"model": "model", "baseline": "baseline", "estimates": "estimates in"}[plan.system.kind]
    name = plan.config.system if plan.system.kind == "estimates" else plan.system.name
    told = [f"{kind} {name} on {len(plan.references)} songs of {plan.config.data}"]
    if plan.n_left_out:
        told.append(f"{plan.n_left_out} songs have none of the stems and are left out")
    return told
