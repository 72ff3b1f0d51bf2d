"""The tracks of a separation: whole, in part, outlined, drawn, mixed."""

from __future__ import annotations

import io
import struct
import time
import zipfile
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import soundfile

from auralflow.web.sounds.mixing import place
from auralflow.web.sounds.spectrogram import paint

if TYPE_CHECKING:
    from .conftest import Client

RATE = 8000


def _write(samples: np.ndarray, subtype: str = "PCM_16") -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, RATE, subtype, format="WAV")
    return file.getvalue()


def _read(content: bytes) -> np.ndarray:
    return np.asarray(soundfile.read(io.BytesIO(content), dtype="float32", always_2d=True)[0])


@pytest.fixture(scope="module")
def song(client: Client) -> bytes:
    return client.song


@pytest.fixture(scope="module")
def done(client: Client, song: bytes) -> Any:
    client.behave("copy")
    return client.separate(song, 'Ça "va"/x.wav', stems="vocals,drums")


def test_tracks_are_the_song_and_what_was_made_of_it(client: Client, done: Any, song: bytes) -> None:
    assert [(t["name"], t["kind"]) for t in done["tracks"]] == [
        ("mixture", "mixture"),
        ("vocals", "stem"),
        ("drums", "stem"),
    ]
    assert [t["file_name"] for t in done["tracks"]] == ["x.wav", "x - vocals.wav", "x - drums.wav"]
    for track in done["tracks"]:
        answer = client.get(track["url"])
        assert (answer.status, answer.body, answer.headers["content-type"]) == (200, song, "audio/wav")
        assert len(answer.body) == track["size_bytes"]
        assert client.get(track["peaks_url"]).status == 200
        assert client.get(track["spectrogram_url"]).headers["content-type"] == "image/png"
    assert done["size_bytes"] == 3 * len(song)


def test_a_part_of_a_file_is_that_part(client: Client, done: Any, song: bytes) -> None:
    url = done["tracks"][1]["url"]
    part = client.get(url, Range="bytes=100-199")
    assert (part.status, part.body) == (206, song[100:200])
    assert part.headers["content-range"] == f"bytes 100-199/{len(song)}"
    assert client.get(url, Range="bytes=-10").body == song[-10:]
    assert client.get(url, Range=f"bytes={len(song)}-").status == 416
    assert client.ask("HEAD", url).status in (200, 405)


def test_a_download_has_a_name(client: Client, done: Any) -> None:
    header = client.get(f"{done['tracks'][1]['url']}?download=1").headers["content-disposition"]
    assert header == "attachment; filename=\"x - vocals.wav\"; filename*=UTF-8''x%20-%20vocals.wav"


@pytest.mark.parametrize("name", ["other", "..%2fsong.wav", "%2e%2e", "song.wav", "%00", "vocals.wav"])
def test_a_name_is_looked_up_and_never_a_path(client: Client, done: Any, name: str) -> None:
    for rest in ("", "/peaks", "/spectrogram.png"):
        assert client.get(f"separations/{done['id']}/tracks/{name}{rest}").status == 404


def test_peaks_of_a_ramp_are_a_ramp(client: Client) -> None:
    n_samples = RATE * 4
    ramp = np.linspace(-1, 1, n_samples, endpoint=False)
    # The mean of both channels is the ramp.
    done = client.separate(
        _write(np.stack([ramp / 2 + 0.25 * np.sign(ramp), 1.5 * ramp - 0.25 * np.sign(ramp)], 1), "FLOAT")
    )
    for n_buckets in (100, 317, 20_000):
        found = client.get(f"{done['tracks'][1]['peaks_url']}?buckets={n_buckets}").json
        assert (found["buckets"], found["duration_s"]) == (n_buckets, 4.0)
        assert len(found["min"]) == len(found["max"]) == n_buckets
        edges = np.arange(n_buckets + 1) / n_buckets * 2 - 1
        np.testing.assert_allclose(np.array(found["min"]) / 127, edges[:-1], atol=2 / 127)
        np.testing.assert_allclose(np.array(found["max"]) / 127, edges[1:], atol=2 / 127)
    for wrong in (99, 20_001, "x"):
        assert client.get(f"{done['tracks'][1]['peaks_url']}?buckets={wrong}").status == 422


def test_peaks_find_a_single_click(client: Client) -> None:
    samples = np.zeros((RATE * 3, 1))
    samples[12_345] = -0.5
    done = client.separate(_write(samples))
    found = client.get(f"{done['tracks'][1]['peaks_url']}?buckets=300").json
    place_of_it = 12_345 * 300 // len(samples)
    assert {i for i, value in enumerate(found["min"]) if value} <= {place_of_it - 1, place_of_it, place_of_it + 1}
    assert found["min"][place_of_it] == -64
    assert not any(found["max"])


