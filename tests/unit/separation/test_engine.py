"""With a model that changes nothing, the engine changes nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from auralflow.audio.types import Audio
from auralflow.dsp.threads import beside
from auralflow.errors import AudioError, Cancelled, ConfigError, DeviceError, ShapeError, UnknownNameError
from auralflow.separation.engine import Separator
from auralflow.separation.outputs import plan_outputs
from auralflow.separation.progress import CancelToken, Progress
from auralflow.spec import ModelSpec

LENGTHS = [0, 1, 999, 44100 * 3 + 7]
Build = Callable[..., nn.Module]
Noise = Callable[..., np.ndarray]


class _Scripted(nn.Module):
    """A model that does what a function says."""

    def __init__(
        self, function: Callable[[Tensor], Tensor], stems: tuple[str, ...] = ("vocals", "other"), **spec: int
    ) -> None:
        super().__init__()
        fields = {"sample_rate": 44100, "channels": 2, "segment_samples": 44100} | spec
        self.spec = ModelSpec(stems, **fields)  # type: ignore[arg-type]
        self.function = function
        self.batches: list[int] = []

    def forward(self, mixture: Tensor) -> Tensor:
        self.batches.append(len(mixture))
        return self.function(mixture)


@pytest.mark.parametrize("n_samples", LENGTHS)
@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize("normalise", ["none", "track"])
def test_pass_through_returns_its_input(
    pass_through: Build, noise: Noise, n_samples: int, channels: int, normalise: str
) -> None:
    mixture = noise(channels, n_samples)
    got = Separator(pass_through(normalise=normalise)).separate(Audio(mixture, 44100))
    assert got["vocals"].samples.shape == mixture.shape
    assert np.abs(got["vocals"].samples - mixture).max(initial=0) < 1e-6
    assert all(np.abs(got[s].samples).max(initial=0) < 1e-6 for s in ("drums", "bass", "other")) or normalise == "track"


@pytest.mark.parametrize("settings", [
    {"overlap": 0.0}, {"overlap": 0.5}, {"overlap": 0.8}, {"segment_s": 0.2}, {"batch": 3},
    {"batch": 5, "overlap": 0.3},
])  # fmt: skip
def test_pass_through_whatever_the_settings(pass_through: Build, noise: Noise, settings: dict[str, float]) -> None:
    mixture = noise(2, 44100 * 4 + 13)
    got = Separator(pass_through(), **settings).separate(Audio(mixture, 44100))  # type: ignore[arg-type]
    assert np.abs(got["vocals"].samples - mixture).max() < 1e-6


@pytest.mark.parametrize(("sample_rate", "least_db"), [(48_000, 100), (96_000, 100), (8_000, 75)])
def test_pass_through_at_other_rates(pass_through: Build, sample_rate: int, least_db: float) -> None:
    """Faded noise, band-limited below 0.8 of the lower Nyquist frequency."""
    n_samples = sample_rate * 3 + 7
    spectrum = np.fft.rfft(np.random.default_rng(0).standard_normal((2, n_samples)))
    spectrum[:, np.fft.rfftfreq(n_samples, 1 / sample_rate) > 0.8 * min(sample_rate, 44_100) / 2] = 0
    mixture = (np.fft.irfft(spectrum, n_samples) * np.hanning(n_samples) * 0.1).astype(np.float32)
    got = Separator(pass_through()).separate(Audio(mixture, sample_rate))
    error = got["vocals"].samples - mixture
    assert got["vocals"].samples.shape == mixture.shape
    assert 10 * np.log10(np.sum(mixture**2) / np.sum(error**2)) > least_db


@pytest.mark.parametrize("tail", ["move", "pad", "short"])
@pytest.mark.parametrize("n_samples", [1, 999, 44100, 44101, 44100 * 3 + 7])
def test_triangles_weigh_what_their_segments_say(noise: Noise, n_samples: int, tail: str) -> None:
    """A model whose answer depends on where in the segment a sample lies, against the sum that defines the result."""

    def tilt(heard: Tensor) -> Tensor:
        return (heard * torch.linspace(1, 2, heard.shape[-1]))[:, None].expand(-1, 2, -1, -1)

    mixture = noise(2, n_samples)
    model = _Scripted(tilt, overlap=0.25, blend="triangle", tail=tail)  # type: ignore[arg-type]
    got = Separator(model, batch=2).separate(Audio(mixture, 44100))["vocals"].samples
    weights = np.minimum(np.arange(1, 44101), np.arange(44100, 0, -1)) / 22050
    total, norm = np.zeros(mixture.shape), np.zeros(n_samples)
    starts = list(range(0, n_samples, int(0.75 * 44100)))
    if tail == "move":
        starts = [*(s for s in starts if s + 44100 < n_samples), max(0, n_samples - 44100)]
    for start in starts:
        length = min(44100, n_samples - start)
        n_heard = 44100 if tail == "pad" else length
        first = (n_heard - length) // 2
        slope = np.linspace(1, 2, n_heard)[first : first + length]
        total[:, start : start + length] += weights[:length] * slope * mixture[:, start : start + length]
        norm[start : start + length] += weights[:length]
    np.testing.assert_allclose(got, total / norm, atol=1e-6)


@pytest.mark.parametrize("sample_rate", [8_000, 22_050, 96_000])
def test_stems_sum_to_the_file_at_its_own_rate(pass_through: Build, noise: Noise, sample_rate: int) -> None:
    """White noise reaches far above the model's band; that part belongs to `other`."""
    mixture = noise(2, sample_rate + 7)
    got = Separator(pass_through()).separate(Audio(mixture, sample_rate))
    assert np.abs(sum(a.samples for a in got.values()) - mixture).max() < 1e-6


