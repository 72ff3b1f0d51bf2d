"""Demucs imports it for training on many machines; its data set does without."""
