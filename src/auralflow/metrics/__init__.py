"""Scores of estimates against the true stems, one file each."""

from auralflow.registry import Registry

metrics = Registry("auralflow.metrics", "metric")
