"""Checkpoints of other packages, one file for each format, to what a bundle is made of."""
