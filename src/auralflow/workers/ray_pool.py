"""The pool's work on a Ray cluster: actors in place of processes.

Actors come and go with the nodes of the cluster: one is started wherever its share of processors is free, and one that
is lost with its node gives its task back, which costs the task none of its tries.
"""

from __future__ import annotations

import contextlib
import importlib
import math
import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from auralflow.errors import AuralflowError, ConfigError, import_extra
from auralflow.workers.serve import attempt
from auralflow.workers.tasks import Hand, More, Report, Task, TaskQueue

_POLL_S = 0.2
_SCALE_S = 1.0
"""Between two looks at what the cluster has."""
_BEAT_S = 0.5
_MAX_FAILED_STARTS = 3


@dataclass(frozen=True)
class Cluster:
    """Where actors run, and what each of them holds there.

    Raises:
        ConfigError: actors without a processor, or a share of a GPU that cannot be.
    """

    address: str | None = None
    """Of a Ray cluster, as `ray.init` takes it; None starts one on this machine."""
    cpus: int = 1
    """Processors of an actor, and threads it computes with."""
    gpus: float = 0.0
    """GPUs of an actor: 0.5 lets two share one."""

    def __post_init__(self) -> None:
        if self.cpus < 1:
            raise ConfigError(f"cpus: expected 1 or more, got {self.cpus}")
        if self.gpus < 0 or (self.gpus > 1 and self.gpus != int(self.gpus)):
            raise ConfigError(f"gpus: expected 0, a part of one or a whole number, got {self.gpus:g}")


class _Host:
    """What an actor does. Two threads of it: one works, the other says how far it is."""

    def __init__(self) -> None:
        self._n_beats, self._fraction = 0, 0.0

    def prepare(self, module: str, setup: dict[str, Any], folder: str) -> dict[str, Any]:
        """Be set up as a worker process is, in the folder where the user is; says on which node."""
        import ray

        with contextlib.suppress(OSError):  # without it paths must be absolute; one that is not is refused as missing
            os.chdir(folder)
        try:
            worker = importlib.import_module(module)
            self._work, self._describe = worker.prepare(setup), worker.describe
        except AuralflowError as error:
            return {"kind": "fatal", "reason": str(error)}
        return {"kind": "ready", "node": ray.get_runtime_context().get_node_id()}

    def do(self, task: dict[str, Any]) -> dict[str, Any]:
        """Do one task."""
        self._beat(0.0)
        return attempt(self._work, task, self._beat, self._describe)

    def sign(self) -> tuple[int, float]:
        """How many signs of life the work has given, and the part of the task that is done."""
        return self._n_beats, self._fraction

    def _beat(self, fraction: float) -> None:
        self._n_beats, self._fraction = self._n_beats + 1, fraction


@dataclass
class _Actor(Hand):
    handle: Any
    answer: Any
    """Reference to what it says next: that it is ready, or what came of its task."""
    node: str = ""
    """Empty until it is ready."""
    sign: Any = None
    """Reference to its next sign of life."""
    n_beats: int = -1
    last_asked: float = 0.0


