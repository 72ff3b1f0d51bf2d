"""Every frame of BSS Eval against values that museval 0.4.1 gave for the same signals (numpy 2.4, float64).

To make the file of values anew, call `museval.metrics.bss_eval(targets, estimates, window, hop, filters_len=512,
framewise_filters=...)` on `signals(...)` with axes (stem, time, channel), and stack its first four results.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from auralflow.dsp.bss_eval import bss_eval, windowed_sdr

RATE = 8000
VALUES = Path(__file__).parents[1] / "data" / "museval_0_4_1.npz"
Signals = tuple[NDArray[np.float64], NDArray[np.float64], int, int]


@pytest.mark.parametrize("version", ["v4", "v3"])
@pytest.mark.parametrize("case", ["random", "overlap", "short", "mono", "silent", "opposite", "dual_mono"])
def test_all_ratios_within_a_millionth_of_a_decibel(case: str, version: str) -> None:
    _check(case, version, ["sdr", "isr", "sir", "sar"])


@pytest.mark.parametrize(("version", "names"), [("v4", ["sdr", "isr"]), ("v3", ["sdr", "isr", "sir", "sar"])])
def test_pure_tones(version: str, names: list[str]) -> None:
    """Pure tones leave the filters of all stems undetermined. What version 4 then says of SIR and SAR is rounding:
    museval differs from itself by 15 dB when the stems come in another order."""
    _check("tonal", version, names)


def _check(case: str, version: str, names: list[str]) -> None:
    estimates, targets, window, hop = signals(case)
    expected = dict(zip(["sdr", "isr", "sir", "sar"], np.load(VALUES)[f"{case}.{version}"], strict=True))
    e, t = torch.from_numpy(estimates), torch.from_numpy(targets)
    found = bss_eval(e, t, window_samples=window, hop_samples=hop, is_framewise=version == "v3")
    for name in names:
        np.testing.assert_allclose(found[name].numpy(), expected[name], atol=1e-6, rtol=0, err_msg=name)
    sdr = windowed_sdr(e, t, window_samples=window, hop_samples=hop)
    np.testing.assert_allclose(sdr.numpy(), expected["sdr"], atol=1e-9, rtol=0)


def signals(name: str) -> Signals:
    """Estimates, targets, window and hop of a case."""
    rng = np.random.default_rng(20180702)

    def mix(ref, leak, noise):
        n = len(ref)
        est = ref.copy()
        for i in range(n):
            est[i] += leak * sum(ref[j] for j in range(n) if j != i)
        room = np.array([0.8, 0, 0.3, -0.1, 0.05])
        est = np.stack([[np.convolve(c, room)[: ref.shape[-1]] for c in s] for s in est])
        return est + noise * rng.standard_normal(ref.shape)

    out: dict[str, Signals] = {}
    ref = rng.standard_normal((3, 2, 4 * RATE)) * np.array([1, 0.5, 0.25])[:, None, None]
    out["random"] = (mix(ref, 0.1, 0.05), ref, RATE, RATE)
    out["overlap"] = (out["random"][0][:2, :, :21000], ref[:2, :, :21000], 6000, 2500)
    out["short"] = (out["random"][0][:2, :, :5000], ref[:2, :, :5000], RATE, RATE)
    out["mono"] = (out["random"][0][:, :1], ref[:, :1], RATE, RATE)
    t = np.arange(3 * RATE) / RATE
    ton = np.stack(
        [[np.sin(2 * np.pi * f * h * t + p) / h for p in (0, 0.4)] for f, h in ((220, 1), (330, 2), (440, 3))]
    )
    for i, f in enumerate((110, 165, 277.2)):
        ton[i] += sum(np.sin(2 * np.pi * f * h * t + np.array([[0], [h]])) / h for h in range(1, 9))
    out["tonal"] = (mix(ton, 0.2, 0.01), ton, RATE, RATE)
    out["tonal_clean"] = (mix(ton, 0.2, 0), ton, RATE, RATE)
    sil = ref.copy()
    est = out["random"][0].copy()
    sil[1, :, RATE : 2 * RATE] = 0
    est[0, :, 3 * RATE :] = 0
    est[2, :, : RATE // 2] = 0
    out["silent"] = (est, sil, RATE, RATE)
    anti = ref[:2].copy()
    anti[0, 1, :RATE] = -anti[0, 0, :RATE]
    out["opposite"] = (out["random"][0][:2], anti, RATE, RATE)
    dual = ref.copy()
    dual[0, 1] = dual[0, 0]
    out["dual_mono"] = (mix(dual, 0.1, 0.05), dual, RATE, RATE)
    low = np.stack([[np.convolve(c, np.hanning(64) / 32)[: 4 * RATE] for c in s] for s in ref])
    out["lowpassed"] = (mix(low, 0.1, 0.01), low, RATE, RATE)
    return out[name]
