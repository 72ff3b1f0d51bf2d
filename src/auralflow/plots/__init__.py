"""Pictures as figures of matplotlib: waveforms and spectrograms, scores, learning curves."""

from auralflow.plots.curves import Line, plot_curves
from auralflow.plots.envelope import find_envelope
from auralflow.plots.figures import save_figure
from auralflow.plots.frequency import FrequencyScale, place_marks
from auralflow.plots.levels import RANGE_DB, Levels, find_levels
from auralflow.plots.scores import plot_scores
from auralflow.plots.sketch import Sketch, Sketcher, sketch_audio
from auralflow.plots.sounds import plot_sketches, plot_stems

__all__ = [
    "RANGE_DB",
    "FrequencyScale",
    "Levels",
    "Line",
    "Sketch",
    "Sketcher",
    "find_envelope",
    "find_levels",
    "place_marks",
    "plot_curves",
    "plot_scores",
    "plot_sketches",
    "plot_stems",
    "save_figure",
    "sketch_audio",
]
