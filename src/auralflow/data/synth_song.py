"""Render procedural songs into folders; as a module, a process that does so for its parent.

The process reads tasks from its standard input and answers on its standard output, one line of JSON each. It ends when
its input does, so it never outlives its parent.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Literal

from auralflow.audio.formats import OutputFormat
from auralflow.audio.pending import PART_PREFIX, PART_SUFFIX
from auralflow.audio.types import Audio
from auralflow.audio.write import write_audio
from auralflow.data.synth import SongConfig, mix_stems, render_song
from auralflow.errors import AuralflowError, OutputError

SongFormat = Literal["flac", "wav"]
"""Both with 24 bits, which hold the songs without loss."""
FORMATS: tuple[SongFormat, ...] = ("flac", "wav")


def write_song(folder: Path, config: SongConfig, file_format: SongFormat) -> None:
    """Write the stems and the mixture of a song; the folder has its name only when all of them are complete.

    Raises:
        OutputError: the files cannot be written.
    """
    stems = render_song(config)
    unfinished = folder.parent / f"{PART_PREFIX}{os.getpid()}-{secrets.token_hex(4)}{PART_SUFFIX}"
    output_format = OutputFormat(file_format, "int24")
    try:
        unfinished.mkdir(parents=True)
        for name, samples in {**stems, "mixture": mix_stems(stems)}.items():
            path = unfinished / f"{name}{output_format.suffix}"
            write_audio(path, Audio(samples, config.sample_rate), output_format=output_format)
        unfinished.rename(folder)
    except OSError as error:
        raise OutputError(
            f"{folder}: expected to write a song there, got '{error.strerror}'; make room or choose another folder"
        ) from None
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


class SongProcess:
    """A process that writes songs, one after the other."""

    def __init__(self) -> None:
        # The processes share the cores out among themselves, so each computes with one thread.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "auralflow.data.synth_song"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )

    def write_song(self, folder: Path, config: SongConfig, file_format: SongFormat) -> None:
        """As the function of this name, in the process.

        Raises:
            OutputError: as there; or the process ended.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        task = {"folder": str(folder), "config": asdict(config), "file_format": file_format}
        try:
            self._process.stdin.write(json.dumps(task) + "\n")
            self._process.stdin.flush()
        except OSError:  # it has ended; so has its output
            pass
        answer = self._process.stdout.readline()
        if not answer:
            code = self._process.wait()
            raise OutputError(
                f"{folder}: the process that rendered it ended with code {code}; run the command again, "
                "with fewer workers if memory was short"
            )
        if reason := json.loads(answer)["reason"]:
            raise OutputError(reason)

    def kill(self) -> None:
        """End it at once, whatever it does."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """Release its pipes; no one may be using them."""
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):  # a line for a process that had ended
                if pipe is not None:
                    pipe.close()


def main() -> None:
    """Entry of the process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    for line in sys.stdin:
        task = json.loads(line)
        try:
            write_song(Path(task["folder"]), SongConfig(**task["config"]), task["file_format"])
            reason = ""
        except AuralflowError as error:
            reason = str(error)
        sys.stdout.write(json.dumps({"reason": reason}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