def test_without_other_the_residual_has_what_lies_above_the_band(pass_through: Build) -> None:
    tone = np.sin(2 * np.pi * 30_000 * np.arange(96_000) / 96_000)[None].repeat(2, 0).astype(np.float32) * 0.5
    separator = Separator(pass_through(stems=("vocals", "drums")))
    got = separator.separate(Audio(tone, 96_000), outputs=plan_outputs(("vocals", "drums"), residual=True))
    assert np.abs(got["residual"].samples - tone)[:, 5000:-5000].max() < 1e-4


def test_blocks_in_and_out_equal_the_array(pass_through: Build, noise: Noise) -> None:
    mixture, separator = noise(2, 100_003), Separator(pass_through())
    blocks = (mixture[:, i : i + 777] for i in range(0, mixture.shape[1], 777))
    got = np.concatenate([b[0] for b in separator.stream(blocks, 44100, 2)], axis=1)
    np.testing.assert_array_equal(got, separator.separate(Audio(mixture, 44100))["vocals"].samples)


def test_stream_is_lazy(pass_through: Build) -> None:
    """The first stems come before the stream ends: nothing waits for the whole song."""
    n_read = 0

    def endless() -> Iterator[np.ndarray]:
        nonlocal n_read
        while True:
            n_read += 1
            yield np.full((2, 4410), 0.1, np.float32)

    next(Separator(pass_through()).stream(endless(), 44100, 2))
    assert n_read < 40


def test_what_is_computed_beside_the_reading_is_the_same(monkeypatch: pytest.MonkeyPatch, noise: Noise) -> None:
    """As on an accelerator: the model computes while the next segments are read, and its stems do not change."""
    mixture, read = noise(2, 44100 * 4), threading.Event()
    expected = Separator(_Scripted(_square)).separate(Audio(mixture, 44100))

    def wait_for_reader(batch: Tensor) -> Tensor:
        assert read.wait(timeout=10)  # set further on in the stream than this segment reaches
        return _square(batch)

    def blocks() -> Iterator[np.ndarray]:
        yield mixture[:, : 44100 * 2]
        read.set()
        yield mixture[:, 44100 * 2 :]

    monkeypatch.setattr("auralflow.separation.engine.beside", lambda is_wanted: beside(True))
    stems = list(Separator(_Scripted(wait_for_reader), batch=2).stream(blocks(), 44100, 2))
    for stem, got in zip(expected.values(), zip(*stems, strict=True), strict=True):
        np.testing.assert_allclose(np.concatenate(got, axis=1), stem.samples, atol=1e-6)


def _square(mixture: Tensor) -> Tensor:
    return torch.stack([mixture**2, mixture.abs()], dim=1)


def test_deterministic_and_independent_of_the_batch(noise: Noise) -> None:
    mixture = Audio(noise(2, 44100 * 5), 44100)
    one, again, many = (Separator(_Scripted(_square), batch=b).separate(mixture) for b in (1, 1, 4))
    for stem in one:
        np.testing.assert_array_equal(one[stem].samples, again[stem].samples)
        np.testing.assert_allclose(many[stem].samples, one[stem].samples, atol=1e-5)


