"""The pictures of a sound. Their axes are text of the page, which is read at any size and in any colours."""

from __future__ import annotations

import math
from html import escape

import numpy as np

from auralflow.audio.types import Audio
from auralflow.evaluation.page.media import picture
from auralflow.plots import RANGE_DB, find_envelope, find_levels, place_marks

_N_COLUMNS = 600
_STEP_S = 2
"""Between marks on the time axis."""


def draw_waveform(audio: Audio) -> str:
    """The range of the samples in each column, all channels together, full scale from top to bottom."""
    ends = np.clip(np.stack(find_envelope(audio.samples, _N_COLUMNS)), -1, 1)
    # A line of no length would not be drawn: silence is a thin one.
    bottoms, tops = (np.round(-100 * ends).astype(int) + np.array([[1], [-1]])).tolist()
    lines = "".join(f"M{x} {top}V{bottom}" for x, (top, bottom) in enumerate(zip(tops, bottoms, strict=True)))
    box = f"-0.5 -101 {len(tops)} 202"
    return (
        f'<svg class="waveform" viewBox="{box}" preserveAspectRatio="none" aria-hidden="true"><path d="{lines}"/></svg>'
    )


def draw_spectrogram(audio: Audio, title: str) -> str:
    """Level over time and frequency, with marks on the frequency axis."""
    from matplotlib import colormaps

    level_db, _, edges_hz = find_levels(audio)
    low, high = RANGE_DB
    pixels = colormaps["magma"]((level_db[::-1] - low) / (high - low), bytes=True)[..., :3]
    marks = "".join(
        f'<i style="bottom:{height:.1%}">{f"{hz // 1000}k" if hz >= 1000 else hz}</i>'
        for hz, height in place_marks(edges_hz).items()
    )
    image = f'<img alt="{escape(title)}: spectrogram" src="{picture(np.ascontiguousarray(pixels))}">'
    return f'<div class="spectrogram">{image}{marks}</div>'


def draw_times(start_s: float, duration_s: float) -> str:
    """The time axis below a picture, in seconds of the song."""
    marks = "".join(
        f'<i style="left:{offset_s / duration_s:.1%}">{start_s + offset_s:g}</i>'
        for offset_s in range(0, math.floor(duration_s) + 1, _STEP_S)
    )
    return f'<div class="times" aria-hidden="true">{marks}</div>'
