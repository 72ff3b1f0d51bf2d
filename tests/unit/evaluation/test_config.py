"""An evaluation cannot be asked for what it would have to guess."""

from __future__ import annotations

from typing import Any

import pytest

from auralflow.config import from_dict, to_dict
from auralflow.errors import AuralflowError, ConfigError, UnknownNameError
from auralflow.evaluation.config import DEFAULT_METRICS, EvaluationConfig
from auralflow.metrics import metrics


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"metrics": ()}, "metrics: expected at least one"),
        ({"stems": ()}, "stems: expected at least one"),
        ({"metrics": ("sdr", "snr", "sdr")}, "metrics: a name stands twice"),
        ({"stems": ("bass", "bass")}, "stems: a name stands twice"),
        ({"max_songs": 0}, "songs: expected 1 or more, got 0"),
        ({"split": "tset"}, "unknown split 'tset': did you mean 'test'"),
        ({"channels": "stereo"}, "unknown channels 'stereo'"),
        ({"mixture": "mixed"}, "unknown mixture 'mixed'"),
        ({"precision": "exakt"}, "did you mean 'exact'"),
    ],
)
def test_a_setting_that_cannot_be_is_named(setting: dict[str, Any], message: str) -> None:
    with pytest.raises((ConfigError, UnknownNameError), match=message) as raised:
        EvaluationConfig("mixture", "songs", **setting)
    assert isinstance(raised.value, AuralflowError)
    assert "\n" not in str(raised.value)


def test_a_worker_gets_the_very_same_settings_through_json() -> None:
    config = EvaluationConfig("m", "d", stems=("a", "b"), metrics=("sdr",), segment_s=2.0, channels="mono", max_songs=3)
    assert from_dict(EvaluationConfig, to_dict(config)) == config


def test_by_default_every_metric_is_asked_but_two() -> None:
    assert set(metrics.names()) - set(DEFAULT_METRICS) == {"bss_eval_v3", "windowed_sdr"}
    assert set(DEFAULT_METRICS) <= set(metrics.names())
