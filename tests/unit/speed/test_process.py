"""What is done to the process is undone nowhere, so each test that changes it runs in a process of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from auralflow.speed import process


def _run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_products_stay_exact_after_tuning() -> None:
    code = """
import torch
from auralflow.speed.process import tune_process
left, right = torch.randn(300, 200), torch.randn(200, 100)
tune_process()
exact = left.double() @ right.double()
print(float(((left @ right) - exact).abs().max() / exact.abs().max()))
"""
    assert float(_run(code)) < 2e-6


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc is tuned on Linux only")
def test_freed_memory_stays_with_the_process() -> None:
    """A tensor of 40 MiB that is made anew again and again faults its 10000 pages in at first, and not each time."""
    code = """
import resource, torch
from auralflow.speed.process import keep_freed_memory
if {is_tuned}:
    assert keep_freed_memory()

def count_faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        torch.ones(10 * 2**20)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

count_faults()
print(count_faults())
"""
    assert int(_run(code.format(is_tuned=True))) < 1000
    assert int(_run(code.format(is_tuned=False))) > 10000


def test_a_switch_that_rounds_to_bfloat16_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = torch.backends.mkldnn.matmul
    before = backend.fp32_precision
    try:
        monkeypatch.setattr(process, "_product_error", lambda: 2e-3)
        assert not process.use_onednn_products()
        assert backend.fp32_precision == before
    finally:
        backend.fp32_precision = before


def test_the_error_that_bfloat16_leaves_would_show(monkeypatch: pytest.MonkeyPatch) -> None:
    exact, product = process._product_error(), torch.Tensor.__matmul__

    def rounded(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        if left.dtype == torch.float64:
            return product(left, right)
        return product(left.bfloat16().float(), right.bfloat16().float())

    monkeypatch.setattr(torch.Tensor, "__matmul__", rounded)
    assert exact < process._LARGEST_ERROR < 1e-3 < process._product_error()


def test_importing_auralflow_changes_nothing() -> None:
    code = """
import torch
before = torch.backends.mkldnn.matmul.fp32_precision
import auralflow, auralflow.separation.engine
print(torch.backends.mkldnn.matmul.fp32_precision == before)
"""
    assert _run(code) == "True"
