"""A job loses nothing: not to bad files, crashes, hangs, kill -9, nor to being run twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from tests.songs import mark_song

from auralflow import separate
from auralflow.errors import AudioError, AuralflowError, Cancelled, ConfigError, OutputError, UnknownNameError
from auralflow.separation.progress import CancelToken
from auralflow.separation.results import JobEvent, JobReport

MODELS = Path(__file__).parent.parent / "models"
CRASHES, SLOW, PASS_THROUGH = (str(MODELS / f"{name}.py") for name in ("crashes", "slow", "pass_through"))
WriteWav = Callable[..., Path]


def _run(*inputs: Path, out: Path, **settings: object) -> JobReport:
    report = separate(list(inputs), out=out, **settings)  # type: ignore[arg-type]
    assert isinstance(report, JobReport)
    return report


def _outputs(out: Path) -> dict[str, int]:
    return {
        p.relative_to(out).as_posix(): p.stat().st_mtime_ns
        for p in out.rglob("*")
        if p.is_file() and ".auralflow" not in p.parts
    }


def test_one_file_becomes_its_stems(tmp_path: Path, write_wav: WriteWav) -> None:
    song = write_wav(tmp_path / "song.wav")
    report = _run(
        song, out=tmp_path / "out", model=PASS_THROUGH, stems="vocals,drums", mix="karaoke=-vocals", residual=True
    )
    names = [o.path.relative_to(tmp_path / "out").as_posix() for o in report.done[0].outputs]
    assert names == ["song/vocals.wav", "song/drums.wav", "song/karaoke.wav", "song/residual.wav"]
    np.testing.assert_array_equal(soundfile.read(tmp_path / "out/song/vocals.wav")[0], soundfile.read(song)[0])
    assert report.exit_code == 0
    assert not list((tmp_path / "out/.auralflow").glob("work*"))


def test_folders_are_kept_and_a_bad_file_stops_nothing(tmp_path: Path, write_wav: WriteWav) -> None:
    music = tmp_path / "music"
    for name in ("a.wav", "album/b.wav", "album/disc 2/ç.wav"):
        write_wav(music / name)
    (music / "album/broken.flac").write_bytes(b"fLaC and then nothing of use")
    (music / "album/notes.txt").write_text("not audio")
    report = _run(music, out=tmp_path / "out", model=PASS_THROUGH, stems="vocals")
    assert sorted(_outputs(tmp_path / "out")) == ["a/vocals.wav", "album/b/vocals.wav", "album/disc 2/ç/vocals.wav"]
    assert [f.source.name for f in report.failed] == ["broken.flac"]
    assert report.exit_code == 1
    lines = [json.loads(line) for line in (tmp_path / "out/.auralflow/failures.jsonl").read_text().splitlines()]
    assert [line["kind"] for line in lines] == ["input"]
    assert lines[0]["reason"] == report.failed[0].reason


def test_what_is_done_is_skipped_until_something_changes(tmp_path: Path, write_wav: WriteWav) -> None:
    songs = [write_wav(tmp_path / f"{i}.wav", seed=i) for i in range(3)]
    settings: dict[str, object] = {"out": tmp_path / "out", "model": PASS_THROUGH, "stems": "vocals"}
    _run(*songs, **settings)  # type: ignore[arg-type]
    before = _outputs(tmp_path / "out")
    again = _run(*songs, **settings)  # type: ignore[arg-type]
    assert (len(again.done), len(again.skipped)) == (0, 3)
    assert _outputs(tmp_path / "out") == before

    write_wav(songs[0], seed=9)
    (tmp_path / "out/1/vocals.wav").write_bytes(b"cut short")
    changed = _run(*songs, **settings)  # type: ignore[arg-type]
    assert sorted(r.source.name for r in changed.done) == ["0.wav", "1.wav"]
    # A single song needs no worker, which takes seconds to start.
    assert len(_run(songs[2], **settings | {"format": "flac"}).done) == 1  # type: ignore[arg-type]
    assert len(_run(songs[2], **settings | {"overwrite": True}).done) == 1  # type: ignore[arg-type]


def test_a_touched_file_is_known_by_its_content(tmp_path: Path, write_wav: WriteWav) -> None:
    song = write_wav(tmp_path / "song.wav")
    settings: dict[str, object] = {"out": tmp_path / "out", "model": PASS_THROUGH, "content_hash": True}
    _run(song, **settings)  # type: ignore[arg-type]
    os.utime(song, (1, 1))
    assert len(_run(song, **settings).skipped) == 1  # type: ignore[arg-type]
    write_wav(song, seed=5)
    assert len(_run(song, **settings).done) == 1  # type: ignore[arg-type]


def test_a_crash_and_a_hang_cost_only_their_file(tmp_path: Path, write_wav: WriteWav) -> None:
    songs = [write_wav(tmp_path / f"{i}.wav", seed=i) for i in range(6)]
    mark_song(songs[1], 0.95)
    mark_song(songs[3], -0.95)
    events: list[JobEvent] = []
    report = _run(*songs, out=tmp_path / "out", model=CRASHES, workers=2, hang=2.0, report=events.append)
    assert sorted(r.source.name for r in report.done) == ["0.wav", "2.wav", "4.wav", "5.wav"]
    reasons = {f.source.name: f.reason for f in report.failed}
    assert "exit code 7" in reasons["1.wav"]
    assert "sign of life" in reasons["3.wav"]
    assert all(f.kind == "quarantined" for f in report.failed)
    assert sum(e.kind == "retried" for e in events) == 2

    later = _run(*songs, out=tmp_path / "out", model=CRASHES, hang=2.0)
    assert (len(later.done), len(later.skipped), len(later.failed)) == (0, 4, 2)
    assert all("--overwrite" in f.reason for f in later.failed)


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9")
def test_kill_in_the_middle_and_run_again(tmp_path: Path, write_wav: WriteWav) -> None:
    songs = [write_wav(tmp_path / "in" / f"{i}.wav", seconds=2, seed=i) for i in range(4)]
    out = tmp_path / "out"
    script = (
        f"import auralflow; auralflow.separate({str(tmp_path / 'in')!r}, out={str(out)!r}, model={SLOW!r}, workers=1)"
    )
    process = subprocess.Popen([sys.executable, "-c", script], start_new_session=True)
    manifest = out / ".auralflow/manifest.jsonl"
    _wait_for(lambda: manifest.exists() and manifest.read_bytes().count(b"\n") >= 1)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    finished = _outputs(out)
    assert 0 < len(finished) < 2 * len(songs)
    for name in finished:
        assert soundfile.info(out / name).frames == 88200

    report = _run(tmp_path / "in", out=out, model=SLOW, workers=1)
    assert report.failed == ()
    assert len(report.skipped) >= 1
    complete = _outputs(out)
    assert len(complete) == 2 * len(songs)
    skipped = {path.stem for path in report.skipped}
    assert all(complete[name] == mtime for name, mtime in finished.items() if name.split("/")[0] in skipped)
    assert all(soundfile.info(out / name).frames == 88200 for name in complete)
    assert not (out / ".auralflow/work").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_worker_does_not_outlive_its_killed_parent(tmp_path: Path, write_wav: WriteWav) -> None:
    psutil = pytest.importorskip("psutil")
    write_wav(tmp_path / "in/a.wav", seconds=30)
    settings = {"out": str(tmp_path / "out"), "model": SLOW, "workers": 1}
    script = f"import auralflow; auralflow.separate({str(tmp_path / 'in')!r}, **{settings!r})"
    process = subprocess.Popen([sys.executable, "-c", script])
    children: list[int] = []

    def has_worker() -> bool:
        children[:] = [
            c.pid
            for c in psutil.Process(process.pid).children()
            if "auralflow.separation.worker" in " ".join(c.cmdline())
        ]
        return bool(children)

    _wait_for(has_worker)
    process.kill()
    process.wait()
    _wait_for(
        lambda: (
            not any(psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE for pid in children)
        )
    )


def test_cancel_stops_soon_and_keeps_what_is_finished(tmp_path: Path, write_wav: WriteWav) -> None:
    for i in range(4):
        write_wav(tmp_path / "in" / f"{i}.wav", seconds=1, seed=i)
    token = CancelToken()

    def stop(event: JobEvent) -> None:
        if event.kind == "done":
            token.cancel()

    with pytest.raises(Cancelled):
        _run(tmp_path / "in", out=tmp_path / "out", model=SLOW, report=stop, cancel=token)
    assert len(_outputs(tmp_path / "out")) == 2
    assert len(_run(tmp_path / "in", out=tmp_path / "out", model=SLOW).skipped) == 1


@pytest.mark.slow
def test_two_thousand_files_one_in_a_hundred_poisoned(tmp_path: Path, write_wav: WriteWav) -> None:
    poison = {}
    for i in range(2000):
        path = tmp_path / "in" / f"{i // 100:02d}" / f"{i:04d}.wav"
        write_wav(path, seconds=0.02, seed=i)
        if i % 100 == 50:
            poison[path.name] = i
            if i % 200 == 50:
                path.write_bytes(path.read_bytes()[:20])
            else:
                mark_song(path, 0.95)
    report = _run(tmp_path / "in", out=tmp_path / "out", model=CRASHES, stems="vocals", workers=2)
    assert {f.source.name for f in report.failed} == set(poison)
    assert len(report.done) == 1980
    assert len(_outputs(tmp_path / "out")) == 1980
    again = _run(tmp_path / "in", out=tmp_path / "out", model=CRASHES, stems="vocals", workers=2)
    assert len(again.skipped) == 1980


def test_one_job_at_a_time_in_a_folder(tmp_path: Path, write_wav: WriteWav) -> None:
    song = write_wav(tmp_path / "song.wav")

    def second(event: JobEvent) -> None:
        with pytest.raises(OutputError, match="another auralflow job"):
            _run(song, out=tmp_path / "out", model=PASS_THROUGH)

    _run(song, out=tmp_path / "out", model=PASS_THROUGH, report=second)


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"model": "clasic"}, UnknownNameError, "did you mean 'classic'"),
        ({"stems": "vocal"}, UnknownNameError, "did you mean 'vocals'"),
        ({"format": "flacc"}, UnknownNameError, "did you mean 'flac'"),
        ({"name": "../{stem}"}, ConfigError, "leaves the output folder"),
        ({"name": "/{stem}"}, ConfigError, "leaves the output folder"),
        ({"name": "{track}"}, ConfigError, "{stem}"),
        ({"name": "{title}/{stem}"}, UnknownNameError, "field"),
        ({"name": "{stem"}, ConfigError, "template"),
        ({"from_": "1:xx"}, ConfigError, "from: expected a time"),
        ({"for_": "0"}, ConfigError, "for: expected more than 0"),
        ({"from_": "10"}, AudioError, "song.wav"),
        ({"overlap": 1.5}, ConfigError, "overlap"),
    ],
)
def test_bad_requests_write_nothing(
    tmp_path: Path, write_wav: WriteWav, settings: dict[str, object], error: type[AuralflowError], words: str
) -> None:
    song = write_wav(tmp_path / "song.wav")
    with pytest.raises(error, match=words):
        _run(song, out=tmp_path / "out", **{"model": PASS_THROUGH} | settings)  # type: ignore[arg-type]
    assert _outputs(tmp_path / "out") == {}


@pytest.mark.parametrize(
    "settings", [{"workers": 0}, {"workers": -1}, {"hang": 0.0}, {"out": ""}, {"segment": float("nan")}]
)
def test_settings_that_cannot_be_are_refused(tmp_path: Path, write_wav: WriteWav, settings: dict[str, object]) -> None:
    song = write_wav(tmp_path / "song.wav")
    with pytest.raises(ConfigError):
        separate(song, **{"out": tmp_path / "out", "model": PASS_THROUGH} | settings)  # type: ignore[arg-type]


def test_an_empty_name_is_not_the_current_folder(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="empty name"):
        separate([""], out=tmp_path / "out")


def test_a_model_file_that_cannot_be_imported_is_named(tmp_path: Path, write_wav: WriteWav) -> None:
    (tmp_path / "net.py").write_text("import no_such_module_here\n")
    with pytest.raises(ConfigError, match=r"net\.py: cannot be imported: ModuleNotFoundError"):
        _run(write_wav(tmp_path / "song.wav"), out=tmp_path / "out", model=str(tmp_path / "net.py"))


def test_an_error_in_a_model_costs_only_its_file(tmp_path: Path, write_wav: WriteWav) -> None:
    text = (
        Path(PASS_THROUGH)
        .read_text()
        .replace("silence =", "mixture[0, 0, 0].item() > 0.9 and 1 / 0\n        silence =")
    )
    (tmp_path / "pass_through.py").write_text(text)
    songs = [write_wav(tmp_path / f"{i}.wav", seed=i) for i in range(2)]
    mark_song(songs[1], 0.95)
    report = _run(*songs, out=tmp_path / "out", model=str(tmp_path / "pass_through.py"))
    assert [r.source.name for r in report.done] == ["0.wav"]
    assert "ZeroDivisionError" in report.failed[0].reason
    assert report.failed[0].kind == "input"


def test_a_stem_file_needs_no_stem_in_its_name(tmp_path: Path, write_wav: WriteWav) -> None:
    songs = [write_wav(tmp_path / f"{i}.wav", seed=i) for i in range(2)]
    report = _run(*songs, out=tmp_path / "out", model=PASS_THROUGH, name="{stem}", format="stem.mp4")
    assert sorted(_outputs(tmp_path / "out")) == ["0.stem.mp4", "1.stem.mp4"]
    assert report.failed == ()


def test_missing_and_empty_inputs_are_named(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(AudioError, match="no such file"):
        _run(tmp_path / "missing.wav", out=tmp_path / "out")
    with pytest.raises(AudioError, match="no audio files"):
        _run(tmp_path / "empty", out=tmp_path / "out")


def test_two_inputs_with_one_output_are_found_before_the_start(tmp_path: Path, write_wav: WriteWav) -> None:
    songs = [write_wav(tmp_path / name) for name in ("x/song.wav", "y/Song.wav")]
    with pytest.raises(ConfigError, match="would both write"):
        _run(*songs, out=tmp_path / "out", model=PASS_THROUGH)
    assert not (tmp_path / "out").exists()


def test_an_output_never_overwrites_its_input(tmp_path: Path, write_wav: WriteWav) -> None:
    song = write_wav(tmp_path / "vocals.wav")
    before = song.read_bytes()
    with pytest.raises(OutputError, match="overwrite its input"):
        _run(song, out=tmp_path, model=PASS_THROUGH, name="{stem}")
    assert song.read_bytes() == before


@pytest.mark.skipif(
    sys.platform == "win32" or not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root writes anywhere"
)
def test_an_unwritable_folder_is_one_clear_error(tmp_path: Path, write_wav: WriteWav) -> None:
    song = write_wav(tmp_path / "song.wav")
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    with pytest.raises(OutputError, match="cannot write there"):
        _run(song, out=locked / "out", model=PASS_THROUGH)


def test_an_output_folder_that_is_a_file_is_one_clear_error(tmp_path: Path, write_wav: WriteWav) -> None:
    song = write_wav(tmp_path / "song.wav")
    with pytest.raises(OutputError, match="cannot write there"):
        _run(song, out=song, model=PASS_THROUGH)


@pytest.mark.skipif(sys.platform == "win32", reason="RLIMIT_FSIZE")
@pytest.mark.parametrize(
    "format_", ["auto", "wav32f", *(pytest.param(name, marks=pytest.mark.slow) for name in ("flac", "mp3")), "m4a"]
)
def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, write_wav: WriteWav, format_: str) -> None:
    """A limit on file sizes fails a write as a full disk does, in the middle of it."""
    song = write_wav(tmp_path / "song.wav", seconds=20)
    settings = {"out": str(tmp_path / "out"), "model": PASS_THROUGH, "format": format_}
    script = (
        "import resource, signal, sys, auralflow\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))\n"
        "try:\n"
        f"    auralflow.separate({str(song)!r}, **{settings!r})\n"
        "except auralflow.AuralflowError as error:\n"
        "    print(type(error).__name__, error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("OutputError")
    assert len(done.stdout.splitlines()) == 1
    assert _outputs(tmp_path / "out") == {}


def test_stems_that_would_clip_share_one_gain(tmp_path: Path) -> None:
    """`vocals` is the mixture at full scale twice over through a mix; all outputs go down together."""
    time_s = np.arange(44100) / 44100
    loud = 0.9 * np.sin(2 * np.pi * 440 * time_s)
    soundfile.write(tmp_path / "song.wav", np.stack([loud, loud], 1), 44100, subtype="PCM_16")
    settings: dict[str, object] = {"model": PASS_THROUGH, "stems": "vocals", "mix": "double=mixture+vocals"}
    report = _run(tmp_path / "song.wav", out=tmp_path / "out", **settings)  # type: ignore[arg-type]
    vocals, double = (soundfile.read(tmp_path / f"out/song/{n}.wav")[0] for n in ("vocals", "double"))
    gain = 10 ** (report.done[0].gain_db / 20)
    assert gain == pytest.approx(1 / 1.8, rel=1e-3)
    assert np.abs(double).max() <= 1.0
    np.testing.assert_allclose(double, 2 * vocals, atol=3 / 32768)
    assert any("lowered by 5.1" in w for w in report.done[0].warnings)

    floats = _run(tmp_path / "song.wav", out=tmp_path / "float", format="wav32f", **settings)  # type: ignore[arg-type]
    assert floats.done[0].gain_db == 0
    assert np.abs(soundfile.read(tmp_path / "float/song/double.wav")[0]).max() == pytest.approx(1.8, rel=1e-3)


def test_a_preview_is_a_slice_of_the_song(tmp_path: Path, write_wav: WriteWav) -> None:
    song = write_wav(tmp_path / "song.wav", seconds=3)
    _run(song, out=tmp_path / "out", model=PASS_THROUGH, stems="vocals", from_="0:01", for_="0.5s")
    whole = soundfile.read(song)[0]
    np.testing.assert_array_equal(soundfile.read(tmp_path / "out/song/vocals.wav")[0], whole[44100 : 44100 + 22050])


def test_all_zero_audio_gives_zero_stems_and_says_so(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "song.wav", np.zeros((44100, 2)), 44100)
    report = _run(tmp_path / "song.wav", out=tmp_path / "out", model=PASS_THROUGH)
    assert not soundfile.read(tmp_path / "out/song/vocals.wav")[0].any()
    assert any("silence" in w for w in report.done[0].warnings)


@pytest.mark.parametrize(("n_samples", "works"), [(0, False), (1, True), (999, True)])
def test_the_shortest_files(tmp_path: Path, n_samples: int, works: bool) -> None:
    soundfile.write(tmp_path / "song.wav", np.full((n_samples, 2), 0.25), 44100)
    if not works:
        with pytest.raises(AudioError, match="no audio samples"):
            _run(tmp_path / "song.wav", out=tmp_path / "out", model=PASS_THROUGH)
        return
    _run(tmp_path / "song.wav", out=tmp_path / "out", model=PASS_THROUGH)
    assert (soundfile.read(tmp_path / "out/song/vocals.wav")[0] == 0.25).all()
    assert soundfile.info(tmp_path / "out/song/vocals.wav").frames == n_samples


def test_dry_run_writes_nothing_and_adds_up(tmp_path: Path, write_wav: WriteWav) -> None:
    write_wav(tmp_path / "in/a.wav", seconds=1)
    write_wav(tmp_path / "in/b.wav", seconds=2)
    (tmp_path / "in/c.mp3").write_bytes(b"")
    forecast = separate(tmp_path / "in", out=tmp_path / "out", model=PASS_THROUGH, dry_run=True)
    assert not isinstance(forecast, JobReport)
    assert not (tmp_path / "out").exists()
    assert (len(forecast.files), len(forecast.unusable), forecast.n_outputs) == (2, 1, 8)
    assert forecast.duration_s == pytest.approx(3)
    assert forecast.output_bytes == 4 * 3 * 44100 * 2 * 2


def _wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
