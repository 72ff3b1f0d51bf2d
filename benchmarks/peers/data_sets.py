"""Chunks per second of one peer's data set; run by benchmarks/data.py in the peers' environment.

    .venv-peers/bin/python benchmarks/peers/data_sets.py fixed_sources SONGS wav --augment --seconds 2

Prints JSON. A chunk is what the data set gives for one index: four stems of six seconds are read for it.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).parent / "stubs"))

import soundfile
from pace import chunks_per_s, stay_on_one_core

STEMS = ["vocals", "drums", "bass", "other"]
CHUNK_S = 6.0


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data_set", choices=sorted(DATA_SETS))
    parser.add_argument("songs", type=Path)
    parser.add_argument("extension")
    parser.add_argument("--augment", action="store_true")
    parser.add_argument("--seconds", type=float, default=2.0)
    arguments = parser.parse_args()
    stay_on_one_core()
    random.seed(0)
    draw = DATA_SETS[arguments.data_set](arguments.songs, arguments.extension, arguments.augment)
    print(json.dumps({"chunks_per_s": chunks_per_s(draw, arguments.seconds)}))


def open_fixed_sources(songs: Path, extension: str, is_augmented: bool) -> Callable[[int], object]:
    """Open-Unmix, a folder for each song: mixture and one target."""
    from openunmix.data import FixedSourcesTrackFolderDataset, aug_from_str

    data = FixedSourcesTrackFolderDataset(
        songs,
        target_file=f"{STEMS[0]}.{extension}",
        interferer_files=[f"{stem}.{extension}" for stem in STEMS[1:]],
        seq_duration=CHUNK_S,
        random_chunks=True,
        random_track_mix=is_augmented,
        source_augmentations=aug_from_str(["gain", "channelswap"] if is_augmented else []),
    )
    return lambda _: data[random.randrange(len(data))]


def open_musdb(songs: Path, extension: str, is_augmented: bool) -> Callable[[int], object]:
    """Open-Unmix, MUSDB18-HQ through musdb, stempeg and ffmpeg: mixture and one target."""
    provide_ffmpeg()
    from openunmix.data import MUSDBDataset, aug_from_str

    data = MUSDBDataset(
        root=str(songs),
        is_wav=True,
        split="train",
        seq_duration=CHUNK_S,
        random_track_mix=is_augmented,
        source_augmentations=aug_from_str(["gain", "channelswap"] if is_augmented else []),
    )
    return lambda _: data[random.randrange(len(data))]


def open_wavset(songs: Path, extension: str, is_augmented: bool) -> Callable[[int], object]:
    """Demucs, a folder for each song: four stems. It mixes and augments later, on the device."""
    provide_ffmpeg()  # demucs.wav imports musdb, for the names of songs only
    from demucs.wav import Wavset, build_metadata

    root = songs / "train"
    metadata = build_metadata(root, STEMS, ext=f".{extension}")
    data = Wavset(root, metadata, STEMS, segment=CHUNK_S, shift=1, ext=f".{extension}")
    return lambda _: data[random.randrange(len(data))]


def provide_ffmpeg() -> None:
    """Where ffprobe is missing, libsndfile answers in its place, at next to no cost."""
    os.environ["PATH"] += os.pathsep + str(Path(sys.prefix, "bin"))
    if shutil.which("ffprobe"):
        return
    with mock.patch("shutil.which", lambda name: name):
        import stempeg  # noqa: F401  looks for both programs once
    import ffmpeg

    ffmpeg.probe = probe


def probe(path: str) -> dict[str, object]:
    """What stempeg reads of ffprobe's answer."""
    about = soundfile.info(path)
    stream = {"codec_type": "audio", "index": 0, "sample_rate": about.samplerate, "channels": about.channels}
    return {"streams": [{**stream, "duration_ts": about.frames, "duration": about.duration}]}


DATA_SETS = {"fixed_sources": open_fixed_sources, "musdb": open_musdb, "wavset": open_wavset}

if __name__ == "__main__":
    main()
