"""Arguments of the networks of the package `demucs`, from its names to ours.

Each published file has all arguments that its network was built with. Those that change nothing at inference are left
out, those that could but are the same in all published networks must be so, and one that is not known is refused. The
defaults are those of the package's constructors.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

from auralflow.config import from_dict
from auralflow.errors import CheckpointError
from auralflow.models import hdemucs, htdemucs
from auralflow.pretrained.convert.public_options import Section
from auralflow.spec import ModelSpec

_MAX_SEGMENT_S = 1e6
_BRANCHES = ("none", "encoder", "decoder", "both")
_POSITIONS = ("sources", "audio_channels", "channels", "channels_time", "growth")

_SHARED: dict[str, tuple[str, Any]] = {
    "channels": ("width", 48),
    "growth": ("growth", 2),
    "nfft": ("n_fft", 4096),
    "kernel_size": ("kernel", 8),
    "stride": ("stride", 4),
    "time_stride": ("time_stride", 2),
    "context": ("context", 1),
    "context_enc": ("encoder_context", 0),
    "freq_emb": ("frequency_weight", 0.2),
    "emb_scale": ("frequency_gain", 10),
    "emb_smooth": ("is_frequency_smooth", True),
    "norm_starts": ("norm_start", 4),
    "norm_groups": ("norm_groups", 4),
    "dconv_depth": ("branch_depth", 2),
    "rescale": ("rescale", 0.1),
}
_OF_HYBRID: dict[str, tuple[str, Any]] = {
    "depth": ("depth", 6),
    "dconv_comp": ("branch_compression", 4),
    "dconv_init": ("branch_scale", 1e-4),
    "dconv_lstm": ("lstm_start", 4),
    "dconv_attn": ("attention_start", 4),
}
_OF_TRANSFORMER: dict[str, tuple[str, Any]] = {
    "depth": ("depth", 4),
    "dconv_comp": ("branch_compression", 8),
    "dconv_init": ("branch_scale", 1e-3),
    "bottom_channels": ("transformer_width", 0),
    "t_layers": ("n_layers", 5),
    "t_heads": ("n_heads", 8),
    "t_hidden_scale": ("expansion", 4.0),
    "t_dropout": ("dropout", 0.0),
    "t_cross_first": ("is_cross_first", False),
    "t_max_period": ("longest_period", 10000.0),
    "t_weight_pos_embed": ("place_weight", 1.0),
    "use_train_segment": ("is_filled_up", True),
}

_FIXED: dict[str, Any] = {"cac": True, "rewrite": True, "channels_time": None}
_FIXED_OF_HYBRID: dict[str, Any] = {"hybrid": True, "hybrid_old": False}
_FIXED_OF_TRANSFORMER: dict[str, Any] = {
    "t_emb": "sin",
    "t_norm_in": True,
    "t_norm_in_group": False,
    "t_group_norm": False,
    "t_norm_first": True,
    "t_norm_out": True,
    "t_layer_scale": True,
    "t_gelu": True,
    "t_sin_random_shift": 0,
    "t_sparse_self_attn": False,
    "t_sparse_cross_attn": False,
}
_IGNORED = (
    *("wiener_iters", "end_iters", "wiener_residual"),  # of no effect with `cac`
    "multi_freqs_depth",  # of none without `multi_freqs`
    *("t_weight_decay", "t_lr"),  # of training
    *("t_max_positions", "t_cape_mean_normalize", "t_cape_augment", "t_cape_glob_loc_scale"),  # of other `t_emb`
    *("t_mask_type", "t_mask_random_seed", "t_sparse_attn_window", "t_global_window", "t_sparsity", "t_auto_sparsity"),
)
"""What nothing depends on that a network gives."""


@dataclass(frozen=True)
class Plan:
    """A network in our terms."""

    architecture: str
    config: Any
    spec: ModelSpec
    longest_s: Fraction | None
    """Longest piece that it is meant for, where there is one."""

    def make_spec(self, segment_s: float | None) -> ModelSpec:
        """The spec, with pieces of another length if one is given; as the package does, none that are too long.

        Raises:
            CheckpointError: it is no length.
        """
        if segment_s is None:
            return self.spec
        if not _is_length(segment_s):
            raise CheckpointError(f"segment: expected seconds, got {segment_s!r:.60}")
        if self.longest_s is not None and segment_s > self.longest_s:
            return self.spec
        return replace(self.spec, segment_samples=max(1, int(self.spec.sample_rate * segment_s)))


def plan_network(path: Path, klass: str, args: Any, kwargs: Any) -> Plan:
    """What a class and its arguments are in our terms; `path` is for messages.

    Raises:
        CheckpointError: another class, or an argument that is not known.
        ConfigError: an argument that cannot be.
    """
    options = Section(path, "kwargs", _name_arguments(path, args, kwargs))
    if klass == "demucs.hdemucs.HDemucs":
        usual, segment_s = hdemucs.SPEC, options.take("segment", 40)
        config = _read_config(options, "hdemucs")
        return Plan("hdemucs", config, _read_spec(options, usual, segment_s), None)
    if klass == "demucs.htdemucs.HTDemucs":
        usual, segment_s = htdemucs.SPEC, options.take("segment", 10)
        config = _read_config(options, "htdemucs")
        spec = _read_spec(options, usual, segment_s)
        return Plan("htdemucs", config, spec, Fraction(segment_s))
    why = " (the waveform network of versions 1 to 3)" if klass == "demucs.demucs.Demucs" else ""
    raise CheckpointError(
        f"{path}: expected a network of the class HDemucs or HTDemucs, got {klass!r:.80}{why}, which is not known here"
    )


def _name_arguments(path: Path, args: Any, kwargs: Any) -> dict[str, Any]:
    if not isinstance(args, (list, tuple)) or not isinstance(kwargs, dict) or len(args) > len(_POSITIONS):
        raise CheckpointError(
            f"{path}: expected a list and a dictionary of arguments, got {args!r:.60}, {kwargs!r:.60}"
        )
    return dict(zip(_POSITIONS, args, strict=False)) | kwargs


def _read_config(options: Section, architecture: Literal["hdemucs", "htdemucs"]) -> Any:
    """The config of a network, of what is said about it under the package's names; other keys are left there.

    Raises:
        CheckpointError: a setting is another than in all networks that are known.
        ConfigError: a setting cannot be.
    """
    is_hybrid = architecture == "hdemucs"
    config_class: type[Any] = hdemucs.HDemucsConfig if is_hybrid else htdemucs.HTDemucsConfig
    names, fixed = (_OF_HYBRID, _FIXED_OF_HYBRID) if is_hybrid else (_OF_TRANSFORMER, _FIXED_OF_TRANSFORMER)
    settings = options.rename(_SHARED | names)
    mode = options.take("dconv_mode", 1)
    if mode not in range(len(_BRANCHES)):
        raise CheckpointError(f"{options.path}: kwargs.dconv_mode: expected 0 to 3, got {mode!r:.60}")
    for key, value in (_FIXED | fixed).items():
        options.expect(key, value, "networks that are otherwise are not known here")
    bands = options.take("multi_freqs", None)
    if bands:
        raise CheckpointError(f"{options.path}: kwargs.multi_freqs: expected none, got {bands!r:.60}; not known here")
    return from_dict(config_class, settings | {"branches": _BRANCHES[mode]}, "config")


def _read_spec(options: Section, usual: ModelSpec, segment_s: Any) -> ModelSpec:
    stems, sample_rate = options.take("sources"), options.take("samplerate", 44100)
    channels = options.take("audio_channels", 2)
    options.refuse_rest(_IGNORED)
    if not isinstance(stems, (list, tuple)) or not all(isinstance(stem, str) for stem in stems):
        raise CheckpointError(f"{options.path}: kwargs.sources: expected a list of names, got {stems!r:.60}")
    if not _is_length(segment_s):
        raise CheckpointError(f"{options.path}: kwargs.segment: expected seconds, got {segment_s!r:.60}")
    if not isinstance(sample_rate, int):
        raise CheckpointError(f"{options.path}: kwargs.samplerate: expected a whole number, got {sample_rate!r:.60}")
    return replace(
        usual,
        stems=tuple(stems),
        sample_rate=sample_rate,
        channels=channels,
        segment_samples=int(segment_s * sample_rate),
    )


def _is_length(seconds: Any) -> bool:
    return type(seconds) in (int, float, Fraction) and 0 < seconds < _MAX_SEGMENT_S
