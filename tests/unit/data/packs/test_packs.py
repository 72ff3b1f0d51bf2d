"""A pack is the data set that it was made from, bit for bit, and is written once."""

from __future__ import annotations

import io
import json
import os
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from auralflow.api import pack_data
from auralflow.data.blocks import open_sound
from auralflow.data.cache import PcmCache
from auralflow.data.open import find_root, open_dataset
from auralflow.data.packs.write import PackReport
from auralflow.data.reader import SoundReader
from auralflow.data.track import Sound, Track
from auralflow.errors import AudioError, Cancelled, ConfigError, OutputError
from auralflow.separation.progress import CancelToken

RATE = 8000
PIECE_S = 0.5


def pack(songs: Path, out: Path | str, **settings: Any) -> PackReport:
    return pack_data(songs, out, **{"piece": PIECE_S, "shard": 1} | settings)


def tracks_of(root: Path | str) -> dict[str, dict[str, Track]]:
    by_split = open_dataset(find_root(root)).list_tracks()
    return {split: {track.name: track for track in tracks} for split, tracks in by_split.items()}


def sounds_of(root: Path | str) -> dict[tuple[str, str, str], Sound]:
    return {
        (split, name, stem): sound
        for split, tracks in tracks_of(root).items()
        for name, track in tracks.items()
        for stem, sound in {**track.stems, "mixture": track.mixture}.items()
        if sound is not None
    }


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.startswith(".")}


@pytest.mark.parametrize("kind", ["flac", "wav"])
def test_every_sample_is_what_it_was(songs: Path, tmp_path: Path, kind: str) -> None:
    """Of 16 and 24 bits, of floats, of what a lossy file decodes to; over the seams of pieces, and at other rates."""
    report = pack(songs, tmp_path / "pack", format=kind)
    assert (report.n_tracks, report.failures, report.exit_code) == (5, (), 0)
    expected, packed = sounds_of(songs), sounds_of(tmp_path / "pack")
    assert packed.keys() == expected.keys()
    assert len(packed) == 25
    for key, sound in expected.items():
        other = packed[key]
        assert (other.sample_rate, other.channels, other.n_samples) == (
            sound.sample_rate,
            sound.channels,
            sound.n_samples,
        )
        for rate, channels in ((sound.sample_rate, 2), (RATE, 1)):
            reader = SoundReader(rate, channels)
            for start, n_samples in (
                (0, 1),
                (0, 40_000),
                (3990, 20),
                (4000, 4000),
                (5555, 9000),
                (reader.length(sound), 5),
            ):
                chunk = reader.read(other, start, n_samples)
                np.testing.assert_array_equal(chunk, reader.read(sound, start, n_samples), str((key, start)))
        whole = np.concatenate(list(open_sound(other, 1234)), axis=1)
        np.testing.assert_array_equal(whole, np.concatenate(list(open_sound(sound)), axis=1))


def test_the_cache_takes_packs_too(songs: Path, tmp_path: Path) -> None:
    pack(songs, tmp_path / "pack")
    sounds = sounds_of(tmp_path / "pack")
    cache = PcmCache(tmp_path / "cache", RATE, 2)
    assert cache.build(list(sounds.values())) == 25
    assert PcmCache(tmp_path / "cache", RATE, 2).build(list(sounds.values())) == 0
    plain, cached = SoundReader(RATE, 2), SoundReader(RATE, 2, cache)
    for sound in sounds.values():
        np.testing.assert_array_equal(cached.read(sound, 700, 5000), plain.read(sound, 700, 5000))
    kinds = [path.suffix for path in (tmp_path / "cache").iterdir()]
    assert kinds.count(".i16") == 8  # the two 16-bit sounds of the four songs that need no resampling


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # it closes no file
@pytest.mark.parametrize("kind", ["flac", "wav"])
def test_others_read_the_shards(songs: Path, tmp_path: Path, kind: str) -> None:
    """The package `webdataset` itself: every piece once, with all stems side by side, and in order."""
    webdataset = pytest.importorskip("webdataset")
    pack(songs, tmp_path / "pack", format=kind)
    names = sorted(str(path) for path in (tmp_path / "pack").glob("*.tar"))
    heard: dict[str, dict[str, list[Any]]] = {}
    for sample in webdataset.WebDataset(names, shardshuffle=False):
        told = json.loads(sample["json"])
        for member, data in sample.items():
            stem, _, suffix = member.partition(".")
            if suffix in ("flac", "wav"):
                samples, _ = soundfile.read(io.BytesIO(data), dtype="float32", always_2d=True)
                heard.setdefault(told["name"], {}).setdefault(stem, []).append(samples.T)
    for (_, name, stem), sound in sounds_of(songs).items():
        expected = np.concatenate(list(open_sound(sound)), axis=1)
        np.testing.assert_array_equal(np.concatenate(heard[name][stem], axis=1), expected)


