"""Layouts of folders: one file each, a class that takes the root and lists its tracks by split."""

from auralflow.registry import Registry

datasets = Registry("auralflow.data.datasets", "dataset")

__all__ = ["datasets"]
