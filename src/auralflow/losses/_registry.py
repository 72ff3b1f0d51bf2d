"""The list of losses; a file of its own, so that losses made of other losses can look them up."""

from __future__ import annotations

from auralflow.registry import Registry

losses = Registry("auralflow.losses", "loss")
