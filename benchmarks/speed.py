"""The same networks with the same weights here and in their own packages: seconds, memory, and how equal the stems are.

    sh benchmarks/peers/make_env.sh                    once, for the others
    python benchmarks/speed.py                         all tables of docs/how_fast.md
    python benchmarks/speed.py --case htdemucs --seconds 60 --repeat 5

Every run is a process of its own with two threads, which separates a short piece before the clock starts; ours and the
other's take turns, and every other round begins with the other. Those of others start in a clean environment, at their
own defaults where these are the fastest, without any tuning of ours. Weights are random and the song is rendered, so
that nothing is downloaded. Cases:

    htdemucs                 whole song: HTDemucs here, and by demucs 4.1.0 (overlap 0.25, shifts 0)
    open_unmix               whole song: four targets without Wiener filter, here and by openunmix 1.3.0
    open_unmix_wiener        the same with the filter
    spectrogram_net_simple   whole song, one stem: here, and by the plain module segment by segment
    roformer                 transformers of Mel-Band RoFormer over one segment: here, plainly, and by BS-RoFormer 1.2.4
    cli                      `auralflow separate` from mp3 to four flac stems
    cold                     from the start of a process to its first output sample
    memory                   peak memory against length
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from speed_material import SONG_CASES, prepare_case, write_song
from speed_runs import PEER_PYTHON, Runs, tell
from speed_tables import print_cli, print_cold, print_comparison, print_machine, print_memory

COMPARED = (*SONG_CASES, "roformer")
CASES = (*COMPARED, "cli", "cold", "memory")
# What a round takes on two cores of an older server (Zen 3, AVX2), all ways together: seconds for each of the song's;
# seconds, whatever the song; and seconds for each minute of `memory`.
EXPECTED = {"htdemucs": 2.5, "open_unmix": 0.5, "open_unmix_wiener": 0.7, "spectrogram_net_simple": 0.7, "cli": 0.2}
EXPECTED_S = {"roformer": 150.0, "cold": 40.0}
EXPECTED_MEMORY_S = 90.0


def main() -> None:
    """Read the arguments, run the cases, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", action="append", choices=CASES, help="by default all")
    parser.add_argument("--seconds", type=float, default=180.0, help="length of the song")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each way")
    parser.add_argument("--minutes", type=float, nargs="+", default=[1, 3, 10], help="lengths for the case memory")
    parser.add_argument("--compile", action="store_true", help="also ours compiled, which takes minutes to start")
    parser.add_argument("--steps", action="store_true", help="also ours without some of what makes it fast")
    parser.add_argument("--model", action="append", help="model for cli and cold, by default the default one")
    arguments = parser.parse_args()
    cases = arguments.case or list(CASES)
    tell_duration(cases, arguments)
    if not PEER_PYTHON.exists():
        tell("no .venv-peers: ours alone is measured; benchmarks/peers/make_env.sh makes it")
    with tempfile.TemporaryDirectory() as folder:
        runs = Runs(Path(folder), arguments.repeat)
        print_machine(arguments.seconds, arguments.repeat)
        write_song(runs.folder, arguments.seconds)
        for case in cases:
            print_case(case, runs, arguments)


def print_case(case: str, runs: Runs, arguments: argparse.Namespace) -> None:
    """One table."""
    if case in COMPARED:
        prepare_case(case, runs.folder)
        print_comparison(case, runs, arguments)
    elif case == "cli":
        print_cli(runs, arguments.model or ["default"])
    elif case == "cold":
        print_cold(runs, arguments.model or ["default", "htdemucs"])
    else:
        print_memory(runs, arguments.minutes)


def tell_duration(cases: list[str], arguments: argparse.Namespace) -> None:
    """What all this will take."""
    rounds = sum(arguments.seconds * EXPECTED.get(case, 0) + EXPECTED_S.get(case, 0) for case in cases)
    seconds = arguments.repeat * rounds + (EXPECTED_MEMORY_S * sum(arguments.minutes) if "memory" in cases else 0)
    tell(f"expected: {seconds / 60:.0f} minutes on two cores of an older server, less on newer ones")


if __name__ == "__main__":
    main()
