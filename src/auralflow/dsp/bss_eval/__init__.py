"""BSS Eval of source images, versions 3 and 4: four ratios per stem and window, in decibels.

Vincent et al. (2012), "The signal separation evaluation campaign (2007-2010)", and Stöter, Liutkus & Ito (2018), "The
2018 signal separation evaluation campaign". An estimate `e` of a true image `s` is projected on what filters of
`n_taps` taps can make of its own image (`p`) and of all true images together (`q`):

    SDR  |s|^2 / |e - s|^2     everything that is wrong
    ISR  |s|^2 / |p - s|^2     filtering and spatial errors
    SIR  |p|^2 / |q - p|^2     the other stems
    SAR  |q|^2 / |e - q|^2     what no filter explains

Version 4 fits the filters once, to the whole signals; version 3 fits them again in every window.
"""

from auralflow.dsp.bss_eval.images import bss_eval
from auralflow.dsp.bss_eval.windows import cut, sounding_frames, sounds, windowed_sdr

__all__ = ["bss_eval", "cut", "sounding_frames", "sounds", "windowed_sdr"]