def test_a_seam_between_segments_that_differ_is_a_blend_not_a_click(noise: Noise) -> None:
    """Each segment gets another constant; the output may change only as fast as the ramp."""
    calls = iter(range(100))

    def constant(mixture: Tensor) -> Tensor:
        return torch.full_like(mixture, float(next(calls) % 2)).unsqueeze(1)

    model = _Scripted(constant, stems=("vocals",), segment_samples=44100, context_samples=4000)
    got = Separator(model).separate(Audio(noise(2, 44100 * 6), 44100))["vocals"].samples
    ramp = Separator(model).segmentation.ramp_samples
    assert np.abs(np.diff(got)).max() <= 1.01 / ramp


def test_silence_stays_silence() -> None:
    """A model that adds noise everywhere is not heard where the mixture is digital silence."""
    mixture = np.full((2, 44100 * 8), 0.1, np.float32)
    mixture[:, 44100 * 2 : 44100 * 6] = 0
    got = (
        Separator(_Scripted(lambda x: torch.stack([x + 0.01, x], 1))).separate(Audio(mixture, 44100))["vocals"].samples
    )
    assert (got[:, 44100 * 2 + 4096 : 44100 * 6 - 4096] == 0).all()
    assert (got[:, : 44100 * 2 - 4096] != 0).all()


def test_a_silent_track_does_not_run_the_model() -> None:
    model = _Scripted(_square)
    got = Separator(model).separate(Audio(np.zeros((2, 100_000)), 44100))
    assert model.batches == []
    assert all((a.samples == 0).all() for a in got.values())


def test_zero_crossings_are_not_silence(noise: Noise) -> None:
    mixture = noise(2, 44100)
    mixture[:, ::2] = 0
    got = (
        Separator(_Scripted(lambda x: torch.stack([x + 0.01, x], 1))).separate(Audio(mixture, 44100))["vocals"].samples
    )
    np.testing.assert_allclose(got, mixture + 0.01, atol=1e-6)


def test_too_little_memory_halves_the_batch(noise: Noise) -> None:
    """Segments run side by side, each alone in its batch, until so many at once do not fit."""
    mixture, threads = Audio(noise(2, 44100 * 8), 44100), torch.get_num_threads()
    meter = _Meter(most=2)
    torch.set_num_threads(4)
    try:
        got = Separator(_Scripted(meter.measure), batch=4).separate(mixture)
        assert torch.get_num_threads() == 4
    finally:
        torch.set_num_threads(threads)
    want = Separator(_Scripted(_square), batch=1).separate(mixture)
    np.testing.assert_allclose(got["vocals"].samples, want["vocals"].samples, atol=1e-5)
    assert meter.greatest > 2


class _Meter:
    """Squares, but not more than so many at once, and so slowly that they meet."""

    def __init__(self, most: int) -> None:
        self.most, self.n_now, self.greatest = most, 0, 0
        self.lock = threading.Lock()

    def measure(self, items: Tensor) -> Tensor:
        with self.lock:
            self.n_now += 1
            self.greatest = max(self.greatest, self.n_now)
        try:
            time.sleep(0.1)
            if self.n_now > self.most:
                raise torch.OutOfMemoryError("out of memory")
            return _square(items)
        finally:
            with self.lock:
                self.n_now -= 1


def test_a_single_segment_that_does_not_fit_is_one_clear_error(noise: Noise) -> None:
    def hungry(items: Tensor) -> Tensor:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes.")

    with pytest.raises(DeviceError, match="--segment"):
        Separator(_Scripted(hungry)).separate(Audio(noise(2, 1000), 44100))


def test_other_errors_of_a_model_are_not_taken_for_memory(noise: Noise) -> None:
    def broken(items: Tensor) -> Tensor:
        raise RuntimeError("sizes differ")

    with pytest.raises(RuntimeError, match="sizes differ"):
        Separator(_Scripted(broken)).separate(Audio(noise(2, 1000), 44100))


@pytest.mark.parametrize("broken", [lambda x: x, lambda x: x[:, None, :, :-1], lambda x: x[:, None, :1]])
def test_a_model_that_breaks_its_promise_is_named(noise: Noise, broken: Callable[[Tensor], Tensor]) -> None:
    with pytest.raises(ShapeError, match="batch, stem, channel, time"):
        Separator(_Scripted(broken, stems=("vocals",))).separate(Audio(noise(2, 1000), 44100))


def test_a_model_that_gives_no_number_is_named(noise: Noise) -> None:
    with pytest.raises(ShapeError, match="NaN"):
        Separator(_Scripted(lambda x: torch.stack([x, x * float("nan")], 1))).separate(Audio(noise(2, 1000), 44100))


