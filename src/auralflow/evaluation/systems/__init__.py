"""What can be scored: a model, a baseline, or a folder of estimates that somebody else made."""

from auralflow.evaluation.systems.choose import choose_stems, describe_system, list_files, list_stems, open_system
from auralflow.evaluation.systems.system import System, SystemDescription

__all__ = ["System", "SystemDescription", "choose_stems", "describe_system", "list_files", "list_stems", "open_system"]
