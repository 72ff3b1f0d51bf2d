"""Scores of estimates against the true stems, one file each."""

from auralflow.metrics._metric import Column, Metric, load_metric, metrics

__all__ = ["Column", "Metric", "load_metric", "metrics"]
