"""What can be scored: baselines that know all stems, models through the engine, folders that anybody may have made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from auralflow.errors import AudioError, CheckpointError, ShapeError, UnknownNameError
from auralflow.evaluation.baselines import BASELINES
from auralflow.evaluation.config import EvaluationConfig
from auralflow.evaluation.references import Recording, Reference, list_tracks, make_references, read_recording
from auralflow.evaluation.systems import choose_stems, describe_system, list_files, list_stems, open_system
from auralflow.evaluation.systems.folder import EstimatesSystem, find_folder, list_estimates
from auralflow.evaluation.systems.system import Estimates

SAMPLE_RATE = 8000
STEMS = ("bass", "drums", "other", "vocals")
WriteSong = Callable[..., dict[str, np.ndarray]]


def _read(root: Path, stems: tuple[str, ...] = STEMS, **settings: Any) -> tuple[Reference, Recording]:
    config = EvaluationConfig("mixture", str(root), layout="musdb_hq", **settings)
    (reference,) = make_references(list_tracks(config)[0], stems, STEMS, config)
    return reference, read_recording(reference)


def _ask(name: str, song: tuple[Reference, Recording]) -> np.ndarray:
    config = EvaluationConfig(name, "songs")
    fractions: list[float] = []
    found = open_system(describe_system(config, ()), config).estimate(*song, fractions.append)
    assert fractions[-1] == 1.0
    assert found.samples.shape == song[1].targets.shape
    return found.samples


# Baselines


def test_the_mixture_is_the_estimate_of_each_stem(tmp_path: Path, write_song: WriteSong) -> None:
    sounds = write_song(tmp_path / "song")
    for estimate in _ask("mixture", _read(tmp_path)):
        np.testing.assert_array_equal(estimate, sounds["mixture"])


@pytest.mark.parametrize("mixture", ["published", "sum"])
@pytest.mark.parametrize("oracle", sorted(set(BASELINES) - {"mixture"}))
def test_an_oracle_knows_the_stems_that_are_not_scored(
    tmp_path: Path, write_song: WriteSong, oracle: str, mixture: str
) -> None:
    """Or the mask of a stem that is scored alone would be one everywhere."""
    write_song(tmp_path / "song")
    among_all = _ask(oracle, _read(tmp_path, mixture=mixture))
    alone = _ask(oracle, _read(tmp_path, ("vocals",), mixture=mixture))
    np.testing.assert_allclose(alone[0], among_all[3], atol=1e-6)
    assert np.abs(alone[0] - _read(tmp_path)[1].mixture).max() > 0.01


def test_scores_of_an_oracle_depend_on_the_files_of_all_stems(tmp_path: Path, write_song: WriteSong) -> None:
    write_song(tmp_path / "song")
    reference, _ = _read(tmp_path, ("vocals",))

    def files(name: str) -> set[str]:
        config = EvaluationConfig(name, "songs")
        return {path.stem for path in list_files(describe_system(config, ()), config, reference)}

    assert files("oracle_irm") == {"bass", "drums", "other"}
    assert files("mixture") == set()


def test_an_oracle_refuses_a_stem_of_another_rate(tmp_path: Path, write_song: WriteSong) -> None:
    sounds = write_song(tmp_path / "song")
    soundfile.write(tmp_path / "song/drums.wav", sounds["drums"].T, 16000)
    with pytest.raises(AudioError, match=r"drums\.wav: expected 8000 Hz, as the song has, got 16000 Hz; resample it"):
        _ask("oracle_ibm", _read(tmp_path, ("vocals",)))


# Models


def test_a_model_gives_the_stems_that_are_scored_in_their_order(
    tmp_path: Path, write_song: WriteSong, pass_through_path: str
) -> None:
    """The pass-through gives the mixture as vocals, and silence as the others."""
    sounds = write_song(tmp_path / "song", sample_rate=44100, seconds=0.3)
    found = _ask(pass_through_path, _read(tmp_path, ("drums", "vocals")))
    np.testing.assert_array_equal(found, np.stack([0 * sounds["mixture"], sounds["mixture"]]))


# Folders


def _write_estimates(folder: Path, *stems: str, sample_rate: int = SAMPLE_RATE, channels: int = 2) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for n, stem in enumerate(stems):
        samples = np.full((16000, channels), 0.1 * (n + 1), np.float32)
        soundfile.write(folder / f"{stem}.wav", samples, sample_rate, subtype="FLOAT")


@pytest.mark.parametrize(
    "place", ["test/album/song", "album/song", "song", "test/album/song/mixture", "album/song/mixture", "song/Mix"]
)
def test_estimates_are_found_in_every_layout(tmp_path: Path, place: str) -> None:
    _write_estimates(tmp_path / place, "vocals")
    assert find_folder(tmp_path, "test/album/song") == tmp_path / place


def test_the_whole_name_goes_before_a_part_of_it(tmp_path: Path) -> None:
    for place in ("song", "test/song"):
        _write_estimates(tmp_path / place, "vocals")
    assert find_folder(tmp_path, "test/song") == tmp_path / "test/song"
    assert find_folder(tmp_path, "train/other") is None


def test_only_audio_counts_and_a_mixture_is_no_estimate(tmp_path: Path) -> None:
    _write_estimates(tmp_path, "Lead Vocals", "mixture", ".hidden")
    (tmp_path / "readme.txt").write_text("hello")
    assert list_estimates(tmp_path) == {"lead vocals": tmp_path / "Lead Vocals.wav"}
    assert list_estimates(tmp_path / "nowhere") == {}


def test_estimates_are_the_files(tmp_path: Path, write_song: WriteSong) -> None:
    write_song(tmp_path / "data/song")
    _write_estimates(tmp_path / "estimates/song", *STEMS)
    fractions: list[float] = []
    system = EstimatesSystem(tmp_path / "estimates")
    found = system.estimate(*_read(tmp_path / "data", ("vocals", "bass")), fractions.append)
    np.testing.assert_array_equal(found.samples[:, 0, 0], np.float32([0.4, 0.1]))
    assert fractions == [0.5, 1.0]


def _estimate(root: Path, data: Path, *, is_mono: bool = False) -> Estimates:
    return EstimatesSystem(root, is_mono=is_mono).estimate(*_read(data), lambda fraction: None)


def test_a_missing_stem_and_a_missing_song_are_named(tmp_path: Path, write_song: WriteSong) -> None:
    write_song(tmp_path / "data/test/song")
    with pytest.raises(AudioError, match=r"test/song: expected estimates in .*estimates/test/song, found none"):
        _estimate(tmp_path / "estimates", tmp_path / "data")
    _write_estimates(tmp_path / "estimates/song", "bass", "vocals")
    with pytest.raises(AudioError, match=r"song: expected an estimate of drums, other, found bass, vocals; add it"):
        _estimate(tmp_path / "estimates", tmp_path / "data")


def test_two_files_for_one_stem_are_refused(tmp_path: Path, write_song: WriteSong) -> None:
    """Which of them was meant nobody knows."""
    write_song(tmp_path / "data/song")
    _write_estimates(tmp_path / "estimates/song", *STEMS, "Vocals")
    with pytest.raises(AudioError, match=r"expected one file for 'vocals', got Vocals\.wav and vocals\.wav; keep one"):
        _estimate(tmp_path / "estimates", tmp_path / "data")


def test_another_rate_is_refused(tmp_path: Path, write_song: WriteSong) -> None:
    write_song(tmp_path / "data/song")
    _write_estimates(tmp_path / "estimates/song", *STEMS, sample_rate=16000)
    with pytest.raises(AudioError, match=r"bass\.wav: expected 8000 Hz, as the song has, got 16000 Hz; resample it"):
        _estimate(tmp_path / "estimates", tmp_path / "data")


def test_mono_against_stereo_is_refused_with_the_way_out(tmp_path: Path, write_song: WriteSong) -> None:
    write_song(tmp_path / "data/song")
    _write_estimates(tmp_path / "estimates/song", *STEMS, channels=1)
    with pytest.raises(ShapeError, match=r"expected 2 channels, as the song has, got 1; --channels mono scores"):
        _estimate(tmp_path / "estimates", tmp_path / "data")
    samples = _estimate(tmp_path / "estimates", tmp_path / "data", is_mono=True).samples
    np.testing.assert_array_equal(samples[2], np.full((2, 16000), 0.3, np.float32))


@pytest.mark.parametrize("is_mono", [True, False])
def test_stereo_against_mono_is_refused(tmp_path: Path, write_song: WriteSong, is_mono: bool) -> None:
    write_song(tmp_path / "data/song", channels=1)
    _write_estimates(tmp_path / "estimates/song", *STEMS)
    with pytest.raises(ShapeError, match=r"expected 1 channels, as the song has, got 2$"):
        _estimate(tmp_path / "estimates", tmp_path / "data", is_mono=is_mono)


# Names


def test_the_kind_is_told_from_the_name(tmp_path: Path, write_song: WriteSong, pass_through_path: str) -> None:
    write_song(tmp_path / "data/song", seconds=0.1)
    _write_estimates(tmp_path / "mine/song", "vocals", "piano")
    tracks, _ = list_tracks(EvaluationConfig("mixture", str(tmp_path / "data")))
    found = {
        name: describe_system(EvaluationConfig(name, "data"), tracks)
        for name in ("oracle_ibm", str(tmp_path / "mine"), pass_through_path, "classic")
    }
    assert [d.kind for d in found.values()] == ["baseline", "estimates", "model", "model"]
    assert [d.name for d in found.values()] == ["oracle_ibm", "mine", "pass_through", "classic.v1"]
    assert [list_stems(d, tracks) for d in found.values()] == [
        STEMS,
        ("piano", "vocals"),
        ("vocals", "drums", "bass", "other"),
        ("vocals", "drums", "bass", "other"),
    ]


def test_a_name_nearly_right_gets_a_hint() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown model, baseline or folder of estimates 'oracle_imr': did you"):
        describe_system(EvaluationConfig("oracle_imr", "data"), ())
    with pytest.raises(CheckpointError, match="no weights"):
        describe_system(EvaluationConfig("conv_tasnet", "data"), ())


def test_a_folder_with_estimates_of_no_song_is_refused(tmp_path: Path, write_song: WriteSong) -> None:
    write_song(tmp_path / "data/song", seconds=0.1)
    _write_estimates(tmp_path / "mine/another song", "vocals")
    tracks, _ = list_tracks(EvaluationConfig("mixture", str(tmp_path / "data")))
    with pytest.raises(AudioError, match=r"expected a model's bundle or estimates such as .*mine/song/vocals\.wav"):
        describe_system(EvaluationConfig(str(tmp_path / "mine"), "data"), tracks)


def test_stems_are_chosen_from_those_given() -> None:
    assert choose_stems(("vocals", "other"), None) == ("vocals", "other")
    assert choose_stems(STEMS, ["vocals", "bass"]) == ("vocals", "bass")
    with pytest.raises(UnknownNameError, match="unknown stem 'vocal': did you mean 'vocals'"):
        choose_stems(STEMS, ["vocal"])
