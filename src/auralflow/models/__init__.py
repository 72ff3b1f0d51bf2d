"""Separation models, one file each.

A model is a plain `torch.nn.Module` built from `(spec, config)` that keeps one promise: a mixture of shape
(batch, channel, time) in, stems of shape (batch, stem, channel, time) out, for any time. It knows no files,
no losses and no devices.

These are optional:

- `estimate(mixture) -> Estimate`, for losses that look at masks or latents;
- `select(stems) -> nn.Module`, a cheaper model that gives only these stems, equal to the full one's;
- `initial_state()` and `step(block, state)`, for streams, where the spec has a latency (see `blocks.causal`);
- `SPEC` in the model's file, the spec it has when nobody states another;
- `TINY` beside it, a small config for the contract tests of a large model.
"""

from auralflow.registry import Registry

models = Registry("auralflow.models", "model")