def test_the_picture_of_a_tone_is_a_line_at_its_frequency(client: Client) -> None:
    time_s = np.arange(RATE * 2) / RATE
    tone = np.sin(2 * np.pi * 1000 * time_s) * (time_s >= 1.0)
    done = client.separate(_write(tone[:, None]))
    answer = client.get(f"{done['tracks'][1]['spectrogram_url']}?width=200&height=120")
    picture = _read_png(answer.body).astype(int).sum(axis=2)
    assert picture.shape == (120, 200)
    row = np.argmax(picture[:, 150])
    expected = 120 - 120 * np.log(1000 / 30) / np.log(4000 / 30)
    assert abs(row - expected) < 2
    silence = paint(np.array([[-200.0]])).astype(int).sum()
    assert (picture[:, :60] == silence).all()
    cut = _read_png(client.get(f"{done['tracks'][1]['spectrogram_url']}?from_s=1.5&for_s=0.25&width=16").body)
    assert (cut.astype(int).sum(axis=2).max(axis=0) > 2 * silence).all()
    assert client.get(f"{done['tracks'][1]['spectrogram_url']}?from_s=99").status == 422


def test_only_the_newest_pictures_are_kept(client: Client, done: Any) -> None:
    url, cache = done["tracks"][1]["spectrogram_url"], client.server.folder(client.server.find(done["id"])).cache
    for width in range(16, 16 + 40):
        assert client.get(f"{url}?width={width}&height=16").status == 200
    assert len(list(cache.glob("*.png"))) == 32
    on_disk = sum(path.stat().st_size for path in cache.iterdir())
    record = client.server.find(done["id"])
    assert record.made_bytes == on_disk + sum(track.size_bytes for track in record.tracks)


def _read_png(content: bytes) -> np.ndarray:
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", content[16:24])
    start = content.index(b"IDAT")
    (length,) = struct.unpack(">I", content[start - 4 : start])
    rows = np.frombuffer(zlib.decompress(content[start + 4 : start + 4 + length]), np.uint8).reshape(height, -1)
    assert not rows[:, 0].any()
    return rows[:, 1:].reshape(height, width, 3)


def test_the_archive_holds_the_tracks_as_they_are(client: Client, done: Any, song: bytes) -> None:
    answer = client.get(f"separations/{done['id']}/archive.zip")
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.body)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["x/vocals.wav", "x/drums.wav"]
        assert all(archive.read(name) == song for name in archive.namelist())
        assert all(info.compress_type == zipfile.ZIP_STORED for info in archive.infolist())


def test_a_mix_is_what_numpy_makes_of_it(client: Client, done: Any, song: bytes) -> None:
    samples = _read(song)
    gains = {
        "vocals": {"gain_db": -6.0, "pan": -0.5},
        "drums": {"gain_db": 3.0, "pan": 1.0},
        "mixture": {"muted": True},
    }
    url = f"separations/{done['id']}/mix"
    answer = client.post(url, {"gains": gains, "format": "wav32f", "from_s": 0.25, "for_s": 0.5})
    assert answer.status == 200, answer.body
    left, right = samples[2000:6000].T
    x = 0.5 * np.pi / 2
    vocals = 10 ** (-6 / 20) * np.stack([left + right * np.cos(x), right * np.sin(x)])
    drums = 10 ** (3 / 20) * np.stack([np.zeros_like(left), right + left])
    np.testing.assert_allclose(_read(answer.body).T, vocals + drums, atol=1e-6)
    assert "x - mix.wav" in answer.headers["content-disposition"]
    give_up = time.monotonic() + 5  # it is deleted when it has been sent
    while list(client.server.home.incoming.iterdir()):
        assert time.monotonic() < give_up
        time.sleep(0.02)


def test_a_mix_that_would_clip_is_lowered_as_a_whole(client: Client, done: Any, song: bytes) -> None:
    answer = client.post(f"separations/{done['id']}/mix", {"gains": {"vocals": {"gain_db": 24.0}}, "format": "wav16"})
    samples = _read(song)
    np.testing.assert_allclose(_read(answer.body), samples / np.abs(samples).max(), atol=2 / 32768)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"gains": {}}, "gains: expected at least one track that is heard"),
        ({"gains": {"vocals": {"muted": True}}}, "gains: expected at least one"),
        ({"gains": {"none": {}}}, "there is no such track"),
        ({"gains": {"vocals": {"pan": 2}}}, "gains.vocals.pan: "),
        ({"gains": {"vocals": {"gain_db": 1e9}}}, "gains.vocals.gain_db: "),
        ({"gains": {"vocals": {}}, "format": "stem.mp4"}, "unknown format 'stem.mp4'"),
        ({"gains": {"vocals": {}}, "from_s": 5}, "from_s: expected a start before the end"),
        ({}, "gains: Field required"),
    ],
)
def test_a_mix_that_cannot_be_is_refused(client: Client, done: Any, request_: Any, message: str) -> None:
    answer = client.post(f"separations/{done['id']}/mix", request_)
    assert answer.status in (404, 422)
    assert answer.reason.startswith(message)


