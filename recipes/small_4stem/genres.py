"""The kinds of music that songs are drawn from, and what goes with each."""

from __future__ import annotations

from form import Style


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


STYLES: dict[str, Style] = {
    "pop": Style(
        tempo_bpm=(84, 132),
        modes=_words("major major minor mixolydian"),
        players=_words(
            "acoustic_strum electric_strum piano electric_piano pad strings picked_guitar bells synth_chords "
            "synth_arpeggio organ"
        ),
        basses=_words("roots kick octaves sub"),
        patterns=_words("rock house soft funk breakbeat"),
        grooves=_words("pop rock soul dance"),
        libraries=_words("8beat softrock popballad bubblerock boneym rb"),
        swing=(0.0, 0.12),
    ),
    "rock": Style(
        tempo_bpm=(90, 165),
        modes=_words("major minor mixolydian dorian blues"),
        progressions=_words("rock rock mixolydian minor major"),
        players=_words("power_chords power_chords electric_strum riff organ piano acoustic_strum palm_mutes"),
        basses=_words("roots roots kick sixteenths"),
        patterns=_words("rock rock half_time punk"),
        grooves=_words("rock punk blues"),
        libraries=_words("basicrock folkrock 60srock 50srock rock-128 jazzrock bubblerock twist"),
        swing=(0.0, 0.1),
    ),
    "metal": Style(
        tempo_bpm=(95, 190),
        modes=_words("minor minor dorian"),
        progressions=_words("metal metal rock"),
        players=_words("power_chords palm_mutes palm_mutes riff strings choir"),
        basses=_words("roots sixteenths kick"),
        patterns=_words("double_kick double_kick blast half_time punk rock"),
        grooves=_words("rock punk"),
    ),
    "punk": Style(
        tempo_bpm=(150, 190),
        modes=_words("major minor mixolydian"),
        progressions=_words("rock major mixolydian"),
        players=_words("power_chords power_chords electric_strum riff"),
        basses=_words("roots roots kick"),
        patterns=_words("punk punk rock"),
        grooves=_words("punk rock"),
    ),
    "funk": Style(
        tempo_bpm=(88, 122),
        modes=_words("dorian mixolydian minor blues"),
        progressions=_words("funk funk dorian"),
        players=_words("funk_guitar funk_guitar clavinet horns electric_piano organ synth_chords"),
        basses=_words("funk funk octaves kick"),
        patterns=_words("funk breakbeat"),
        grooves=_words("funk soul afrobeat neworleans"),
        libraries=_words("bvfunk strut dsoul lfusion"),
        swing=(0.0, 0.25),
    ),
    "disco": Style(
        tempo_bpm=(108, 130),
        modes=_words("minor major dorian"),
        progressions=_words("minor jazz funk major"),
        players=_words("funk_guitar strings electric_piano horns clavinet piano"),
        basses=_words("octaves octaves funk kick"),
        patterns=_words("house funk"),
        grooves=_words("dance funk soul"),
        libraries=_words("boneym dsoul"),
    ),
    "soul": Style(
        tempo_bpm=(66, 116),
        modes=_words("major minor dorian"),
        progressions=_words("major jazz dorian minor"),
        players=_words("electric_piano organ horns electric_strum strings piano"),
        basses=_words("funk roots kick"),
        patterns=_words("soft funk hiphop"),
        grooves=_words("soul funk gospel hiphop"),
        libraries=_words("dsoul rb rb-ballad popspiritual slowspiritual spiritual"),
        swing=(0.0, 0.3),
    ),
    "blues": Style(
        tempo_bpm=(64, 150),
        modes=_words("blues"),
        players=_words("electric_strum organ piano riff horns"),
        basses=_words("walking roots kick"),
        patterns=_words("rock swing"),
        grooves=_words("blues rock jazz"),
        libraries=_words("blues blues128 slowblues fastblues countryblues shuffleboggie boggiewoggie blues68"),
        swing=(0.3, 0.65),
    ),
    "jazz": Style(
        tempo_bpm=(80, 190),
        modes=_words("major minor dorian"),
        progressions=_words("jazz"),
        players=_words("piano electric_piano electric_strum horns strings"),
        basses=_words("walking walking two_beat"),
        patterns=_words("swing"),
        grooves=_words("jazz"),
        libraries=_words(
            "swing bebop easyswing mellowjazz modernjazz jazzcombo jazzguitar nitejazz slowjazz evansish "
            "gypsyjazz descendingjazz bigband foxtrot jazzwaltz modernjazzwaltz folkyjazz"
        ),
        swing=(0.4, 0.65),
        metres=_words("4/4 4/4 4/4 3/4"),
    ),
    "reggae": Style(
        tempo_bpm=(64, 100),
        modes=_words("major minor dorian"),
        progressions=_words("major minor vamp"),
        players=_words("skank skank organ piano horns clavinet"),
        basses=_words("reggae"),
        patterns=_words("one_drop"),
        grooves=_words("reggae"),
        libraries=_words("ska calypso"),
        swing=(0.0, 0.3),
    ),
    "edm": Style(
        tempo_bpm=(112, 150),
        modes=_words("minor minor major dorian"),
        progressions=_words("minor major vamp"),
        players=_words("synth_arpeggio pumped_pad synth_chords pad pluck riff piano bells"),
        basses=_words("offbeat offbeat sub kick sixteenths octaves"),
        patterns=_words("house house breakbeat half_time"),
        libraries=_words("trance"),
    ),
    "drum_and_bass": Style(
        tempo_bpm=(160, 180),
        modes=_words("minor dorian"),
        progressions=_words("minor vamp jazz"),
        players=_words("pad synth_arpeggio electric_piano strings synth_chords"),
        basses=_words("sub kick offbeat"),
        patterns=_words("breakbeat"),
    ),
    "hiphop": Style(
        tempo_bpm=(76, 104),
        modes=_words("minor dorian major"),
        progressions=_words("minor jazz vamp dorian"),
        players=_words("electric_piano pad strings piano pluck picked_guitar bells horns"),
        basses=_words("sub kick funk"),
        patterns=_words("hiphop breakbeat"),
        grooves=_words("hiphop funk soul"),
        swing=(0.05, 0.4),
    ),
    "trap": Style(
        tempo_bpm=(120, 160),
        modes=_words("minor minor dorian"),
        progressions=_words("minor vamp"),
        players=_words("bells pad pluck piano strings choir synth_arpeggio"),
        basses=_words("sub kick sub"),
        patterns=_words("trap"),
    ),
    "folk": Style(
        tempo_bpm=(76, 140),
        modes=_words("major mixolydian dorian minor"),
        players=_words("acoustic_strum picked_guitar accordion strings pluck"),
        basses=_words("two_beat roots"),
        patterns=_words("soft"),
        grooves=_words("country rock pop"),
        libraries=_words("folk folkballad bluefolk hillcountry bluegrass guitarballad arpeggio44 lullaby"),
        metres=_words("4/4 4/4 3/4 6/8"),
    ),
    "country": Style(
        tempo_bpm=(84, 150),
        modes=_words("major mixolydian"),
        players=_words("acoustic_strum picked_guitar electric_strum piano pluck"),
        basses=_words("two_beat roots"),
        patterns=_words("rock soft"),
        grooves=_words("country rock"),
        libraries=_words("countryswing slowcountry westernswing countrywaltz bluegrass zydeco countryblues"),
        swing=(0.0, 0.3),
    ),
    "latin": Style(
        tempo_bpm=(84, 150),
        modes=_words("minor major dorian"),
        progressions=_words("jazz minor major vamp"),
        players=_words("picked_guitar piano horns acoustic_strum electric_piano"),
        basses=_words("latin"),
        patterns=_words("dembow"),
        grooves=_words("latin afrocuban"),
        libraries=_words(
            "bossanova samba salsa mambo merengue chacha rhumba son beguine bolero tango cubanguitar afro-cuban "
            "jazzrhumba calypso latinwaltz lighttango"
        ),
    ),
    "ballad": Style(
        tempo_bpm=(60, 86),
        modes=_words("major minor"),
        players=_words("piano piano_arpeggio picked_guitar strings pad electric_piano choir acoustic_strum"),
        basses=_words("roots sub kick"),
        patterns=_words("soft soft rock half_time"),
        grooves=_words("rock pop soul"),
        libraries=_words("ballad pianoballad rockballad stringballad slowbroadway slowbolero ballad128 ballad68"),
        metres=_words("4/4 4/4 4/4 6/8"),
    ),
    "waltz": Style(
        tempo_bpm=(84, 170),
        modes=_words("major minor"),
        players=_words("piano accordion picked_guitar strings acoustic_strum"),
        basses=_words("two_beat roots"),
        patterns=_words("soft"),
        grooves=_words("rock latin jazz"),
        libraries=_words(
            "waltz fastwaltz frenchwaltz vienesewaltz rockwaltz countrywaltz arpeggiowaltz 68swing 68march arpeggio68"
        ),
        metres=_words("3/4 6/8"),
    ),
    "show": Style(
        tempo_bpm=(92, 180),
        modes=_words("major minor"),
        progressions=_words("major jazz minor"),
        libraries=_words("broadway showtune charleston ragtime dixie quickstep polka march jive hymn bwmarch softshoe"),
    ),
}
"""Styles by name. One without players is left to `mma`, one without libraries to our own players."""

