"""The process that separates files for a job; see `auralflow.workers`."""

from __future__ import annotations

import dataclasses
from pathlib import Path, PurePath
from typing import Any

from auralflow.config import from_dict, to_dict
from auralflow.separation.config import SeparationConfig
from auralflow.separation.discover import Source
from auralflow.separation.files import separate_file
from auralflow.separation.results import FileResult, OutputFile
from auralflow.separation.staging import Staging
from auralflow.storage.address import Address, Place, read_place
from auralflow.workers.serve import Beat, Work, serve
from auralflow.workers.tasks import Task


def encode_result(result: FileResult) -> dict[str, Any]:
    """A result as plain containers."""
    values = dataclasses.asdict(result) | {"source": str(result.source), "warnings": list(result.warnings)}
    values["outputs"] = [{"name": o.name, "path": str(o.path), "size_bytes": o.size_bytes} for o in result.outputs]
    return values


def decode_result(values: dict[str, Any]) -> FileResult:
    """The inverse of `encode_result`."""
    outputs = tuple(OutputFile(o["name"], read_place(o["path"]), o["size_bytes"]) for o in values["outputs"])
    return FileResult(
        **values | {"source": read_place(values["source"]), "outputs": outputs, "warnings": tuple(values["warnings"])}
    )


def describe_setup(config: SeparationConfig, out: Place, work: Path | None) -> dict[str, Any]:
    """What a worker is told first.

    Args:
        out: folder of the outputs, here or elsewhere.
        work: folder for unfinished files; None for one of the machine's own.
    """
    return {"config": to_dict(config), "out": _name(out), "work": None if work is None else str(work)}


def describe_task(place: Place, folder: PurePath) -> Task:
    """What a worker is told of a file; the key is its path or address.

    Args:
        folder: that it keeps in the output.
    """
    return Task(str(place), {"path": _name(place), "folder": folder.as_posix()})


def _name(place: Place) -> str:
    return place.url if isinstance(place, Address) else str(place)


def prepare(setup: dict[str, Any]) -> Work:
    """Load the model; gives what separates one file after another."""
    import torch

    from auralflow.separation.build import build_separator
    from auralflow.speed.process import tune_process

    tune_process()
    config = from_dict(SeparationConfig, setup["config"])
    # Its share of the cores is the most that a worker may take.
    torch.set_num_threads(min(setup["n_threads"], config.threads or setup["n_threads"]))
    separator = build_separator(config)
    out = read_place(setup["out"])

    def separate(task: dict[str, Any], beat: Beat) -> dict[str, Any]:
        place = read_place(task["path"])
        with Staging(place, out, setup["work"]) as staging:
            result = separate_file(
                separator,
                Source(staging.source, PurePath(task["folder"])),
                config,
                staging.out,
                staging.work,
                progress=lambda progress: beat(progress.fraction),
                n_threads=setup["n_threads"],
            )
            return encode_result(dataclasses.replace(result, source=place, outputs=staging.deliver(result.outputs)))

    return separate


def describe(task: dict[str, Any]) -> str:
    """What a task is called."""
    return str(task["path"])


if __name__ == "__main__":
    serve(prepare, describe)
