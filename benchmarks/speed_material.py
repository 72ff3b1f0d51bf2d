"""What the runs of `benchmarks/speed.py` share: the song, and files of random weights that both sides read."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from speed_runs import PEER_PYTHON, list_environment

from auralflow.audio.types import Samples
from auralflow.data.synth import SongConfig, mix_stems, render_song
from auralflow.models.blocks.attention import TransformerSizes
from auralflow.models.blocks.axial import AxialTransformer
from auralflow.models.blocks.unet import UNetConfig
from auralflow.models.htdemucs import SPEC as HTDEMUCS_SPEC
from auralflow.models.htdemucs import HTDemucs, HTDemucsConfig
from auralflow.models.open_unmix import SPEC as OPEN_UNMIX_SPEC
from auralflow.models.open_unmix import OpenUnmix, OpenUnmixConfig
from auralflow.models.spectrogram_net_simple import SpectrogramNetSimple, SpectrogramNetSimpleConfig
from auralflow.pretrained.bundle import load_bundle, save_bundle
from auralflow.pretrained.convert.foreign import convert_checkpoint
from auralflow.spec import ModelSpec

SAMPLE_RATE = 44100
LOOP_S = 60.0
DATA = Path(__file__).parent.parent / "tests" / "data"
SONG_CASES = ("htdemucs", "open_unmix", "open_unmix_wiener", "spectrogram_net_simple")

# One stem, stereo; of multiples of eight, the widths whose 16.5 million parameters are next to the 15.4 million that
# the network had in Auralflow 0.1.
NET_SPEC = ModelSpec(("vocals",), SAMPLE_RATE, 2, segment_samples=6 * SAMPLE_RATE, context_samples=22050)
NET_CONFIG = SpectrogramNetSimpleConfig(unet=UNetConfig((24, 48, 96, 192, 384)))
# Mel-Band RoFormer's defaults; frames of a segment of 8 s, and bands.
SIZES = TransformerSizes(384, 8, 64, is_normalised=True)
DEPTH, N_FRAMES, N_BANDS = 6, 801, 60


def write_song(folder: Path, seconds: float) -> None:
    """A rendered minute, over and over, with noise as of 16 bits: in digital silence our stems are silent, and those of
    others are not."""
    loop = mix_stems(render_song(SongConfig(seed=11, duration_s=min(LOOP_S, seconds))))
    n_samples = round(seconds * SAMPLE_RATE)
    song = np.tile(loop, -(-n_samples // loop.shape[1]))[:, :n_samples]
    noise = np.random.default_rng(0).uniform(-1, 1, song.shape).astype(np.float32) * 2**-16
    np.save(folder / "song.npy", (song + noise).astype(np.float32))


def read_song(folder: Path) -> Samples:
    """What `write_song` wrote, (channel, time)."""
    song: Samples = np.load(folder / "song.npy", mmap_mode="r")
    return song


def prepare_case(case: str, folder: Path) -> None:
    """Write the weights of a case, unless they are there."""
    if not (folder / case).exists():
        _MAKERS[case](folder)


def _make_htdemucs(folder: Path) -> None:
    if PEER_PYTHON.exists():
        _call_peer("make_demucs.py", "weights", "htdemucs", folder / "htdemucs_home")
        convert_checkpoint(folder / "htdemucs_home" / "htdemucs.safetensors", folder / "htdemucs")
    else:
        torch.manual_seed(0)
        config = HTDemucsConfig()
        save_bundle(HTDemucs(HTDEMUCS_SPEC, config), folder / "htdemucs", architecture="htdemucs", config=config)


def _make_open_unmix(folder: Path) -> None:
    """Without the filter and with it, of one set of weights."""
    torch.manual_seed(0)
    state = OpenUnmix(OPEN_UNMIX_SPEC, OpenUnmixConfig()).state_dict()
    if PEER_PYTHON.exists():
        _call_peer("make_open_unmix.py", "weights", folder / "open_unmix_home")
        convert_checkpoint(folder / "open_unmix_home", folder / "open_unmix_converted")
        state = load_bundle(folder / "open_unmix_converted").state_dict()
    for name, n_iterations in (("open_unmix", 0), ("open_unmix_wiener", 1)):
        config = OpenUnmixConfig(n_wiener_iterations=n_iterations)
        model = OpenUnmix(OPEN_UNMIX_SPEC, config)
        model.load_state_dict(state)
        save_bundle(model, folder / name, architecture="open_unmix", config=config)


def _make_net(folder: Path) -> None:
    """Statistics of the normalisation as after training, roughly: fresh ones are zeros and ones."""
    torch.manual_seed(0)
    model = SpectrogramNetSimple(NET_SPEC, NET_CONFIG)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.running_mean, -0.1, 0.1)  # type: ignore[arg-type]
            torch.nn.init.uniform_(module.running_var, 0.5, 1.5)  # type: ignore[arg-type]
    name = "spectrogram_net_simple"
    save_bundle(model, folder / name, architecture=name, config=NET_CONFIG)


def _make_roformer(folder: Path) -> None:
    """Weights and what goes in, in one file."""
    torch.manual_seed(0)
    arrays = {f"state.{key}": value.numpy() for key, value in build_stack().state_dict().items()}
    (folder / "roformer").mkdir()
    features = torch.randn(1, N_FRAMES, N_BANDS, SIZES.width).numpy()
    np.savez(folder / "roformer" / "stack.npz", features=features, **arrays)


def build_stack() -> AxialTransformer:
    """The transformers of a Mel-Band RoFormer, without its bands and masks."""
    return AxialTransformer(SIZES, DEPTH, time_depth=1, freq_depth=1)


def _call_peer(script: str, *arguments: object) -> None:
    command = [str(PEER_PYTHON), str(DATA / script), *map(str, arguments)]
    subprocess.run(command, check=True, capture_output=True, env=list_environment())


_MAKERS: dict[str, Callable[[Path], None]] = {
    "htdemucs": _make_htdemucs,
    "open_unmix": _make_open_unmix,
    "open_unmix_wiener": _make_open_unmix,
    "spectrogram_net_simple": _make_net,
    "roformer": _make_roformer,
}
