"""Run an ONNX graph with ONNX Runtime, on the CPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from auralflow.errors import CheckpointError, import_extra


class OnnxGraph:
    """A graph with one input and one output, ready to run; it takes as many threads as torch has when it is made.

    Args:
        source: the graph, or the path of its file.
        name: what messages call it.

    Raises:
        MissingExtraError: ONNX Runtime is not installed.
        CheckpointError: it cannot be loaded, or has other inputs and outputs.
    """

    def __init__(self, source: bytes | Path, name: str) -> None:
        runtime = import_extra("onnxruntime", "onnx")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.log_severity_level = 3  # errors; they are raised as well
        try:
            self._session: Any = runtime.InferenceSession(
                source if isinstance(source, bytes) else str(source), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # its exceptions have no common base but this
            raise CheckpointError(f"{name}: ONNX Runtime cannot load it: {first_line(error)}") from error
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        if len(inputs) != 1 or len(outputs) != 1:
            raise CheckpointError(
                f"{name}: expected a graph with one input and one output, got {len(inputs)} and {len(outputs)}"
            )
        self._input, self._output = inputs[0].name, outputs[0].name
        self.input_shape: tuple[int | str | None, ...] = tuple(inputs[0].shape)

    def run(self, values: Tensor) -> Tensor:
        """The output for these values, on the CPU."""
        result = self._session.run([self._output], {self._input: values.detach().cpu().numpy()})[0]
        return torch.from_numpy(result)

    def __deepcopy__(self, memo: dict[int, Any]) -> OnnxGraph:
        return self  # it never changes, and its session cannot be copied

    @property
    def metadata(self) -> dict[str, str]:
        """What the file says of itself."""
        return dict(self._session.get_modelmeta().custom_metadata_map)


def first_line(error: Exception) -> str:
    """The beginning of a message that may be long."""
    return " ".join(str(error).split())[:200]
