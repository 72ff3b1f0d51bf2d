"""How near a stem is to the true one: `sdr` and `si_sdr` of `auralflow.metrics`, block by block for any length.

With e the stem, s the true one, and sums over channels and time:

    sdr     10 log10(<s, s> / <s - e, s - e>)
    si_sdr  10 log10(a^2 <s, s> / <a s - e, a s - e>),  a = <e, s> / <s, s>

The last distortion is <e, e> - <e, s>^2 / <s, s>.
"""

from __future__ import annotations

import math

import numpy as np

from auralflow.audio.read import AudioReader
from auralflow.errors import AudioError
from auralflow.workers.serve import Beat


def score(stem: str, truth: str, from_s: float, for_s: float, beat: Beat) -> dict[str, float | None]:
    """Scores in dB; None where there is no number, as for a silent true stem.

    Args:
        truth: of the whole song; the stretch that was separated is compared.

    Raises:
        AudioError: a file cannot be read, or the two do not match.
    """
    with AudioReader(stem) as e_reader, AudioReader(truth, start_s=from_s, duration_s=for_s) as s_reader:
        is_alike = (e_reader.sample_rate, e_reader.channels) == (s_reader.sample_rate, s_reader.channels)
        if not is_alike:
            raise AudioError(
                f"{truth}: expected {e_reader.sample_rate} Hz and {e_reader.channels} channels as the song has, "
                f"got {s_reader.sample_rate} Hz and {s_reader.channels}"
            )
        sums = np.zeros(4)
        for e_block, s_block in zip(e_reader, s_reader, strict=False):
            n_samples = min(e_block.shape[1], s_block.shape[1])
            e, s = (block[:, :n_samples].ravel().astype(np.float64) for block in (e_block, s_block))
            sums += (s @ s, (s - e) @ (s - e), e @ s, e @ e)
            beat(0.5)
        if abs(e_reader.n_read - s_reader.n_read) > e_reader.sample_rate / 10:
            raise AudioError(
                f"{truth}: expected {e_reader.n_read / e_reader.sample_rate:.2f} s as the song has, "
                f"got {s_reader.n_read / s_reader.sample_rate:.2f} s"
            )
    energy, distortion, product, e_energy = sums.tolist()
    fitted = product**2 / energy if energy else 0.0
    return {"sdr": _decibels(energy, distortion), "si_sdr": _decibels(fitted, e_energy - fitted)}


def _decibels(signal: float, distortion: float) -> float | None:
    # What is below the rounding of the sums is no distortion that was measured.
    if signal <= 0 or distortion <= signal * 1e-14:
        return None
    return 10 * math.log10(signal / distortion)