def test_a_pack_depends_on_the_sounds_alone(songs: Path, tmp_path: Path) -> None:
    one = pack(songs, tmp_path / "one", workers=1)
    other = pack(songs, tmp_path / "other", workers=3)
    shards = {name: data for name, data in contents(tmp_path / "one").items() if name.endswith(".tar")}
    assert one.n_shards == len(shards) > 3
    assert shards == {name: data for name, data in contents(tmp_path / "other").items() if name.endswith(".tar")}
    assert other.size_bytes == sum(map(len, shards.values()))
    for data in shards.values():
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            assert all(member.mtime == member.uid == member.gid == 0 and not member.uname for member in archive)


def test_what_is_there_is_kept(songs: Path, tmp_path: Path) -> None:
    """Only the shard of the song that has changed is written again; those of a smaller data set leave no others."""
    out = tmp_path / "pack"
    n_shards = pack(songs, out).n_written
    before = contents(out)
    assert pack(songs, out).n_written == 0
    assert contents(out) == before
    changed = songs / "valid" / "Søng 3" / "vocals.wav"
    os.utime(changed, (1, 1))
    assert pack(songs, out).n_written == 1
    assert contents(out)["valid-000000.tar"] == before["valid-000000.tar"]
    assert pack(songs, out, piece=1.0).n_written == n_shards
    assert pack(songs, out, shard=100).n_shards == 3
    assert sorted(path.name for path in out.glob("*.tar")) == [
        f"{split}-000000.tar" for split in ("test", "train", "valid")
    ]


def test_packing_goes_on_where_it_was_stopped(songs: Path, tmp_path: Path) -> None:
    token = CancelToken()
    with pytest.raises(Cancelled):
        pack(songs, tmp_path / "pack", workers=1, cancel=token, report=lambda n, _: token.cancel() if n == 2 else None)
    assert not (tmp_path / "pack" / "pack.json").exists()
    assert not list((tmp_path / "pack").glob("*.part"))
    n_done = len(list((tmp_path / "pack").glob("*.tar")))
    assert n_done == 1  # the second one was complete, and asked before it got its name
    again, whole = pack(songs, tmp_path / "pack"), pack(songs, tmp_path / "whole")
    assert again.n_written == whole.n_written - n_done
    assert contents(tmp_path / "pack") == contents(tmp_path / "whole")


