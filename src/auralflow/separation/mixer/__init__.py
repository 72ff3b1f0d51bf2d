"""A small mixer of stems for notebooks: one piece of HTML with everything in it, that asks nobody for anything."""

from auralflow.separation.mixer.files import show_files
from auralflow.separation.mixer.mixer import MAX_BYTES, PREVIEW_S, show_mixer

__all__ = ["MAX_BYTES", "PREVIEW_S", "show_files", "show_mixer"]
