"""Take the complex numbers out of an exported graph, as ONNX has none.

Models are written with complex spectrograms. Their graph is run once more, node by node, with a `Pair` of real tensors
wherever a complex tensor was, while PyTorch records it: what is recorded are the same sums and products of real
tensors. So no model needs to know that it can be exported. One that does something to complex numbers that is not in
`auralflow.export.pairs` is refused by the name of that operation.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, fx, nn
from torch.export import ExportedProgram

from auralflow.export.pairs import compute


class RealModel(nn.Module):
    """A traced model that computes the same with real tensors alone.

    Raises:
        ConfigError: the model uses an operation on complex numbers that is not known here (when called).

    Shape:
        as the model it was traced from.
    """

    def __init__(self, program: ExportedProgram) -> None:
        super().__init__()
        self.traced = program.run_decompositions({}).module()

    def forward(self, mixture: Tensor) -> Tensor:
        stems: Tensor = _RealArithmetic(self.traced).run(mixture)
        return stems


class _RealArithmetic(fx.Interpreter):
    """Runs a graph; its values are real tensors and pairs."""

    def __init__(self, graph: fx.GraphModule) -> None:
        super().__init__(graph)
        self.extra_traceback = False  # it would be put into our messages

    def call_module(self, target: Any, args: Any, kwargs: Any) -> Any:
        # The graph's own checks of its input were made when it was recorded.
        return None if target == "_guards_fn" else super().call_module(target, args, kwargs)

    def call_function(self, target: Any, args: Any, kwargs: Any) -> Any:
        inner = next((i for i, value in enumerate(args) if isinstance(value, fx.GraphModule)), None)
        if inner is not None:  # what stands under a context that changes nothing here, such as autocast(enabled=False)
            return _RealArithmetic(args[inner]).run(*args[inner + 1 :])
        return compute(target, args, kwargs)
