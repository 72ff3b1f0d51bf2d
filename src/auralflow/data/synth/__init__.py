"""Songs made of nothing but numbers: drum kit, bass line, chords and a singing voice, as four stems.

    SongConfig -> draw_plan (tempo, key, form, chords) -> one renderer per stem -> rooms -> balance -> render_song

Songs differ in tempo, key, style, kit, instruments, voice, melody and words; a seed names a song. The renderer
stands on numpy alone.
"""

from auralflow.data.synth.plan import SongConfig
from auralflow.data.synth.song import STEMS, mix_stems, render_song

__all__ = ["STEMS", "SongConfig", "mix_stems", "render_song"]
