"""Settings of each architecture, from their public names to ours.

Where a config leaves a setting out, its home's default holds, which is not always ours: the tables have both.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from auralflow.config import from_dict
from auralflow.errors import CheckpointError
from auralflow.models import bs_roformer, mel_band_roformer, scnet, tfc_tdf
from auralflow.pretrained.convert.demucs_options import plan_network
from auralflow.pretrained.convert.msst_config import PublicConfig
from auralflow.pretrained.convert.public_options import REQUIRED, Section
from auralflow.spec import ModelSpec

_OF_TRAINING = (
    *("multi_stft_resolution_loss_weight", "multi_stft_resolutions_window_sizes", "multi_stft_hop_size"),
    *("multi_stft_normalized", "multi_stft_n_fft", "use_torch_checkpoint"),
)
"""Settings that nothing of what a trained model gives depends on."""

_ROFORMER = {
    "dim": ("width", REQUIRED),
    "depth": ("depth", REQUIRED),
    "time_transformer_depth": ("time_depth", 2),
    "freq_transformer_depth": ("freq_depth", 2),
    "heads": ("n_heads", 8),
    "dim_head": ("head_width", 64),
    "mlp_expansion_factor": ("mask_expansion", 4),
    "skip_connection": ("has_skips", False),
}

_OF_ROFORMER = (
    *_OF_TRAINING,
    *("flash_attn", "sage_attention"),  # the same attention, computed otherwise
    "stft_normalized",  # each band is normalised anyway
    "dim_freqs_in",  # follows from the STFT
    "match_input_audio_length",  # always
)


def _read_bs_roformer(config: PublicConfig) -> tuple[ModelSpec, Any]:
    spec, settings = _read_roformer(config, bs_roformer.SPEC, dropout=0.0)
    settings |= config.model.rename(
        {"freqs_per_bands": ("band_widths", bs_roformer.BSRoformerConfig().band_widths)}
        | {"mask_estimator_depth": ("n_mask_layers", 2)}
    )
    config.model.refuse_rest(_OF_ROFORMER)
    return spec, from_dict(bs_roformer.BSRoformerConfig, settings, "config")


def _read_mel_band_roformer(config: PublicConfig) -> tuple[ModelSpec, Any]:
    spec, settings = _read_roformer(config, mel_band_roformer.SPEC, dropout=0.1)
    config.model.expect("sample_rate", spec.sample_rate, "its bands must be those of the rate it works at")
    settings |= config.model.rename({"num_bands": ("n_bands", 60)})
    settings["n_mask_layers"] = 1 + config.model.take_number("mask_estimator_depth", 1)
    config.model.refuse_rest(_OF_ROFORMER)
    return spec, from_dict(mel_band_roformer.MelBandRoformerConfig, settings, "config")


def _read_roformer(config: PublicConfig, usual: ModelSpec, dropout: float) -> tuple[ModelSpec, dict[str, Any]]:
    model = config.model
    spec = config.make_spec(usual, channels=2 if model.take("stereo", False) else 1)
    model.expect("num_stems", len(spec.stems), f"the stems are {', '.join(spec.stems)}")
    model.expect("linear_transformer_depth", 0, "linear attention is not known here")
    dropouts = {"attn_dropout": ("attention_dropout", dropout), "ff_dropout": ("dropout", dropout)}
    return spec, model.rename(_ROFORMER | dropouts) | {"stft": _take_stft(model, "stft_n_fft", "stft_hop_length", 512)}


def _take_stft(model: Section, n_fft_key: str, hop_key: str, usual_hop: int) -> dict[str, Any]:
    n_fft = model.take_number(n_fft_key, 2048)
    model.expect("stft_win_length", n_fft, "shorter windows are not known here")
    return {"n_fft": n_fft, "hop_samples": model.take(hop_key, usual_hop), "edges": "reflect"}


_TFC_TDF = {
    "num_subbands": ("n_bands", REQUIRED),
    "num_scales": ("n_scales", REQUIRED),
    "scale": ("scale", REQUIRED),
    "num_blocks_per_scale": ("n_blocks", REQUIRED),
    "num_channels": ("width", REQUIRED),
    "growth": ("growth", REQUIRED),
    "bottleneck_factor": ("bottleneck", REQUIRED),
}

_NORMS = {"InstanceNorm": "instance", "BatchNorm": "batch", "GroupNorm": "group", "None": "none"}


def _read_tfc_tdf(config: PublicConfig) -> tuple[ModelSpec, Any]:
    audio, model = config.audio, config.model
    spec = config.make_spec(tfc_tdf.SPEC, channels=audio.take("num_channels"))
    stft = {"n_fft": audio.take("n_fft"), "hop_samples": audio.take("hop_length"), "edges": "reflect"}
    settings = model.rename(_TFC_TDF) | {"stft": stft, "n_freqs": audio.take("dim_f")}
    norm, n_groups = _split_number(model, "norm", tuple(_NORMS))
    activation, alpha = _split_number(model, "act", ("gelu", "relu", "elu"))
    settings |= {"norm": _NORMS[norm], "activation": activation}
    if norm == "GroupNorm":
        settings["n_groups"] = int(n_groups)
    if activation == "elu":
        settings["elu_alpha"] = float(alpha)
    model.refuse_rest()
    return spec, from_dict(tfc_tdf.TFCTDFConfig, settings, "config")


def _split_number(model: Section, key: str, known: tuple[str, ...]) -> tuple[str, str]:
    """A word and the number behind it, such as GroupNorm4."""
    text = str(model.take(key))
    found = re.fullmatch(r"([A-Za-z]+)([\d.]*)", text)
    if found is None or found[1] not in known:
        raise CheckpointError(f"{model.path}: model.{key}: expected one of {', '.join(known)}, got {text!r:.60}")
    return found[1], found[2] or "1"


_SCNET = {
    "band_SR": ("band_shares", (0.175, 0.392, 0.433)),
    "band_stride": ("band_strides", (1, 4, 16)),
    "band_kernel": ("band_kernels", (3, 4, 16)),
    "conv_depths": ("conv_depths", (3, 2, 1)),
    "compress": ("compression", 4),
    "conv_kernel": ("conv_kernel", 3),
    "num_dplayer": ("n_dual_paths", 6),
    "expand": ("expansion", 1),
    "normalized": ("is_unitary", True),
}


def _read_scnet(config: PublicConfig) -> tuple[ModelSpec, Any]:
    model = config.model
    channels = model.take_number("audio_channels", 2)
    spec = config.make_spec(scnet.SPEC, channels)
    sources, widths = model.take("sources", spec.stems), model.take("dims", (4, 32, 64, 128))
    if len(sources) != len(spec.stems):
        raise CheckpointError(f"{model.path}: model.sources: expected {len(spec.stems)} as in training, got {sources}")
    if widths[0] != 2 * channels:
        raise CheckpointError(f"{model.path}: model.dims: expected {2 * channels} first, got {widths}")
    n_fft = model.take("nfft", 4096)
    model.expect("win_size", n_fft, "shorter windows are not known here")
    stft = {"n_fft": n_fft, "hop_samples": model.take("hop_size", 1024), "window": "rectangle", "edges": "reflect"}
    settings = model.rename(_SCNET) | {"widths": widths[1:], "stft": stft, "normalise": config.is_official}
    model.refuse_rest()
    return spec, from_dict(scnet.SCNetConfig, settings, "config")


def _read_demucs(config: PublicConfig, klass: str, usual: dict[str, Any]) -> tuple[ModelSpec, Any]:
    """A network of the package `demucs`, whose arguments stand in two sections."""
    training, model = config.training, config.model
    model.expect("num_subbands", 1, "bands as channels are not known here")
    of_training = {"sources": "instruments", "audio_channels": "channels", "samplerate": "samplerate"}
    arguments = {ours: training.take(public) for ours, public in (of_training | {"segment": "segment"}).items()}
    plan = plan_network(config.path, klass, [], usual | model.take_all() | arguments)
    stems = tuple(stem.strip().lower() for stem in plan.spec.stems)
    overlap, normalise = config.take_overlap(plan.spec.overlap), config.take_normalise()
    return replace(plan.spec, stems=stems, overlap=overlap, normalise=normalise), plan.config


READERS: dict[str, Callable[[PublicConfig], tuple[ModelSpec, Any]]] = {
    "bs_roformer": _read_bs_roformer,
    "hdemucs": partial(_read_demucs, klass="demucs.hdemucs.HDemucs", usual={}),
    "htdemucs": partial(_read_demucs, klass="demucs.htdemucs.HTDemucs", usual={"use_train_segment": False}),
    "mel_band_roformer": _read_mel_band_roformer,
    "scnet": _read_scnet,
    "tfc_tdf": _read_tfc_tdf,
}
"""Of each architecture: spec and config, from a public config."""
