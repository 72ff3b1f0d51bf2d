"""The Stem file of disc jockeys from a song and four stems that are files already."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from auralflow.audio.read import AudioReader
from auralflow.audio.stem_mp4 import StemMp4Writer
from auralflow.audio.tags import stem_tags
from auralflow.workers.serve import Beat


def write_stem_file(
    mixture: dict[str, Any], stems: Sequence[str], names: Sequence[str], to: str, beat: Beat
) -> dict[str, Any]:
    """Encode the song, or the stretch of it that was separated, and its stems.

    Args:
        mixture: `path`, and the stretch `from_s` and `for_s`.
        stems: their files.
        names: what each is called.

    Raises:
        AudioError: a file cannot be read.
        OutputError: not four stems, more than two channels, or the file cannot be written.
    """
    with ExitStack() as stack:
        song = stack.enter_context(AudioReader(mixture["path"], start_s=mixture["from_s"], duration_s=mixture["for_s"]))
        readers = [song, *(stack.enter_context(AudioReader(path)) for path in stems)]
        writer = stack.enter_context(
            StemMp4Writer(
                to,
                sample_rate=song.sample_rate,
                channels=song.channels,
                stem_names=names,
                tags=stem_tags(song.info.tags, ""),
                cover=song.info.cover,
            )
        )
        for blocks in zip(*readers, strict=False):
            n_samples = min(block.shape[1] for block in blocks)
            writer.write([block[:, :n_samples] for block in blocks])
            beat(0.5)
    return {"warnings": list(writer.warnings)}