class RayPool:
    """Run tasks on actors of a Ray cluster, one task at a time each.

    Args:
        module: has `prepare` and `describe`, as for `auralflow.workers.serve.serve`; installed on every node.
        setup: what an actor is told before its first task, in plain containers.
        n_workers: most actors at a time; None for as many as the cluster has room for, now and later.
        hang_s: seconds without a sign of life after which an actor is replaced.

    Raises:
        MissingExtraError: Ray is not installed.
    """

    def __init__(
        self, module: str, setup: Mapping[str, Any], n_workers: int | None, hang_s: float, cluster: Cluster
    ) -> None:
        self._ray = import_extra("ray", "ray")
        self._module, self._setup = module, {**setup, "n_threads": cluster.cpus}
        self._n_workers = math.inf if n_workers is None else n_workers
        self._hang_s, self._cluster = hang_s, cluster
        self._actors: list[_Actor] = []
        self._n_failed_starts = 0
        self._last_scaled = -math.inf

    def run(self, tasks: Iterable[Task], report: Report, check: Callable[[], None], more: More | None = None) -> None:
        """Do all tasks; see `WorkerPool.run`.

        Raises:
            AuralflowError: no actor can be set up, for the reason the first one gave.
            ConfigError: there is no cluster at the address.
        """
        self._tasks = TaskQueue(tasks, report, more)
        is_ours = _connect(self._ray, self._cluster.address)
        self._make_actor = self._ray.remote(
            num_cpus=self._cluster.cpus, num_gpus=self._cluster.gpus, max_restarts=0, max_concurrency=2
        )(_Host)
        try:
            while self._tasks or self._n_busy or self._tasks.may_grow:
                check()
                self._end_hung()
                self._tasks.ask_for_more(self._n_free)
                self._scale()
                self._feed()
                self._listen_once()
        finally:
            self._stop()
            if is_ours:
                self._ray.shutdown()

    @property
    def _n_busy(self) -> int:
        return sum(actor.tried is not None for actor in self._actors)

    @property
    def _n_free(self) -> int:
        """Actors without work; without any there is still one to be started."""
        return max(1, len(self._actors)) - self._n_busy

    def _scale(self) -> None:
        """Start actors while tasks wait and the cluster has room."""
        if time.monotonic() - self._last_scaled < _SCALE_S:
            return
        self._last_scaled = time.monotonic()
        n_idle = len(self._actors) - self._n_busy
        n_wanted = max(len(self._tasks), self._tasks.may_grow) - n_idle
        n_room = min(self._n_workers - len(self._actors), self._count_room())
        for _ in range(int(min(n_wanted, n_room))):
            handle = self._make_actor.remote()
            self._actors.append(_Actor(handle, handle.prepare.remote(self._module, self._setup, os.getcwd())))

    def _count_room(self) -> int:
        """Actors for which there are processors free, beside those that are starting."""
        free = self._ray.available_resources()
        n_starting = sum(not actor.node for actor in self._actors)
        room = free.get("CPU", 0) // self._cluster.cpus
        if self._cluster.gpus:
            room = min(room, free.get("GPU", 0) // self._cluster.gpus)
        return max(0, int(room) - n_starting)

    def _feed(self) -> None:
        for actor in self._actors:
            if actor.node and actor.tried is None and not actor.verdict and self._tasks:
                actor.tried = self._tasks.begin()
                assert actor.tried is not None
                actor.answer = actor.handle.do.remote(dict(actor.tried.task.values))
                actor.last_sign = actor.last_asked = time.monotonic()

    def _listen_once(self) -> None:
        self._ask_for_signs()
        waited = {ref: actor for actor in self._actors for ref in (actor.answer, actor.sign) if ref is not None}
        if not waited:
            time.sleep(_POLL_S)
            return
        ready, _ = self._ray.wait(list(waited), num_returns=len(waited), timeout=0)
        if not ready:
            ready, _ = self._ray.wait(list(waited), num_returns=1, timeout=_POLL_S)
        for ref in ready:
            if waited[ref] in self._actors:  # its other answer may have told that it is gone
                self._hear(waited[ref], ref)

    def _ask_for_signs(self) -> None:
        now = time.monotonic()
        for actor in self._actors:
            if actor.tried is not None and actor.sign is None and now - actor.last_asked > _BEAT_S:
                actor.sign, actor.last_asked = actor.handle.sign.remote(), now

    def _hear(self, actor: _Actor, ref: Any) -> None:
        try:
            message = self._ray.get(ref)
        except self._ray.exceptions.RayError:
            self._bury(actor)
            return
        if ref == actor.sign:
            actor.sign = None
            self._hear_sign(actor, *message)
            return
        actor.answer, actor.last_sign = None, time.monotonic()
        if message["kind"] == "fatal":
            raise AuralflowError(message["reason"])
        if message["kind"] == "ready":
            actor.node, self._n_failed_starts = message["node"], 0
        elif actor.tried is not None:
            self._tasks.hear(actor.tried.task.key, message)
            actor.tried = None

    def _hear_sign(self, actor: _Actor, n_beats: int, fraction: float) -> None:
        if actor.tried is not None and n_beats != actor.n_beats:
            actor.n_beats, actor.last_sign = n_beats, time.monotonic()
            self._tasks.hear(actor.tried.task.key, {"kind": "progress", "fraction": fraction})

    def _bury(self, actor: _Actor) -> None:
        """An actor is gone; its task is tried once more or quarantined."""
        self._actors.remove(actor)
        is_alive = any(node["Alive"] and node["NodeID"] == actor.node for node in self._ray.nodes())
        if actor.tried is not None:
            reason = actor.verdict or "its worker process ended"
            self._tasks.give_back(actor.tried, reason, is_innocent=not actor.verdict and not is_alive)
        elif not actor.node:
            self._n_failed_starts += 1
            if self._n_failed_starts == _MAX_FAILED_STARTS:
                raise AuralflowError(
                    f"{_MAX_FAILED_STARTS} Ray actors in a row ended before they were ready; is this version of "
                    "auralflow installed on every node, and is there memory enough?"
                )

    def _end_hung(self) -> None:
        for actor in self._actors:
            if actor.is_hung(self._hang_s):
                self._ray.kill(actor.handle)

    def _stop(self) -> None:
        for actor in self._actors:
            self._ray.kill(actor.handle)
        self._actors.clear()


def _connect(ray: ModuleType, address: str | None) -> bool:
    """Join the cluster, or start one here; whether it is ours to leave.

    Raises:
        ConfigError: there is none at the address.
    """
    if ray.is_initialized():
        return False
    try:
        ray.init(address=address, log_to_driver=False, logging_level="ERROR", include_dashboard=False)
    except (ConnectionError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"address: no Ray cluster answers at '{address}': {reason}") from None
    return True