SHARES = {
    "pop": 4,
    "rock": 4,
    "metal": 2,
    "funk": 2,
    "edm": 2,
    "hiphop": 2,
    "ballad": 2,
    "soul": 1.5,
    "punk": 0.7,
    "show": 0.7,
}
"""How often a style is drawn, where it is not once."""

LEADS = (0, 4, 11, 16, 21, 22, 24, 26, 29, 30, 30, 40, 56, 59, 64, 65, 66, 71, 73, 75, 80, 81, 84, 104)
"""General MIDI instruments that take a solo."""

COUNTERS = (40, 41, 42, 48, 57, 60, 68, 71, 73, 11, 80, 89)
"""General MIDI instruments that play long notes against the voice."""

BASS_PROGRAMS = {
    "jazz": (32, 32, 35),
    "edm": (38, 39, 39),
    "drum_and_bass": (38, 39),
    "trap": (38, 39),
    "metal": (34, 34, 33),
}
BASS_PROGRAMS |= {"funk": (33, 36, 37, 33), "disco": (33, 38, 36), "hiphop": (33, 38, 39, 32), "folk": (32, 33, 35)}
OTHER_BASS_PROGRAMS = (33, 33, 34, 35, 38)
"""Of a style that `BASS_PROGRAMS` lacks."""
