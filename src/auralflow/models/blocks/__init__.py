"""Layers and wrappers that several models share."""