@pytest.mark.parametrize("pan", [-1.0, -0.3, 0.0, 0.6, 1.0])
def test_a_place_keeps_the_power_of_a_mono_sound(pan: float) -> None:
    mono = np.ones((1, 4), np.float32)
    placed = place(mono, 0.0, pan)
    if pan == 0:
        np.testing.assert_array_equal(placed, mono)
    else:
        assert np.argmax(placed[:, 0]) == int(pan > 0)
        angle = (1 - abs(pan)) * np.pi / 2
        np.testing.assert_allclose(sorted(placed[:, 0]), [np.sin(angle), 1 + np.cos(angle)], atol=1e-6)


def test_what_plays_is_a_form_that_browsers_begin_alike(client: Client, song: bytes) -> None:
    from auralflow.audio.read import read_audio

    done = client.separate(song, "x.wav", from_s="0.25", for_s="0.5")
    stem = client.get(f"{done['tracks'][1]['url']}?as=play")
    assert stem.body == song
    cut = client.get(f"{done['tracks'][0]['url']}?as=play")
    np.testing.assert_array_equal(_read(cut.body), _read(song)[2000:6000])
    record = client.server.find(done["id"])
    path = client.server.folder(record).cache / "mixture.wav"
    assert read_audio(path).n_samples == len(_read(cut.body))


def test_what_plays_is_plain_samples_whatever_was_sent(client: Client, song: bytes) -> None:
    """Browsers would decode a FLAC file whole, and begin an MP3 late."""
    samples, rate = soundfile.read(io.BytesIO(song), dtype="int16")
    packed = io.BytesIO()
    soundfile.write(packed, samples, rate, format="FLAC")
    mixture = client.separate(packed.getvalue(), "x.flac")["tracks"][0]
    assert client.get(mixture["url"]).body == packed.getvalue()
    played = client.get(f"{mixture['url']}?as=play").body
    assert played.startswith(b"RIFF")
    np.testing.assert_array_equal(_read(played), _read(song))


def test_a_stem_file_needs_four_stems(client: Client, done: Any, song: bytes) -> None:
    answer = client.get(f"separations/{done['id']}/stem.mp4")
    assert (answer.status, "exactly four stems" in answer.reason) == (422, True)
    four = client.separate(song)
    answer = client.get(f"separations/{four['id']}/stem.mp4")
    assert (answer.status, answer.headers["content-type"]) == (200, "audio/mp4")
    from auralflow.audio.stem_mp4 import read_stem_names

    path = client.server.folder(client.server.find(four["id"])).cache / "track.stem.mp4"
    assert path.read_bytes() == answer.body
    assert read_stem_names(path) == ["vocals", "drums", "bass", "other"]


def test_nothing_is_there_before_it_is_done(client: Client, song: bytes) -> None:
    client.behave("slow 200")
    key = client.send(song).json["id"]
    for path in ("tracks/mixture", "tracks/vocals/peaks", "archive.zip", "stem.mp4"):
        assert client.get(f"separations/{key}/{path}").status == 409
    assert client.post(f"separations/{key}/mix", {"gains": {"vocals": {}}}).status == 409
    client.ask("DELETE", f"separations/{key}")
    client.behave("copy")


def test_scores_are_those_of_the_metrics(client: Client, done: Any, song: bytes) -> None:
    import torch

    from auralflow.metrics.sdr import sdr
    from auralflow.metrics.si_sdr import si_sdr

    noise = np.random.default_rng(5).uniform(-0.1, 0.1, (RATE, 2))
    truth = _write(_read(song) * 0.8 + noise)
    body, kind = client.make_form({"vocals": ("true vocals.wav", truth), "drums": ("d.wav", song)}, {})
    answer = client.ask("POST", f"separations/{done['id']}/truth", body, Content_Type=kind)
    assert answer.status == 200, answer.body
    e, s = (torch.from_numpy(_read(content).T.copy())[None] for content in (song, truth))
    scores = answer.json["scores"]
    assert scores["vocals"]["sdr"] == pytest.approx(sdr(e, s, sample_rate=RATE)["sdr"].item(), abs=1e-3)
    assert scores["vocals"]["si_sdr"] == pytest.approx(si_sdr(e, s, sample_rate=RATE)["si_sdr"].item(), abs=1e-3)
    assert scores["drums"] == {"sdr": None, "si_sdr": None}  # no distortion at all is no number
    assert client.get(f"separations/{done['id']}").json["scores"] == scores


@pytest.mark.parametrize(
    ("field", "seconds", "channels", "message"),
    [
        ("bass", 1.0, 2, "unknown stem 'bass'"),
        ("vocals", 1.0, 1, "t.wav: expected 8000 Hz and 2 channels as the song has, got 8000 Hz and 1"),
        ("vocals", 0.5, 2, "t.wav: expected 1.00 s as the song has, got 0.50 s"),
    ],
)
def test_a_truth_that_does_not_match_is_refused(
    client: Client, done: Any, field: str, seconds: float, channels: int, message: str
) -> None:
    body, kind = client.make_form({field: ("t.wav", client.make_song(seconds, channels))}, {})
    answer = client.ask("POST", f"separations/{done['id']}/truth", body, Content_Type=kind)
    assert (answer.status, answer.reason.startswith(message)) == (422, True), answer.reason
