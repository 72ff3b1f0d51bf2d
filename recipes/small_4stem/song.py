"""One song: a score, who plays it on what, and the desk; four stems come out, and their sum is the mixture.

Everything is drawn from one generator, so a seed is a song. Balance, rooms, tuning, width and the bus vary more than in
published records: what a network has to learn is what voices and instruments are, not how this recipe mixes them.
"""

from __future__ import annotations

import numpy as np

from band import play_bass, play_drums, play_others
from mixdown import balance, master, tune
from notes import RATE, Sound
from score import write_score
from studio import Studio
from vocals import record_vocals


def render_song(studio: Studio, random: np.random.Generator, duration_s: float) -> dict[str, Sound]:
    """Four stems; one that the score lacks is silent.

    Shape:
        each (2, time), of one length
    """
    score = write_score(random, duration_s, studio.grooves)
    n_samples = round(duration_s * RATE)
    stems = {
        "vocals": record_vocals(studio, score, n_samples, random),
        "drums": play_drums(studio, score, n_samples, random),
        "bass": play_bass(studio, score, n_samples, random),
        "other": play_others(studio, score, n_samples, random),
    }
    return master(tune(balance(stems, random), random), random)
