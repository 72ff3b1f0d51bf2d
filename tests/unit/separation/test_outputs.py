"""Outputs are weighted sums; the weights are the whole truth."""

from __future__ import annotations

import numpy as np
import pytest

from auralflow.errors import ConfigError, UnknownNameError
from auralflow.separation.outputs import plan_outputs

STEMS = ("vocals", "drums", "bass", "other")


def _sounds(seed: int = 0) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    generator = np.random.default_rng(seed)
    stems = {name: generator.standard_normal((2, 50)).astype(np.float32) for name in STEMS}
    return sum(stems.values()) + 0.1 * generator.standard_normal((2, 50)).astype(np.float32), stems


def _apply(**request: object) -> tuple[dict[str, np.ndarray], np.ndarray, dict[str, np.ndarray]]:
    plan = plan_outputs(STEMS, **request)  # type: ignore[arg-type]
    mixture, stems = _sounds()
    outputs = plan.apply(mixture, [stems[s] for s in plan.stems])
    return dict(zip(plan.names, outputs, strict=True)), mixture, stems


def test_default_is_every_stem_as_it_is() -> None:
    outputs, _, stems = _apply()
    assert list(outputs) == list(STEMS)
    for name in STEMS:
        np.testing.assert_array_equal(outputs[name], stems[name])


def test_minus_one_and_group() -> None:
    outputs, mixture, stems = _apply(stems=(), mix=("karaoke=-vocals", "rhythm=drums+bass", "x=mixture-drums-bass"))
    np.testing.assert_allclose(outputs["karaoke"], mixture - stems["vocals"], atol=1e-6)
    np.testing.assert_allclose(outputs["rhythm"], stems["drums"] + stems["bass"], atol=1e-6)
    np.testing.assert_allclose(outputs["x"], mixture - stems["drums"] - stems["bass"], atol=1e-6)


def test_residual_completes_the_written_stems_to_the_mixture() -> None:
    outputs, mixture, _ = _apply(stems=("vocals", "bass"), residual=True)
    np.testing.assert_allclose(sum(outputs.values()), mixture, atol=1e-5)


@pytest.mark.parametrize("consistency", ["sum", "rest"])
def test_consistent_stems_sum_to_the_mixture(consistency: str) -> None:
    outputs, mixture, _ = _apply(consistency=consistency)
    np.testing.assert_allclose(sum(outputs.values()), mixture, atol=1e-5)


def test_rest_changes_only_other() -> None:
    outputs, _, stems = _apply(consistency="rest")
    for name in ("vocals", "drums", "bass"):
        np.testing.assert_array_equal(outputs[name], stems[name])


def test_sum_shares_the_difference_equally() -> None:
    outputs, mixture, stems = _apply(consistency="sum")
    share = (mixture - sum(stems.values())) / 4
    for name in STEMS:
        np.testing.assert_allclose(outputs[name] - stems[name], share, atol=1e-6)


def test_only_what_carries_weight_is_computed() -> None:
    assert plan_outputs(STEMS, ["vocals"], residual=True).stems == ("vocals",)
    assert plan_outputs(STEMS, [], mix=["karaoke=-vocals"]).stems == ("vocals",)
    assert plan_outputs(STEMS, ["vocals"], consistency="sum").stems == STEMS


@pytest.mark.parametrize(
    ("request_", "error", "words"),
    [
        ({"stems": ("vocal",)}, UnknownNameError, "did you mean 'vocals'"),
        ({"mix": ("karaoke=-vocal",)}, UnknownNameError, "did you mean 'vocals'"),
        ({"mix": ("karaoke",)}, ConfigError, "NAME=STEM"),
        ({"mix": ("karaoke=",)}, ConfigError, "NAME=STEM"),
        ({"mix": ("../x=-vocals",)}, ConfigError, "letters"),
        ({"mix": ("vocals=drums+bass",)}, ConfigError, "twice"),
        ({"stems": ("vocals", "vocals")}, ConfigError, "twice"),
        ({"stems": ()}, ConfigError, "nothing to write"),
        ({"stems": (), "mix": ("x=mixture",)}, ConfigError, "nothing to separate"),
        ({"consistency": "some"}, UnknownNameError, "consistency"),
    ],
)
def test_what_cannot_be_is_refused(request_: dict[str, object], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        plan_outputs(STEMS, **request_)  # type: ignore[arg-type]
