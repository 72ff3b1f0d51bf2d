"""Separate a song and show what came out: the stems, a picture and, where the truth is known, a table of scores.

python examples/demo.py --out demo                a rendered song, with scores
python examples/demo.py --out demo --song x.mp3   a song of yours
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

import auralflow
from auralflow import Audio
from auralflow.audio.formats import OutputFormat
from auralflow.data.synth import STEMS, SongConfig, mix_stems, render_song
from auralflow.evaluation.baselines import BASELINES
from auralflow.metrics.sdr import sdr
from auralflow.plots import plot_stems, save_figure

SONG = SongConfig(seed=1, duration_s=30.0)


def main() -> None:
    """Read the arguments and run the demo."""
    parser = argparse.ArgumentParser(description="separate a song and show what came out")
    parser.add_argument("--out", type=Path, default=Path("demo"), help="folder for everything")
    parser.add_argument("--song", type=Path, help="a song of yours; by default one is rendered")
    arguments = parser.parse_args()
    console = Console()
    try:
        run(arguments.out, arguments.song, console)
    except auralflow.AuralflowError as error:
        console.print(f"[red]error:[/] {error}", highlight=False)
        raise SystemExit(2) from None


def run(out: Path, song: Path | None, console: Console) -> None:
    """The demo itself."""
    truth = None
    if song is None:
        console.print("Rendering a song of 30 s ...")
        song, truth = render(out)
    console.print(f"Separating [bold]{song}[/] ...")
    started = time.perf_counter()
    report = auralflow.separate(song, out=out / "stems", overwrite=True)
    assert isinstance(report, auralflow.JobReport)
    result = report.done[0]
    console.print(f"{result.duration_s:.0f} s of music in {time.perf_counter() - started:.1f} s")
    mixture = auralflow.read_audio(song)
    stems = {output.name: auralflow.read_audio(output.path) for output in result.outputs}
    picture = out / "stems.png"
    save_figure(plot_stems({"mixture": mixture, **stems}, song.name), picture)
    for path in [*(output.path for output in result.outputs), picture]:
        console.print(f"  {path}", highlight=False)
    for warning in result.warnings:
        console.print(f"[yellow]note:[/] {warning}", highlight=False)
    if truth is not None:
        scores = score(mixture, stems, truth)
        (out / "scores.json").write_text(json.dumps(scores, indent=2))
        console.print(score_table(scores))


def render(out: Path) -> tuple[Path, dict[str, Audio]]:
    """Write a rendered song as an encoded file, and its true stems beside it."""
    truth = {name: Audio(samples, SONG.sample_rate) for name, samples in render_song(SONG).items()}
    mixture = Audio(mix_stems({name: audio.samples for name, audio in truth.items()}), SONG.sample_rate)
    (out / "truth").mkdir(parents=True, exist_ok=True)
    for name, audio in truth.items():
        auralflow.write_audio(out / "truth" / f"{name}.flac", audio, output_format=OutputFormat("flac", "int24"))
    song = out / "song.m4a"
    auralflow.write_audio(song, mixture, output_format=OutputFormat("m4a"))
    return song, truth


def score(mixture: Audio, stems: dict[str, Audio], truth: dict[str, Audio]) -> dict[str, dict[str, float]]:
    """SDR over the whole song in dB, by row and stem."""
    targets = torch.stack([torch.from_numpy(truth[name].samples) for name in STEMS])
    heard = torch.from_numpy(mixture.samples)
    rows = {
        "mixture": BASELINES["mixture"](heard, targets),
        "default": torch.stack([torch.from_numpy(stems[name].samples) for name in STEMS]),
        "oracle_irm": BASELINES["oracle_irm"](heard, targets),
    }
    return {
        row: dict(zip(STEMS, sdr(estimates, targets, sample_rate=mixture.sample_rate)["sdr"].tolist(), strict=True))
        for row, estimates in rows.items()
    }


def score_table(scores: dict[str, dict[str, float]]) -> Table:
    """Rows: nothing done, the default model, the best that a mask could do."""
    table = Table("SDR in dB", *STEMS, title="Estimates against the true stems, whole song")
    for row, values in scores.items():
        table.add_row(row, *(f"{values[name]:.2f}" for name in STEMS))
    return table


if __name__ == "__main__":
    main()
