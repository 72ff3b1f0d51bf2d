"""How scores were made is said, and scores that were made in different ways are not compared."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from auralflow.config import to_dict
from auralflow.data.track import Sound
from auralflow.errors import ConfigError
from auralflow.evaluation.config import EvaluationConfig
from auralflow.evaluation.protocol import VERSION, Protocol, check_same, make_protocol, read_protocol
from auralflow.evaluation.references import Reference
from auralflow.metrics import load_metric

Make = Callable[..., Protocol]


def _reference(mixture: bool, sample_rate: int) -> Reference:
    sound = Sound(Path("a.wav"), sample_rate, 2, 100)
    return Reference("song", {"bass": (sound,)}, (), (), sound if mixture else None)


@pytest.mark.parametrize(("kinds", "expected"), [([True], "published"), ([False], "sum"), ([True, False], None)])
def test_a_protocol_is_that_of_its_songs(kinds: list[bool], expected: str | None) -> None:
    config = EvaluationConfig("mixture", "songs", channels="mono", max_songs=7)
    references = [_reference(kind, rate) for kind in kinds for rate in (48000, 44100)]
    metrics = [load_metric(name) for name in ("sdr", "windowed_sdr")]
    found = make_protocol(config, "test", ["bass"], references, metrics)
    assert found == Protocol(
        version=VERSION,
        split="test",
        stems=("bass",),
        mixture=expected or "published and sum",
        channels="mono",
        sample_rates=(44100, 48000),
        window_s=1.0,
        framewise=("windowed_sdr",),
        max_songs=7,
        sources={metric.name: metric.source for metric in metrics},
    )


def test_what_is_printed_says_all_that_matters(protocol: Protocol) -> None:
    plain = protocol.lines()
    assert "songs: test" in plain
    assert any(line.startswith("set of stems: vocals, bass;") for line in plain)
    assert any("the data's own; scored at 8000 Hz, all channels" in line for line in plain)
    assert any("up to 0.1 s are cut or padded" in line and "refused" in line for line in plain)
    assert "scores: the whole song, then the mean over songs" in plain
    assert any("NaN and infinity are counted and left out of averages" in line for line in plain)
    changed = replace(
        protocol,
        max_songs=5,
        mixture="sum",
        channels="mono",
        framewise=("v4_sdr",),
        window_s=1.0,
        sample_rates=(8000, 44100),
    ).lines()
    assert "songs: test, the first 5" in changed
    assert any("the sum of the stems; scored at 8000 Hz, 44100 Hz, the mean over channels" in line for line in changed)
    assert any(line.startswith("v4_sdr: windows and hops of 1 s, median over frames, then over") for line in changed)
    assert "all other scores: the whole song, then the mean over songs" in changed
    assert all("\n" not in line for line in (*plain, *changed))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"version": 2}, "version: 1 and 2"),
        ({"split": "all splits"}, "split: test and all splits"),
        ({"stems": ("vocals",)}, "stems: bass, vocals and vocals"),
        ({"mixture": "sum"}, "mixture: published and sum"),
        ({"channels": "mono"}, "channels: all and mono"),
        ({"sample_rates": (8000, 44100)}, "sample_rates: 8000 and 8000, 44100"),
        ({"max_songs": 5}, "max_songs: None and 5"),
        ({"sources": {"sdr": "another paper"}}, "definition of sdr: a paper and another paper"),
        ({"framewise": ("sdr",), "window_s": 1.0}, "framewise: sdr is a median over frames in one of them only"),
        ({"stems": ("bass",), "channels": "mono"}, "stems: bass, vocals and bass; channels: all and mono"),
    ],
)
def test_each_difference_is_named(protocol: Protocol, change: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError) as raised:
        check_same(protocol, replace(protocol, **change), "sdr")
    assert str(raised.value).startswith("protocol: ")
    assert str(raised.value).endswith(f": {told}")


def test_another_window_matters_to_what_has_windows(protocol: Protocol) -> None:
    a, b = (replace(protocol, framewise=("v4_sdr",), window_s=window_s) for window_s in (1.0, 2.0))
    check_same(a, b, "sdr")
    with pytest.raises(ConfigError, match=r"window_s: 1\.0 and 2\.0$"):
        check_same(a, b, "v4_sdr")


def test_stems_are_a_set(protocol: Protocol) -> None:
    """A model has them in its own order, a folder in that of the alphabet."""
    check_same(protocol, replace(protocol, stems=protocol.stems[::-1]), "sdr")


def test_other_metrics_that_one_was_asked_for_do_not_matter(protocol: Protocol) -> None:
    more = replace(protocol, sources={"sdr": "a paper", "snr": "a book"}, framewise=("v4_sdr",), window_s=1.0)
    check_same(protocol, more, "sdr")
    check_same(more, protocol, "sdr")


@pytest.mark.parametrize("change", [{}, {"max_songs": 3, "window_s": 1.0, "framewise": ("a", "b")}])
def test_it_comes_back_from_json(protocol: Protocol, change: dict[str, Any]) -> None:
    before = replace(protocol, **change)
    assert read_protocol(json.loads(json.dumps(to_dict(before)))) == before
    with pytest.raises(ConfigError, match=r"^protocol\.stems: missing"):
        read_protocol({name: value for name, value in to_dict(before).items() if name != "stems"})
