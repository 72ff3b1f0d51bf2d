"""BSS Eval version 4 as a metric: columns, windows of a second."""

from __future__ import annotations

import torch

from auralflow.dsp.bss_eval import bss_eval
from auralflow.metrics import bss_eval_v4 as module
from auralflow.metrics import metrics

bss_eval_v4 = module.bss_eval_v4


def test_is_found_by_name() -> None:
    assert metrics.load("bss_eval_v4") is bss_eval_v4
    assert module.HIGHER_IS_BETTER is True
    assert "museval" in module.SOURCE


def test_windows_are_seconds_and_columns_clash_with_no_other() -> None:
    targets = torch.randn(2, 1, 3500, generator=torch.Generator().manual_seed(0))
    estimates = 0.8 * targets + 0.2 * targets.flip(0).roll(3, dims=-1)
    scores = bss_eval_v4(estimates, targets, sample_rate=1500)
    assert list(scores) == ["v4_sdr", "v4_isr", "v4_sir", "v4_sar"]
    expected = bss_eval(estimates, targets, window_samples=1500, hop_samples=1500)
    for name, values in expected.items():
        assert values.shape == (2, 2)
        torch.testing.assert_close(scores[f"v4_{name}"], values)
