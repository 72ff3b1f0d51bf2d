"""An exported model as a model again: ONNX Runtime behind the promise that every model keeps."""

from __future__ import annotations

from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from auralflow.errors import CheckpointError, ShapeError, import_extra
from auralflow.export.description import KEY, from_json
from auralflow.fetch.folder import hash_file
from auralflow.models.blocks.onnx_graph import OnnxGraph, first_line
from auralflow.models.blocks.waveform import check_mixture
from auralflow.pretrained.load import ModelDescription


class ExportedModel(nn.Module):
    """A file of `auralflow export --to onnx`, run by ONNX Runtime on the CPU.

    Its graph hears exactly `spec.segment_samples`. What is shorter is followed by silence up to there.

    Args:
        path: the `.onnx` file.

    Raises:
        MissingExtraError: ONNX Runtime is not installed.
        CheckpointError: the file is not there, is damaged, or is no export of auralflow.
        ShapeError: a mixture with other channels, or longer than a segment (when called).

    Shape:
        `[batch, channel, time]` to `[batch, stem, channel, time]`, time up to `spec.segment_samples`.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        if not path.is_file():
            raise CheckpointError(f"{path}: no such file; make it with 'auralflow export'")
        self._graph = OnnxGraph(path, str(path))
        self.description = from_json(self._graph.metadata.get(KEY), str(path))
        self.spec = self.description.spec
        expected = (1, self.spec.channels, self.spec.segment_samples)
        if self._graph.input_shape != expected:
            raise CheckpointError(f"{path}: expected a graph that takes {expected}, got {self._graph.input_shape}")

    def forward(self, mixture: Float[Tensor, "batch channel time"]) -> Float[Tensor, "batch stem channel time"]:
        check_mixture(mixture, self.spec)
        missing = self.spec.segment_samples - mixture.shape[-1]
        if missing < 0:
            raise ShapeError(
                f"expected at most {self.spec.segment_samples} samples, the length it was exported with, "
                f"got {mixture.shape[-1]}; separate longer audio with a Separator"
            )
        whole = F.pad(mixture.float(), (0, missing))
        stems = torch.cat([self._graph.run(item[None]) for item in whole])
        return stems[..., : mixture.shape[-1]].to(mixture)


def describe_export(path: Path) -> ModelDescription:
    """What can be said of a file without preparing it to run; raises as `ExportedModel` does."""
    if not path.is_file():
        raise CheckpointError(f"{path}: no such file; make it with 'auralflow export'")
    try:
        model = import_extra("onnx", "onnx").load(str(path), load_external_data=False)
    except Exception as error:  # protobuf's own, whose class depends on its backend
        raise CheckpointError(f"{path}: is no ONNX file, or is damaged: {first_line(error)}") from None
    text = next((entry.value for entry in model.metadata_props if entry.key == KEY), None)
    return ModelDescription(path.stem, from_json(text, str(path)).spec, hash_file(path))
