"""The process that separates songs for the server; see `auralflow.workers`.

It keeps the models of the last songs, so that the next song with one of them begins at once.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auralflow.config import to_dict
from auralflow.errors import AudioError, OutputError
from auralflow.separation.discover import Source
from auralflow.separation.manifest import Manifest, own_folder
from auralflow.workers.serve import Beat, Work, serve

if TYPE_CHECKING:
    from auralflow.separation.base import BaseSeparator
    from auralflow.separation.config import SeparationConfig
    from auralflow.separation.progress import Progress

ABOUT = "about"
"""What a task without a song asks for: where this process computes."""

_N_KEPT = 2
_PATIENCE_S = 60.0
_RESULT = "result.json"


def prepare(setup: dict[str, Any]) -> Work:
    # A model that is not here is refused when a song is sent; nothing is fetched behind the visitor's back.
    os.environ["AURALFLOW_OFFLINE"] = "1"
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    import torch

    from auralflow.speed.process import tune_process

    tune_process()
    torch.set_num_threads(setup["n_threads"])
    models = _Models()

    def work(task: dict[str, Any], beat: Beat) -> dict[str, Any]:
        return _about(setup["device"]) if ABOUT in task else _separate(task, beat, models, setup)

    return work


def _about(device: str) -> dict[str, Any]:
    from auralflow.separation.device import choose_device, describe_device

    return {"device": describe_device(choose_device(device), device)}


def _separate(task: dict[str, Any], beat: Beat, models: _Models, setup: dict[str, Any]) -> dict[str, Any]:
    from auralflow.separation.build import describe_separator
    from auralflow.separation.files import separate_file
    from auralflow.separation.worker import encode_result

    config, song, out = _read_config(task, setup["device"]), Path(task["song"]), Path(task["out"])

    def tell(progress: Progress) -> None:
        if progress.done_s > setup["max_duration_s"] + 1:
            raise AudioError(f"{song}: is longer than it says, and longer than this server takes")
        beat(progress.fraction)

    with _hold(out) as work:
        manifest = Manifest(out, config.fingerprint(describe_separator(config).identity))
        done = out.parent / _RESULT
        if manifest.is_done(song) and done.is_file():
            return dict(json.loads(done.read_text(encoding="utf-8")))
        beat(0.0)
        separator = models.get(config)
        result = separate_file(separator, Source(song), config, out, work, progress=tell, n_threads=setup["n_threads"])
        values = encode_result(result)
        done.write_text(json.dumps(values), encoding="utf-8")
        manifest.add(result)
    return values


def _read_config(task: dict[str, Any], device: str) -> SeparationConfig:
    from auralflow.separation.config import SeparationConfig

    wish = task["wish"]
    return SeparationConfig(
        model=task["model"],
        stems=None if wish["stems"] is None else tuple(wish["stems"]),
        mix=tuple(wish["mix"]),
        residual=wish["residual"],
        consistency=wish["consistency"],
        format=wish["format"],
        dither=wish["dither"],
        name="{stem}",
        from_s=wish["from_s"] or 0.0,
        for_s=wish["for_s"],
        device=device,
    )


class _Models:
    """The separators that were used last."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, BaseSeparator[Any]] = OrderedDict()

    def get(self, config: SeparationConfig) -> BaseSeparator[Any]:
        from auralflow.separation.build import build_separator
        from auralflow.separation.plan.config import is_plan

        # A plan loads what its outputs need; a model is the same for all.
        key = json.dumps(to_dict(config)) if is_plan(config.model) else config.model
        if key not in self._kept:
            while len(self._kept) >= _N_KEPT:
                self._kept.popitem(last=False)
            self._kept[key] = build_separator(config)
        self._kept.move_to_end(key)
        return self._kept[key]


@contextmanager
def _hold(out: Path) -> Iterator[Path]:
    """The folder's lock; the worker of a server that was killed may still have it for a moment."""
    give_up = time.monotonic() + _PATIENCE_S
    with ExitStack() as stack:
        while True:
            try:
                work = stack.enter_context(own_folder(out))
                break
            except OutputError:
                if time.monotonic() > give_up:
                    raise
                time.sleep(0.2)
        yield work


def _end_with_parent(parent: int) -> None:
    """A server that was killed is noticed by its pipe only when the next progress is told, which may take a while."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


if __name__ == "__main__":
    serve(prepare, lambda task: "this song")
