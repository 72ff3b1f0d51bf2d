"""Settings are measured in turn, compared, recommended and kept; what cannot be measured says why."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from auralflow.bench import run
from auralflow.bench.measure import Measurement, Order
from auralflow.bench.run import BenchEvent, run_bench
from auralflow.errors import AuralflowError, ConfigError, UnknownNameError
from auralflow.pretrained.load import describe_model
from auralflow.separation.segments import Segmentation
from auralflow.speed.settings import SpeedKey, SpeedSettings, find_tuned

MIB = 2**20


class Machine:
    """Stands for the processes: a batch of 2 is twice as fast, one of 4 does not end in time."""

    def __init__(self) -> None:
        self.orders: list[Order] = []
        self.limits: list[float | None] = []
        self.seconds: dict[int | None, list[float]] = {None: [2.0, 8.0, 4.0], 1: [9.0] * 3, 2: [1.0, 2.0, 5.0]}
        self.errors: dict[int | None, float] = {2: 1e-7}
        self.default_batch = 3

    def measure(self, order: Order, limit_s: float | None = None) -> Measurement:
        self.orders.append(order)
        self.limits.append(limit_s)
        batch = order.config.batch
        if batch == 4:
            raise AuralflowError("too much for it")
        if order.output is not None:
            samples = np.linspace(-1, 1, 50, dtype=np.float32) * (1 + self.errors.get(batch, 0.0))
            Path(order.output).write_bytes(samples.astype(np.float32).tobytes())
        number = sum(o.config.batch == batch and o.is_plain == order.is_plain for o in self.orders) - 1
        notes = ("a note",) if batch == 2 else ()
        used = batch or self.default_batch
        return Measurement(self.seconds[batch][number % 3], (100 + number) * MIB, None, used, notes)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine()
    monkeypatch.setattr(run, "measure_apart", made.measure)
    return made


def test_settings_take_turns_and_the_failed_one_stays_out(machine: Machine, pass_through_path: str) -> None:
    heard: list[BenchEvent] = []
    run_bench(pass_through_path, names=["batch-2", "batch-4"], report=heard.append)
    names = ["plain", "default", "batch-2", "batch-4", *["plain", "default", "batch-2"] * 2]
    assert [event.name for event in heard] == names
    assert [event.number for event in heard] == list(range(1, 11))
    assert heard[-1].n_total == 10
    assert [order.is_plain for order in machine.orders] == [name == "plain" for name in names]
    assert [order.output is not None for order in machine.orders] == [True] * 4 + [False] * 6
    assert {order.n_threads for order in machine.orders} == {torch.get_num_threads()}
    assert set(machine.limits) == {None}


def test_the_table_has_medians_ratios_peaks_and_distances(machine: Machine, pass_through_path: str) -> None:
    report = run_bench(pass_through_path, names=["batch-2", "batch-4"], seconds=8.0)
    plain, default, two, four = report.rows
    assert default.rtf == pytest.approx(4.0 / report.audio_s)
    assert two.rtf == pytest.approx(2.0 / report.audio_s)
    assert two.times_real_time == pytest.approx(report.audio_s / 2.0)
    assert (default.ratio, two.ratio) == (1.0, 2.0)
    assert two.peak_bytes == 101 * MIB
    assert plain.deviation is None
    assert default.deviation is not None
    assert default.deviation.max_error == 0
    assert two.deviation is not None
    assert two.deviation.max_error == pytest.approx(1e-7, rel=0.5)
    assert (two.note, four.note, four.rtf) == ("a note", "too much for it", None)


def test_what_is_recommended_is_kept_for_this_device_and_model(machine: Machine, pass_through_path: str) -> None:
    report = run_bench(pass_through_path, names=["batch-2", "fast"])
    assert (report.exact.name, report.fast.name) == ("batch-2", None)
    key = SpeedKey.of(torch.device("cpu"), describe_model(pass_through_path).identity)
    tuned = find_tuned(key)
    assert tuned is not None
    assert report.path.is_file()
    assert (tuned.exact, tuned.fast) == (SpeedSettings(batch=2), None)
    assert tuned.why_not_fast == report.fast.reason


def test_the_batch_that_is_the_default_is_not_measured_again(machine: Machine, pass_through_path: str) -> None:
    machine.default_batch = 2
    heard: list[BenchEvent] = []
    report = run_bench(pass_through_path, names=["batch-1", "batch-2"], n_repeats=2, report=heard.append)
    assert [event.name for event in heard] == ["plain", "default", "batch-1"] * 2
    assert heard[-1].n_total == 6
    assert report.rows[3].note == "is the default here, 2 at once"


def test_what_is_not_exact_is_not_recommended(machine: Machine, pass_through_path: str) -> None:
    machine.errors[2] = 1e-4
    assert run_bench(pass_through_path, names=["batch-2"]).exact.name == "default"


def test_the_sound_holds_whole_segments_enough_for_a_batch(machine: Machine, pass_through_path: str) -> None:
    """The model's segments are of 1 s, and share what their spec says."""
    run_bench(pass_through_path, names=["batch-4"], seconds=0.1, n_repeats=1)
    cut = Segmentation.of(describe_model(pass_through_path).spec)
    assert {order.n_samples for order in machine.orders} == {44100 + 3 * cut.hop_samples}
    long = run_bench(pass_through_path, names=(), seconds=10.0, n_repeats=1)
    assert 10.0 <= long.audio_s < 11.0


@pytest.mark.parametrize("name", ["plain", "default"])
def test_without_the_base_there_is_no_report(
    name: str, machine: Machine, pass_through_path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(order: Order, limit_s: float | None = None) -> Measurement:
        if order.is_plain == (name == "plain"):
            raise AuralflowError("no memory")
        return machine.measure(order, limit_s)

    monkeypatch.setattr(run, "measure_apart", fail)
    with pytest.raises(AuralflowError, match=f"'{name}' cannot be measured: no memory"):
        run_bench(pass_through_path, names=())
    assert find_tuned(SpeedKey.of(torch.device("cpu"), describe_model(pass_through_path).identity)) is None


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"seconds": 0.0}, "seconds: expected more than 0"),
        ({"n_repeats": 0}, "repeat: expected more than 0"),
        ({"limit_s": -1.0}, "limit: expected more than 0"),
        ({"model": "both.yaml"}, "got the plan both.yaml"),
    ],
)
def test_what_cannot_be_is_refused(arguments: dict[str, object], text: str, pass_through_path: str) -> None:
    with pytest.raises(ConfigError, match=text):
        run_bench(**{"model": pass_through_path} | arguments)  # type: ignore[arg-type]


def test_an_unknown_setting_is_refused(pass_through_path: str) -> None:
    with pytest.raises(UnknownNameError, match="unknown setting"):
        run_bench(pass_through_path, names=["turbo"])