def test_selected_stems_run_only_their_part(noise: Noise) -> None:
    class Selectable(_Scripted):
        selected: tuple[str, ...] | None = None

        def select(self, stems: tuple[str, ...]) -> nn.Module:
            self.selected = stems
            return _Scripted(lambda x: x[:, None] ** 2)

    model, mixture = Selectable(_square), Audio(noise(2, 60_000), 44100)
    full = Separator(_Scripted(_square)).separate(mixture)["vocals"].samples
    part = Separator(model).separate(mixture, outputs=plan_outputs(("vocals", "other"), ["vocals"]))
    assert list(part) == ["vocals"]
    assert model.selected == ("vocals",)
    assert model.batches == []
    np.testing.assert_allclose(part["vocals"].samples, full, atol=1e-6)


def test_progress_ends_at_one_and_tells_the_time_left(pass_through: Build, noise: Noise) -> None:
    seen: list[Progress] = []
    Separator(pass_through()).separate(Audio(noise(2, 44100 * 5), 44100), progress=seen.append)
    fractions = [p.fraction for p in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert len(fractions) > 3
    assert seen[-1].done_s == pytest.approx(5.0)
    assert seen[-1].eta_s == 0.0


def test_cancel_stops_at_the_next_piece(pass_through: Build, noise: Noise) -> None:
    token, seen = CancelToken(), 0

    def stop(progress: Progress) -> None:
        nonlocal seen
        seen += 1
        token.cancel()

    with pytest.raises(Cancelled):
        Separator(pass_through()).separate(Audio(noise(2, 44100 * 20), 44100), progress=stop, cancel=token)
    assert seen == 1


def test_track_normalisation_is_seen_by_the_model(noise: Noise) -> None:
    seen: list[Tensor] = []

    def look(items: Tensor) -> Tensor:
        seen.append(items)
        return items[:, None]

    model = _Scripted(look, stems=("vocals",), segment_samples=441_000)
    model.spec = ModelSpec(("vocals",), 44100, 2, 441_000, normalise="track")
    mixture = noise(2, 200_000) * 0.1 + 0.05
    got = Separator(model).separate(Audio(mixture, 44100))["vocals"].samples
    mono = seen[0].mean(1)
    assert abs(mono.mean()) < 1e-5
    assert mono.std() == pytest.approx(1, abs=1e-4)
    np.testing.assert_allclose(got, mixture, atol=1e-6)


def test_a_stream_for_a_normalised_model_needs_statistics(pass_through: Build, noise: Noise) -> None:
    with pytest.raises(ConfigError, match="measure"):
        next(Separator(pass_through(normalise="track")).stream([noise(2, 100)], 44100, 2))


def test_bad_requests_are_refused(pass_through: Build) -> None:
    with pytest.raises(ConfigError, match="spec"):
        Separator(nn.Identity())
    with pytest.raises(ConfigError, match="batch"):
        Separator(pass_through(), batch=0)
    with pytest.raises(ConfigError, match="precision"):
        Separator(pass_through(), precision="rough")  # type: ignore[arg-type]
    with pytest.raises(UnknownNameError, match="did you mean 'cuda'"):
        Separator(pass_through(), device="cudda")
    with pytest.raises(AudioError, match="finite"):
        Separator(pass_through()).separate(Audio(np.full((2, 10), np.nan), 44100))


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has the device that must be missing")
def test_a_missing_device_fails_loudly(pass_through: Build) -> None:
    with pytest.raises(DeviceError, match="--device cuda"):
        Separator(pass_through(), device="cuda")


@pytest.mark.parametrize("has_half", [True, False])
def test_half_precision_is_used_only_where_the_device_has_it(monkeypatch: pytest.MonkeyPatch, has_half: bool) -> None:
    """A CPU that has to do it piece by piece would take several times as long; then 32 bits are used, and said."""
    monkeypatch.setattr("auralflow.speed.precision.has_half_precision", lambda device: has_half)
    heard: list[torch.dtype] = []

    class Listener(torch.nn.Module):
        spec = ModelSpec(("all",), 8000, 1, segment_samples=800)

        def forward(self, mixture: torch.Tensor) -> torch.Tensor:
            heard.append((mixture @ torch.eye(mixture.shape[-1])).dtype)
            return mixture[:, None]

    told: list[str] = []
    blocks = iter([np.ones((1, 800), np.float32)])
    for _ in Separator(Listener(), device="cpu", precision="fast").stream(blocks, 8000, 1, warn=told.append):
        pass
    # Where it has, both were compared before the sound came.
    assert heard[-1] == (torch.bfloat16 if has_half else torch.float32)
    assert len(heard) == (3 if has_half else 1)
    assert [("no 16-bit arithmetic" in text) for text in told] == ([] if has_half else [True])
