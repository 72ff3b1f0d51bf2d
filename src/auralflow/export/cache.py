"""Exports that `--engine onnx` makes of a model by name, once for each length of segment."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import torch

from auralflow.export.description import VERSION
from auralflow.export.export import export_model
from auralflow.fetch.folder import cache_folder, hold
from auralflow.pretrained.load import describe_model, load_model


def find_export(name: str, segment_s: float | None = None) -> Path:
    """The `.onnx` file of a model, in the folder `exports` of the cache; made now if it is not there.

    Processes that want the same file wait for the one that makes it. Another version of a model, or of torch, gives
    another file; files of the folder may be deleted by anyone at any time.

    Raises:
        AuralflowError: there is no such model, or it cannot be exported.
    """
    described = describe_model(name)
    facts = json.dumps([VERSION, torch.__version__, described.identity, segment_s])
    plain = re.sub(r"[^\w.-]+", "_", described.name)[:80]
    path = cache_folder() / "exports" / f"{plain}-{hashlib.sha256(facts.encode()).hexdigest()[:16]}.onnx"
    if not path.is_file():
        with hold(path):
            if not path.is_file():
                export_model(load_model(name), described.name, path, segment_s=segment_s)
    return path
