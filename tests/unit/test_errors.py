"""Errors say what to do, in one line, and travel."""

from __future__ import annotations

import pickle

import pytest

from auralflow.errors import AuralflowError, MissingExtraError, UnknownNameError, import_extra


def test_the_nearest_name_is_offered() -> None:
    assert "did you mean 'flac'" in str(UnknownNameError("format", "flacc", ["wav", "flac"]))
    assert "did you mean" not in str(UnknownNameError("format", "zzz", ["wav", "flac"]))


def test_a_missing_extra_gives_the_pip_command() -> None:
    with pytest.raises(MissingExtraError, match=r"pip install 'auralflow\[web\]'"):
        import_extra("no_such_package_here", "web")


@pytest.mark.parametrize(
    "error", [UnknownNameError("stem", "x", ["y"]), MissingExtraError("av", "io"), AuralflowError("z")]
)
def test_errors_survive_a_copy(error: AuralflowError) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert str(copy) == str(error)
