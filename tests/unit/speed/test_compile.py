"""Compiled models: what they need, and where they are kept. That torch compiles is shown by a slow test."""

from __future__ import annotations

import os
import shutil

import numpy as np
import pytest
import torch
from torch import nn

from auralflow.audio.types import Audio
from auralflow.errors import ConfigError
from auralflow.fetch.folder import cache_folder
from auralflow.separation.engine import Separator
from auralflow.spec import ModelSpec
from auralflow.speed import compile as compiling


def test_without_a_compiler_one_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiling, "has_compiler", lambda: False)
    with pytest.raises(ConfigError, match=r"compile: .*C\+\+ compiler.*leave --compile out"):
        compiling.compile_model(nn.Identity())


def test_the_compiler_that_the_environment_names_must_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no_such_compiler")
    assert not compiling.has_compiler()


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="no C++ compiler")
@pytest.mark.filterwarnings("ignore")
def test_compiled_output_is_equal_and_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(compiling.CACHE_VARIABLE, raising=False)

    class Net(nn.Module):
        spec = ModelSpec(("a", "b"), 8000, 1, segment_samples=8000)

        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Conv1d(1, 2, 9, padding=4)

        def forward(self, mixture: torch.Tensor) -> torch.Tensor:
            return torch.tanh(self.layer(mixture)).unsqueeze(2)

    torch.manual_seed(0)
    net, song = Net(), Audio(np.random.default_rng(0).normal(0, 0.1, (1, 20000)).astype(np.float32), 8000)
    plain = Separator(net, device="cpu").separate(song)
    compiled = Separator(net, device="cpu", compile=True).separate(song)
    for stem in ("a", "b"):
        np.testing.assert_allclose(compiled[stem].samples, plain[stem].samples, atol=1e-6)
    assert os.environ[compiling.CACHE_VARIABLE] == str(cache_folder() / "compiled")
    assert any((cache_folder() / "compiled").iterdir())
