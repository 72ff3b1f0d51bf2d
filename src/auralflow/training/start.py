"""The model a run begins with: fresh, or from other weights, with a new head, frozen layers or adapters."""

from __future__ import annotations

import dataclasses
import fnmatch
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn

from auralflow.errors import ConfigError, import_extra
from auralflow.pretrained.bundle import BundleDescription, build_described
from auralflow.pretrained.load import load_model
from auralflow.spec import ModelSpec
from auralflow.training.config import FineTuneConfig, LoraConfig


@dataclass(frozen=True)
class Start:
    """A model to train, and what to tell of it."""

    model: nn.Module
    lines: tuple[str, ...] = ()


def build_model(folder: Path, description: BundleDescription, seed: int, fine_tune: FineTuneConfig) -> Start:
    """The model of a run's `model.yaml`, initialised by the seed or from another model.

    Raises:
        UnknownNameError: no such architecture.
        ConfigError: a setting it does not have; patterns that match nothing; a model without parameters.
        CheckpointError: the weights to begin with cannot be loaded, or have nothing in common with the model.
    """
    torch.manual_seed(seed)
    model = build_described(folder, description)
    check_has_parameters(model, description.architecture)
    lines = []
    new = {name for name, _ in model.named_parameters()}
    if fine_tune.source is not None:
        source = load_model(fine_tune.source)
        is_same = cast(ModelSpec, source.spec).stems == description.spec.stems
        taken, new = _take_weights(model, source, set() if is_same else _find_head(folder, description, model))
        anew = f"; {len(new)} begin anew: {', '.join(sorted(new)[:4])}" if new else ""
        lines.append(f"{taken} tensors from {fine_tune.source}{anew}")
    _freeze(model, fine_tune.freeze)
    if fine_tune.lora is not None:
        _add_adapters(model, fine_tune.lora, new)
    n_all, n_trained = (sum(p.numel() for p in model.parameters() if p.requires_grad or every) for every in (1, 0))
    lines.append(f"{n_trained:,} of {n_all:,} parameters are trained" if n_trained < n_all else f"{n_all:,} parameters")
    if n_trained == 0:
        raise ConfigError("fine_tune.freeze: leaves nothing to train; freeze less")
    return Start(model, tuple(lines))


def check_has_parameters(model: nn.Module, architecture: str) -> None:
    """Refuse what cannot be trained.

    Raises:
        ConfigError: the model has no parameters, or its file says that it is for inference only.
    """
    if getattr(sys.modules.get(type(model).__module__), "INFERENCE_ONLY", False):
        raise ConfigError(f"{architecture}: is for inference only and cannot be trained; choose another architecture")
    if not list(model.parameters()):
        raise ConfigError(f"{architecture}: has no parameters to train; choose another architecture")


def merge_adapters(model: nn.Module) -> dict[str, torch.Tensor]:
    """The state of a model as if its adapters had never been there: their updates are added to the layers below."""
    if not any(_is_adapter(module) for module in model.modules()):
        return model.state_dict()
    merged: dict[str, torch.Tensor] = {}
    adapted = {name: module for name, module in model.named_modules() if _is_adapter(module)}
    for key, tensor in model.state_dict().items():
        owner = next((name for name in adapted if key.startswith(f"{name}.")), None)
        if owner is None:
            merged[key] = tensor
        elif key.startswith(f"{owner}.base_layer."):
            leaf = key.removeprefix(f"{owner}.base_layer.")
            update = cast(Any, adapted[owner]).get_delta_weight("default") if leaf == "weight" else 0
            merged[f"{owner}.{leaf}"] = tensor + update
    return merged


def _find_head(folder: Path, description: BundleDescription, model: nn.Module) -> set[str]:
    """The tensors that belong to single stems: those that change or multiply when there is one more stem.

    Which part of such a tensor is whose, only the architecture knows; with other stems, all of it begins anew.
    """
    spec = description.spec
    more = dataclasses.replace(description, spec=dataclasses.replace(spec, stems=(*spec.stems, "one more")))
    with torch.random.fork_rng(devices=[]):
        larger = build_described(folder, more).state_dict()
    ours = model.state_dict()
    # Networks of single stems in a list are told by the number in their name alone.
    multiplied = {_without_numbers(name) for name in larger if name not in ours}
    return {
        name
        for name, tensor in ours.items()
        if _without_numbers(name) in multiplied or (name in larger and larger[name].shape != tensor.shape)
    }


def _without_numbers(name: str) -> str:
    return re.sub(r"\d+", "#", name)


def _take_weights(model: nn.Module, source: nn.Module, head: set[str]) -> tuple[int, set[str]]:
    """Copy every tensor whose name and shape agree, but for the head; gives their number and the names of the
    parameters left out."""
    theirs, ours = source.state_dict(), model.state_dict()
    common = {
        name: tensor
        for name, tensor in theirs.items()
        if name in ours and ours[name].shape == tensor.shape and name not in head
    }
    if not common:
        raise ConfigError(
            f"fine_tune.source: no tensor of {type(source).__name__} fits {type(model).__name__}; expected a bundle of "
            "the same architecture and config"
        )
    model.load_state_dict(common, strict=False)
    return len(common), {name for name, _ in model.named_parameters() if name not in common}


def _freeze(model: nn.Module, patterns: Sequence[str]) -> None:
    for pattern in patterns:
        found = [parameter for name, parameter in model.named_parameters() if fnmatch.fnmatchcase(name, pattern)]
        if not found:
            raise ConfigError(f"fine_tune.freeze: no parameter is called {pattern!r}")
        for parameter in found:
            parameter.requires_grad_(False)


def _add_adapters(model: nn.Module, config: LoraConfig, new: set[str]) -> None:
    import_extra("peft", "lora")
    from peft import LoraConfig as PeftConfig
    from peft import inject_adapter_in_model

    trainable = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    layers = [
        name
        for name, module in model.named_modules()
        if isinstance(module, (nn.Linear, nn.Conv1d, nn.Conv2d))
        and any(fnmatch.fnmatchcase(name, pattern) for pattern in config.layers)
        and not any(f"{name}.{leaf}" in new for leaf in ("weight", "bias"))
        and getattr(module, "groups", 1) == 1
    ]
    if not layers:
        raise ConfigError(f"fine_tune.lora.layers: no linear or convolution layer is called {list(config.layers)}")
    names = "|".join(map(re.escape, layers))  # one pattern: peft would take names in a list for endings of names
    inject_adapter_in_model(PeftConfig(r=config.rank, lora_alpha=config.alpha, target_modules=names), model)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_("lora_" in name or name in new & trainable)


def _is_adapter(module: nn.Module) -> bool:
    return hasattr(module, "get_delta_weight") and hasattr(module, "base_layer")
