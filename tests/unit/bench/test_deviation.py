"""Outputs are compared sample for sample, over the borders of pieces too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from auralflow.bench import deviation
from auralflow.bench.deviation import Deviation, compare_outputs
from auralflow.errors import AuralflowError


@pytest.fixture
def compare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    monkeypatch.setattr(deviation, "_PIECE_SAMPLES", 64)

    def run(ours: np.ndarray, theirs: np.ndarray) -> Deviation:
        for name, samples in (("ours", ours), ("theirs", theirs)):
            (tmp_path / name).write_bytes(samples.astype(np.float32).tobytes())
        return compare_outputs(tmp_path / "ours", tmp_path / "theirs")

    return run


def test_the_largest_error_is_relative_and_the_ratio_is_of_energies(compare) -> None:  # type: ignore[no-untyped-def]
    reference = np.zeros(1000)
    reference[10] = -4.0
    changed = reference.copy()
    changed[900] += 0.04
    found = compare(changed, reference)
    assert found.max_error == pytest.approx(0.01, rel=1e-5)
    assert found.sdr_db == pytest.approx(40.0, abs=1e-3)


def test_equal_outputs_have_no_ratio(compare) -> None:  # type: ignore[no-untyped-def]
    assert compare(np.ones(130), np.ones(130)) == Deviation(0.0, None)


def test_silence_can_be_compared_with(compare) -> None:  # type: ignore[no-untyped-def]
    found = compare(np.full(10, 0.5), np.zeros(10))
    assert found.max_error == 0.5
    assert found.sdr_db < -100


def test_another_length_is_refused(compare) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(AuralflowError, match="another number of samples"):
        compare(np.ones(10), np.ones(11))
