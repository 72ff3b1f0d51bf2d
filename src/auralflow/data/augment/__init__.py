"""Transforms that make more of a stem: one file each, a frozen dataclass whose fields are its options.

A transform is called with `(samples, sample_rate, random)`: samples of axes (channel, time), and a numpy `Generator`
that is the only source of its draws. It returns new samples of the same length; it never writes into what it was given.
`SCOPE` says who shares a draw: with `stem` each stem has its own, with `song` all stems that come from one song have
the same, so that they stay in tune and in time. A transform that consumes another length than it gives has
`n_input(n_output)`, the most samples it may need for `n_output`; it is given that many and returns at least `n_output`.
"""

from auralflow.registry import Registry

augmentations = Registry("auralflow.data.augment", "augmentation")

__all__ = ["augmentations"]