def test_a_song_that_cannot_be_read_is_left_out_and_told(songs: Path, tmp_path: Path) -> None:
    """One that ends early, and one that is no audio; nothing of them is in the shards, and repaired they come in."""
    cut, broken = songs / "train" / "Søng 1" / "vocals.wav", songs / "train" / "Søng 2" / "drums.flac"
    kept = cut.read_bytes(), broken.read_bytes()
    broken.write_bytes(kept[1][: len(kept[1]) // 2])
    report = pack(songs, tmp_path / "pack", shard=100)
    assert (report.n_tracks, report.exit_code) == (4, 1)
    assert len(report.failures) == 1
    assert "Søng 2" in report.failures[0]
    assert "train/Søng 2" not in tracks_of(tmp_path / "pack")["train"]
    with tarfile.open(tmp_path / "pack" / "train-000000.tar") as archive:
        keys = {member.name.partition("-")[0] for member in archive}
    assert keys == {"000000", "000001"}
    broken.write_bytes(kept[1])
    again = pack(songs, tmp_path / "pack", shard=100)
    assert (again.n_tracks, again.n_written, again.failures) == (5, 1, ())
    pack(songs, tmp_path / "whole", shard=100)
    shards = [(tmp_path / name / "train-000000.tar").read_bytes() for name in ("pack", "whole")]
    assert shards[0] == shards[1]


def test_a_data_set_of_lone_sounds_stays_one(tmp_path: Path) -> None:
    for stem in ("vocals", "drums"):
        (tmp_path / "sounds" / stem).mkdir(parents=True)
        for number in range(2):
            soundfile.write(tmp_path / "sounds" / stem / f"{number}.wav", np.zeros((900, 1)), RATE)
    pack(tmp_path / "sounds", tmp_path / "pack")
    assert open_dataset(tmp_path / "pack").ARE_SONGS is False
    assert tracks_of(tmp_path / "pack").keys() == tracks_of(tmp_path / "sounds").keys()


def test_damage_is_noticed(songs: Path, tmp_path: Path) -> None:
    """A single bit of the samples, in a file that decodes all the same; a shard that is cut; one that is gone."""
    pack(songs, tmp_path / "pack", format="wav", shard=100)
    shard = tmp_path / "pack" / "train-000000.tar"
    sound = sounds_of(tmp_path / "pack")["train", "train/Søng 1", "vocals"]
    begin, size, _ = sound.pieces[1].tolist()  # type: ignore[attr-defined]
    data = bytearray(shard.read_bytes())
    data[begin + size - 1] ^= 1
    shard.write_bytes(data)
    reader = SoundReader(RATE, 2)
    assert reader.read(sound, 0, 4000).any()
    with pytest.raises(AudioError, match=r"train-000000\.tar: piece \d+ is not what was packed; pack it again"):
        reader.read(sound, 0, 4001)
    shard.write_bytes(data[: begin + size // 2])
    with pytest.raises(AudioError, match="is not what was packed"):
        SoundReader(RATE, 2).read(sound, 4000, 1)
    shard.unlink()
    with pytest.raises(AudioError, match=r"train-000000\.tar: cannot be opened"):
        SoundReader(RATE, 2).read(sound, 0, 1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda told: told.update(format_version=9), "a pack of format 9, expected 1; update auralflow"),
        (lambda told: told.pop("shards"), r"pack\.json is damaged"),
        (lambda told: told["shards"][0].update(name="../../etc/passwd"), "a shard '../../etc/passwd'"),
        (lambda told: told["shards"][0].update(split="dev"), "in a split 'dev'"),
        (
            lambda told: told["shards"][0]["tracks"][0]["sounds"]["vocals"].update(n_samples=10**9),
            "pieces for 1000000000",
        ),
        (lambda told: told["shards"][0]["tracks"][0]["sounds"]["vocals"].update(piece_samples=0), "without rate"),
        (lambda told: told["shards"][0]["tracks"][0]["sounds"]["vocals"].update(depth="int1"), "a depth 'int1'"),
        (lambda told: told["shards"][0]["tracks"][0]["sounds"]["vocals"].update(path="/"), r"damaged \(.*path"),
    ],
)
def test_an_index_that_cannot_be_is_refused(songs: Path, tmp_path: Path, change: Any, message: str) -> None:
    pack(songs, tmp_path / "pack")
    path = tmp_path / "pack" / "pack.json"
    told = json.loads(path.read_text("utf-8"))
    change(told)
    path.write_text(json.dumps(told), "utf-8")
    with pytest.raises(AudioError, match=message):
        open_dataset(tmp_path / "pack")


def test_what_cannot_be_packed_is_said(songs: Path, tmp_path: Path) -> None:
    for settings in ({"piece": 0.0}, {"piece": float("nan")}, {"shard": 0}, {"workers": 0}):
        with pytest.raises(ConfigError, match=f"^{next(iter(settings))}: expected"):
            pack(songs, tmp_path / "pack", **settings)
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be made"):
        pack(songs, tmp_path / "file")
    with pytest.raises(ConfigError, match="nothing can be written there"):
        pack(songs, "https://example.org/pack")
    for path in songs.rglob("vocals.wav"):
        path.write_bytes(b"RIFF")
    for path in songs.rglob("*.*"):
        path.write_bytes(b"RIFF")
    with pytest.raises(AudioError):
        pack(songs, tmp_path / "none")


def test_only_one_packs_into_a_folder(songs: Path, tmp_path: Path) -> None:
    def pack_meanwhile(n_done: int, n_tracks: int) -> None:
        with pytest.raises(ConfigError, match="another 'auralflow data pack' is writing there"):
            pack(songs, tmp_path / "pack")

    pack(songs, tmp_path / "pack", report=pack_meanwhile)
