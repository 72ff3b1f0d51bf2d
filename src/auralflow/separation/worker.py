"""A process that separates one file after another for a `WorkerPool`.

It reads tasks from its standard input and answers on what was its standard output, both as lines of JSON. (Whatever a
library prints goes to standard error.) It ends when its input does, so it never outlives its parent.
"""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import sys
import time
from pathlib import Path, PurePath
from typing import Any, TextIO

from auralflow.config import from_dict, to_dict
from auralflow.errors import AuralflowError
from auralflow.separation.config import SeparationConfig
from auralflow.separation.discover import Source
from auralflow.separation.files import separate_file
from auralflow.separation.progress import Progress
from auralflow.separation.results import FileResult, OutputFile

_HEARTBEAT_S = 0.2


def encode_result(result: FileResult) -> dict[str, Any]:
    """A result as plain containers."""
    values = dataclasses.asdict(result) | {"source": str(result.source), "warnings": list(result.warnings)}
    values["outputs"] = [{"name": o.name, "path": str(o.path), "size_bytes": o.size_bytes} for o in result.outputs]
    return values


def decode_result(values: dict[str, Any]) -> FileResult:
    """The inverse of `encode_result`."""
    outputs = tuple(OutputFile(o["name"], Path(o["path"]), o["size_bytes"]) for o in values["outputs"])
    return FileResult(
        **values | {"source": Path(values["source"]), "outputs": outputs, "warnings": tuple(values["warnings"])}
    )


def _answer(channel: TextIO, kind: str, **values: Any) -> None:
    channel.write(json.dumps({"kind": kind, **values}) + "\n")
    channel.flush()


def _serve(channel: TextIO, setup: dict[str, Any]) -> None:
    import torch

    from auralflow.separation.build import build_separator

    torch.set_num_threads(setup["n_threads"])
    config = from_dict(SeparationConfig, setup["config"])
    separator = build_separator(config)
    out, work = Path(setup["out"]), Path(setup["work"])
    _answer(channel, "ready")
    for line in sys.stdin:
        task = json.loads(line)
        source = Source(Path(task["path"]), PurePath(task["folder"]))
        last = time.monotonic()

        def beat(progress: Progress) -> None:
            nonlocal last
            if time.monotonic() - last >= _HEARTBEAT_S:
                last = time.monotonic()
                _answer(channel, "progress", fraction=progress.fraction)

        try:
            result = separate_file(separator, source, config, out, work, progress=beat, n_threads=setup["n_threads"])
        except AuralflowError as error:
            _answer(channel, "failed", reason=str(error))
        except Exception as error:  # whatever a model or a decoder throws costs only its file
            _answer(channel, "failed", reason=f"{source.path}: {type(error).__name__}: {' '.join(str(error).split())}")
        else:
            _answer(channel, "done", result=encode_result(result))


def main() -> None:
    """Entry of the process; the first line of its input is its set-up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    setup = json.loads(sys.stdin.readline())
    try:
        _serve(channel, setup)
    except AuralflowError as error:
        _answer(channel, "fatal", reason=str(error))
    except BrokenPipeError:
        os._exit(1)


def describe_setup(config: SeparationConfig, out: Path, work: Path, n_threads: int) -> str:
    """The first line a worker reads."""
    return json.dumps({"config": to_dict(config), "out": str(out), "work": str(work), "n_threads": n_threads})


if __name__ == "__main__":
    main()
