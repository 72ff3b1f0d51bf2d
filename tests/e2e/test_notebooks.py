"""The notebooks run from top to bottom, without a warning, and show what they promise."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("matplotlib")

NOTEBOOKS = sorted((Path(__file__).parents[2] / "examples" / "notebooks").glob("*.ipynb"))
NO_WARNINGS = """
import warnings
import torch
torch.set_num_threads(1)
warnings.simplefilter("error")
warnings.filterwarnings("ignore", module="ipykernel")
"""


def read(path: Path) -> Any:
    return nbformat.read(path, as_version=4)


def run(path: Path, folder: Path) -> Any:
    """The notebook with its outputs."""
    notebook = read(path)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(NO_WARNINGS))
    nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(folder)}}).execute()
    return notebook


def list_outputs(notebook: Any, kind: str) -> list[str]:
    outputs = (output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs)
    return [output.data[kind] for output in outputs if kind in output.get("data", {})]


def text_of(notebook: Any) -> str:
    outputs = (output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs)
    return "".join(output.text for output in outputs if output.output_type == "stream")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_repository_holds_no_outputs(path: Path) -> None:
    nbformat.validate(read(path))
    for cell in read(path).cells:
        if cell.cell_type == "code":
            assert (cell.outputs, cell.execution_count) == ([], None)
            assert len(cell.source.splitlines()) <= 40


@pytest.mark.filterwarnings("default")  # of the client; those of the notebook are errors in its own process
@pytest.mark.timeout(900)
def test_separate_a_song(tmp_path: Path) -> None:
    notebook = run(NOTEBOOKS[0], tmp_path)
    mixers = list_outputs(notebook, "text/html")
    assert [mixer.count("<audio") for mixer in mixers] == [1, 4, 2]
    assert len(list_outputs(notebook, "image/png")) == 2
    told = text_of(notebook)
    error = re.search(r"largest difference to the song: (\S+)", told)
    assert error is not None
    assert float(error[1]) < 1e-6
    scores = {line.split()[0]: [float(x) for x in re.findall(r"(-?[\d.]+) dB", line)] for line in told.splitlines()}
    assert sum(scores["default"]) > sum(scores["mixture"]) + 4


@pytest.mark.filterwarnings("default")
@pytest.mark.timeout(900)
def test_your_first_model(tmp_path: Path) -> None:
    notebook = run(NOTEBOOKS[1], tmp_path)
    assert [mixer.count("<audio") for mixer in list_outputs(notebook, "text/html")] == [3, 2, 2, 2]
    assert len(list_outputs(notebook, "image/png")) == 8
    told = text_of(notebook)
    before, after = (float(re.search(rf"{when} training: (\S+) dB", told)[1]) for when in ("before", "after"))  # type: ignore[index]
    song, mask = (
        float(re.search(rf"{what}: (\S+) dB", told)[1]) for what in ("the song itself", "the ideal ratio mask")
    )  # type: ignore[index]
    assert max(before, song) + 1 < after < mask
