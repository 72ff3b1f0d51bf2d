"""The command line: words to arguments, results to text or JSON, mistakes to one line and an exit code."""

from __future__ import annotations

import inspect
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import pytest

from auralflow import api
from auralflow.cli import main
from auralflow.cli import parser as parser_module
from auralflow.cli.commands import COMMANDS
from auralflow.cli.entry import STOPPED
from auralflow.cli.flags import LIBRARY_ONLY, OVERRIDES, read_description, read_flags
from auralflow.cli.job import format_time, show_job
from auralflow.cli.outcome import Outcome
from auralflow.cli.parser import CommandParser
from auralflow.cli.progress import JobWatch
from auralflow.cli.screen import Screen, one_line, to_plain
from auralflow.errors import AuralflowError, Cancelled, ConfigError, MissingExtraError
from auralflow.pretrained.catalogue import ModelEntry
from auralflow.separation.forecast import Forecast
from auralflow.separation.results import Failure, FileResult, JobEvent, JobReport, OutputFile

WORDS_TO_ARGUMENTS: list[tuple[str, dict[str, Any]]] = [
    ("a.wav", {"inputs": ["a.wav"]}),
    ("a.wav b.mp3", {"inputs": ["a.wav", "b.mp3"]}),
    ("a.wav --stems vocals,drums b.mp3", {"inputs": ["a.wav", "b.mp3"], "stems": "vocals,drums"}),
    ("a.wav --from 1:00 --for 30s", {"inputs": ["a.wav"], "from_": "1:00", "for_": "30s"}),
    ("a.wav --from=90", {"inputs": ["a.wav"], "from_": "90"}),
    ("a.wav --residual --overwrite", {"inputs": ["a.wav"], "residual": True, "overwrite": True}),
    ("--dry-run --content-hash a.wav", {"inputs": ["a.wav"], "dry_run": True, "content_hash": True}),
    ("a.wav --mix karaoke=-vocals", {"inputs": ["a.wav"], "mix": "karaoke=-vocals"}),
    ("a.wav --mix k=-vocals --mix r=drums+bass,b=bass", {"inputs": ["a.wav"], "mix": "k=-vocals,r=drums+bass,b=bass"}),
    ("a.wav --mix=-vocals", {"inputs": ["a.wav"], "mix": "-vocals"}),
    ("a.wav --mix -vocals", {"inputs": ["a.wav"], "mix": "-vocals"}),
    ("a.wav --segment 7.5 --overlap 0.25", {"inputs": ["a.wav"], "segment": 7.5, "overlap": 0.25}),
    ("a.wav --overlap 0 --workers 0", {"inputs": ["a.wav"], "overlap": 0.0, "workers": 0}),
    ("a.wav --batch 4 --workers 2", {"inputs": ["a.wav"], "batch": 4, "workers": 2}),
    ("a.wav --precision fast --quiet --json", {"inputs": ["a.wav"], "precision": "fast"}),
    # None of these is YAML, JSON or Python.
    ("a.wav --stems no", {"inputs": ["a.wav"], "stems": "no"}),
    ("a.wav --stems none", {"inputs": ["a.wav"], "stems": "none"}),
    ("a.wav --stems null", {"inputs": ["a.wav"], "stems": "null"}),
    ("a.wav --out 2024", {"inputs": ["a.wav"], "out": "2024"}),
    ("a.wav --out 1e3", {"inputs": ["a.wav"], "out": "1e3"}),
    ("a.wav --name {track}/{stem}", {"inputs": ["a.wav"], "name": "{track}/{stem}"}),
    ("a.wav --name {track}:_{stem}", {"inputs": ["a.wav"], "name": "{track}:_{stem}"}),
    ("a.wav --model [x]", {"inputs": ["a.wav"], "model": "[x]"}),
    ("no 2024 null true", {"inputs": ["no", "2024", "null", "true"]}),
    # Names that begin with a dash.
    ("-- -x.wav", {"inputs": ["-x.wav"]}),
    ("--residual -- -x.wav --residual", {"inputs": ["-x.wav", "--residual"], "residual": True}),
    ("./-x.wav", {"inputs": ["./-x.wav"]}),
    ("a.wav --out -stems", {"inputs": ["a.wav"], "out": "-stems"}),
]

MISTAKES: list[tuple[str, str]] = [
    ("separate --modle classic a.wav", "unknown flag '--modle': did you mean '--model'?"),
    ("separate --stem=vocals a.wav", "unknown flag '--stem': did you mean '--stems'?"),
    ("separate --dry_run a.wav", "did you mean '--dry-run'?"),
    ("separate -x.wav", "is written './-x.wav'"),
    ("separate", "expected INPUT"),
    ("separate --out", "--out: expected a value"),
    ("separate a.wav --out --residual", "--out: expected a value"),
    ("separate a.wav --residual=yes", "--residual: takes no value"),
    ("separate a.wav --segment long", "--segment: expected a number, got 'long'"),
    ("separate a.wav --segment nan", "--segment: expected a number, got 'nan'"),
    ("separate a.wav --hang inf", "--hang: expected a number, got 'inf'"),
    ("separate a.wav --batch 1.5", "--batch: expected a whole number, got '1.5'"),
    ("separate a.wav --precision fats", "did you mean 'fast'?"),
    ("separate a.wav --consistency all", "Known: none, rest, sum"),
    ("seperate a.wav", "unknown command 'seperate': did you mean 'separate'?"),
    ("modles", "did you mean 'models'?"),
    ("--verison", "did you mean '--version'?"),
    ("--modle separate a.wav", "did you mean '--model'?"),
    ("models vocals", "unexpected 'vocals'"),
    ("models --architectures --commercial", "architectures"),
    ("completion", "expected SHELL"),
    ("completion bash zsh", "expected one SHELL"),
    ("completion fsh", "did you mean 'zsh'?"),
    ("separate nowhere.wav --model {model}", "nowhere.wav: no such file"),
    ("separate {here} --device cuda:99", "--device cuda:99"),
    ("separate {here} --format flca", "did you mean 'flac'?"),
    ("separate {here} --from soon", "from: expected a time"),
    ("separate {here} --model {model} --name {{track}}", "needs the field {stem}"),
]

ENTRY = ModelEntry(
    "classic.v1",
    ("classic", "default"),
    ("vocals", "other"),
    44100,
    2,
    "MIT",
    True,
    "none",
    "By [rules] :smile:",
    "weak",
)
RESULT = FileResult(
    source=Path("in/a.wav"),
    outputs=(OutputFile("vocals", Path("out/a/vocals.wav"), 100),),
    duration_s=65.0,
    sample_rate=44100,
    channels=2,
    gain_db=-1.5,
    warnings=("lowered by 1.50 dB",),
    seconds={"model": 1.0},
)


@pytest.fixture
def here(tmp_path: Path, write_wav: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A sound, in a folder that is the current one."""
    monkeypatch.chdir(tmp_path)
    return write_wav(tmp_path / "here.wav", 0.1)


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, object], None]:
    """Replace what a command does by a value, or by an error."""

    def replace_command(name: str, result: object) -> None:
        def run(arguments: dict[str, Any], screen: Screen) -> Outcome:
            if isinstance(result, BaseException):
                raise result
            return result if isinstance(result, Outcome) else Outcome(result)

        monkeypatch.setitem(COMMANDS, name, replace(COMMANDS[name], run=run))

    return replace_command


def run_process(*words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "auralflow", *words], capture_output=True, text=True, timeout=60, check=False, **options
    )


@pytest.mark.parametrize(("words", "arguments"), WORDS_TO_ARGUMENTS)
def test_words_become_arguments(words: str, arguments: dict[str, Any]) -> None:
    assert CommandParser("separate", api.separate).read(words.split()) == arguments


def test_spaces_within_a_word_stay() -> None:
    read = CommandParser("separate", api.separate).read(["my song.wav", "--name", "{track} - {stem}"])
    assert read == {"inputs": ["my song.wav"], "name": "{track} - {stem}"}


@pytest.mark.parametrize(("words", "text"), MISTAKES)
def test_a_mistake_is_one_line_and_exit_code_2(
    words: str, text: str, here: Path, pass_through_path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words.format(here=here.name, model=pass_through_path).split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("auralflow: error: ")
    assert text in err
    assert err.count("\n") == 1
    assert not Path("separated").exists()


def test_a_file_in_place_of_the_command_is_explained(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([here.name]) == 2
    assert "did you mean 'auralflow separate here.wav'?" in capsys.readouterr().err


@pytest.mark.parametrize("name", COMMANDS)
def test_every_parameter_is_a_flag_and_every_flag_is_explained(name: str) -> None:
    function = COMMANDS[name].function
    flags = {flag.parameter: flag for flag in read_flags(function)}
    assert set(flags) == set(inspect.signature(function).parameters) - {*LIBRARY_ONLY, OVERRIDES}
    assert all(flag.help for flag in flags.values())
    summary, description = read_description(function)
    assert description.startswith(summary)
    assert "Args:" not in description


def test_a_signature_becomes_flags() -> None:
    def play(
        paths: Sequence[str | Path], *, half_speed: bool = False, from_: float = 0.0, kind: Literal["a", "b"] = "a"
    ) -> None:
        """Play.

        More of it.

        Args:
            paths: what to play,
                in order.
            half_speed: slowly.
            from_: where.
        """

    flags = read_flags(play)
    assert [flag.name for flag in flags] == ["PATH", "--half-speed", "--from", "--kind"]
    assert [flag.help for flag in flags] == ["what to play, in order.", "slowly.", "where.", ""]
    assert [flag.is_switch for flag in flags] == [False, True, False, False]
    assert flags[3].choices == ("a", "b")
    assert read_description(play) == ("Play.", "Play.\n\nMore of it.")


def test_no_command_builds_the_others(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    built: list[object] = []

    def record(function: Callable[..., Any]) -> list[Any]:
        built.append(function)
        return read_flags(function)

    monkeypatch.setattr(parser_module, "read_flags", record)
    assert main(["--help"]) == 0
    assert built == []
    assert main(["models", "--architectures"]) == 0
    assert built == [api.list_models]


def test_help_and_lists_load_no_torch() -> None:
    lines = [["--help"], ["--version"], ["separate", "--help"], ["models", "--architectures"], ["completion", "bash"]]
    program = (
        "import sys, auralflow.cli\n"
        f"codes = [auralflow.cli.main(words) for words in {lines!r}]\n"
        "sys.exit(f'{codes}' if any(codes) or 'torch' in sys.modules else 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "--content-hash" in done.stdout


def test_importing_the_command_line_changes_nothing_in_the_process() -> None:
    program = (
        "import os, signal, sys, warnings\n"
        "def state(): return dict(os.environ), list(warnings.filters), [signal.getsignal(s) for s in (2, 15)], "
        "sys.excepthook, sys.stdout.errors\n"
        "before = state()\n"
        "import auralflow, auralflow.cli, auralflow.__main__\n"
        "sys.exit(0 if state() == before else 1)"
    )
    assert subprocess.run([sys.executable, "-c", program], timeout=60, check=False).returncode == 0


def test_help_shows_flags_texts_and_defaults(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert main(["separate", "--help"]) == 0
    text = capsys.readouterr().out
    assert "INPUT [INPUT ...]" in text
    assert "{track}/{stem}" in text
    assert "[default: separated]" in text
    assert "library only" not in text


def test_the_overview_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == main(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(name in text for name in COMMANDS)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("auralflow 1.")


def test_the_module_runs_as_a_program() -> None:
    done = run_process("models", "--architectures", "--json")
    assert done.returncode == 0
    assert done.stderr == ""
    assert json.loads(done.stdout)["result"] == list(api.list_models(architectures=True))


def test_json_is_one_object_and_nothing_else(stub: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
    stub("separate", Outcome(JobReport((RESULT,), (Failure(Path("b.wav"), "no\nway", "input"),), (Path("c.wav"),)), 1))
    assert main(["separate", "in", "--json"]) == 1
    out, err = capsys.readouterr()
    values = json.loads(out)
    assert out.count("\n") == 1
    assert err == ""
    assert values["command"] == "separate"
    assert values["exit_code"] == 1
    assert values["result"]["done"][0]["outputs"][0]["path"] == str(Path("out/a/vocals.wav"))
    assert values["result"]["failed"][0]["reason"] == "no\nway"
    assert values["result"]["skipped"] == ["c.wav"]


@pytest.mark.parametrize("words", [["--json", "separate", "nowhere.wav"], ["separate", "nowhere.wav", "--json"]])
def test_json_tells_errors_too(words: list[str], pass_through_path: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*words, "--model", pass_through_path]) == 2
    out, err = capsys.readouterr()
    values = json.loads(out)
    assert values["result"] is None
    assert values["error"]["kind"] == "AudioError"
    assert "nowhere.wav" in values["error"]["message"]
    assert "auralflow: error: nowhere.wav" in err


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (ConfigError("from: expected\na time"), 2, "from: expected a time"),
        (MissingExtraError("matplotlib", "plots"), 2, "pip install 'auralflow[plots]'"),
        (Cancelled("stopped on request; what was finished is kept"), 130, "stopped on request"),
        (KeyboardInterrupt(), 130, "stopped on request"),
        (
            ZeroDivisionError("float\ndivision"),
            70,
            "ZeroDivisionError: float division; this is a defect, please report",
        ),
        (MemoryError(), 70, "MemoryError"),
    ],
)
def test_errors_become_one_line_and_an_exit_code(
    error: BaseException, code: int, text: str, stub: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    stub("doctor", error)
    assert main(["doctor"]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert text in err
    assert err.count("\n") == 1
    assert "Traceback" not in err


def test_a_defect_shows_its_traceback_when_asked(
    stub: Callable[..., None], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AURALFLOW_DEBUG", "1")
    stub("doctor", ZeroDivisionError("x"))
    assert main(["doctor"]) == 70
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="pipes break with other errors there")
def test_a_reader_that_goes_away_is_no_error() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "auralflow", "completion", "bash"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 141


def test_names_that_are_no_text_do_not_break_the_output(pass_through_path: str) -> None:
    words = ["separate", "nowhere\x1b[31m\n\u266b.wav", "--model", pass_through_path]
    done = run_process(*words, env=os.environ | {"PYTHONIOENCODING": "ascii"})
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "\x1b" not in done.stderr


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\nb", "a b"),
        ("a \r\n  b", "a b"),
        ("a\x1b[2Jb", "a\\x1b[2Jb"),
        ("\udcff", "\\udcff"),
        ("Motörhead ♫", "Motörhead ♫"),
    ],
)
def test_one_line(text: str, line: str) -> None:
    assert one_line(text) == line


def test_to_plain_is_ready_for_json() -> None:
    @dataclass(frozen=True)
    class Thing:
        path: Path
        parts: tuple[Path, ...]

        @property
        def n_parts(self) -> int:
            return len(self.parts)

    plain = to_plain({"a": Thing(Path("x"), (Path("y"),))})
    assert json.loads(json.dumps(plain)) == {"a": {"path": "x", "parts": ["y"], "n_parts": 1}}


def test_a_report_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    failed = tuple(Failure(Path(f"bad [{i}].wav"), "empty", "input") for i in range(2))
    show_job(JobReport((RESULT,), failed, (Path("c.wav"),), 61.0), Screen([]))
    out, err = capsys.readouterr()
    assert "in/a.wav: 1:05 at 44100 Hz" in out.replace("\\", "/")
    assert "out/a/vocals.wav" in out.replace("\\", "/")
    assert "note: lowered by 1.50 dB" in out
    assert "1 separated, 1 done before (--overwrite separates them again), 2 failed, in 1:01" in out
    assert "2 files failed" in err
    assert "bad [1].wav" in err


def test_of_many_files_only_those_with_notes_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    silent = tuple(replace(RESULT, source=Path(f"{i}.wav"), warnings=()) for i in range(30))
    show_job(JobReport((*silent, RESULT), (), (), 1.0), Screen([]))
    out = capsys.readouterr().out
    assert "a.wav" in out
    assert "7.wav" not in out
    assert "31 separated" in out


def test_quiet_tells_failures_only(stub: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
    failed = tuple(Failure(Path(f"{i}.wav"), "empty", "input") for i in range(2))
    stub("separate", Outcome(JobReport((RESULT,), failed, ()), 1))
    assert main(["--quiet", "separate", "in"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == ["auralflow: error: 0.wav: empty", "auralflow: error: 1.wav: empty"]


def test_a_stopped_job_tells_what_it_finished(stub: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
    stub("separate", Outcome(JobReport((RESULT,), (), (), 1.0), 130, Cancelled("stopped on request")))
    assert main(["separate", "in"]) == 130
    out, err = capsys.readouterr()
    assert "1 separated" in out
    assert err == "auralflow: error: stopped on request\n"


def test_a_forecast_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    show_job(Forecast((Path("a.wav"),), ((Path("b.wav"), "b.wav: empty"),), 4, 90.0, 2_000_000, 1_000_000), Screen([]))
    out, err = capsys.readouterr()
    assert "would separate a.wav" in out
    assert "1:30 of audio, 4 outputs of at most 2.0 MB; 1.0 MB are free; too little" in out
    assert err == "auralflow: unusable: b.wav: empty\n"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0.0 s"), (59.94, "59.9 s"), (59.96, "1:00"), (60, "1:00"), (3599.7, "1:00:00"), (36000, "10:00:00")],
)
def test_format_time(seconds: float, text: str) -> None:
    assert format_time(seconds) == text


def test_a_watch_keeps_what_it_heard_and_opens_once(capsys: pytest.CaptureFixture[str]) -> None:
    failure = Failure(Path("b.wav"), "hung", "quarantined")
    with JobWatch(Screen([]), "device: cpu") as watch:
        watch.hear(JobEvent("skipped", Path("c.wav"), 3))
        for kind in ("started", "progress", "retried", "started", "progress"):
            watch.hear(JobEvent(kind, RESULT.source, 3, 0.5))  # type: ignore[arg-type]
        watch.hear(JobEvent("done", RESULT.source, 3, 1.0, RESULT))
        watch.hear(JobEvent("failed", Path("b.wav"), 3, result=failure))
    assert capsys.readouterr().err == "device: cpu\n"
    report = watch.report()
    assert (report.done, report.failed, report.skipped) == ((RESULT,), (failure,), (Path("c.wav"),))


def test_models_are_a_table(stub: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
    stub("models", (ENTRY,))
    assert main(["models"]) == 0
    out = capsys.readouterr().out
    shown = ("classic.v1", "the default", "44100 Hz", "vocals", "MIT", "commercial use: yes", "By [rules] :smile:.")
    assert all(text in out for text in shown)
    assert "Training data: none" in out
    assert main(["models", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["result"][0]["stems"] == ["vocals", "other"]


def test_names_of_models_are_whole_in_a_narrow_terminal(
    stub: Callable[..., None], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    stub("models", (replace(ENTRY, name="a_long_architecture.tag", summary="words " * 40),))
    assert main(["models"]) == 0
    out = capsys.readouterr().out
    assert "a_long_architecture.tag" in out
    assert max(map(len, out.splitlines())) <= 60


def test_models_pass_their_filters_on(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    heard: list[dict[str, Any]] = []

    def list_models(**arguments: Any) -> tuple[ModelEntry, ...]:
        heard.append(arguments)
        return ()

    list_models.__signature__ = inspect.signature(api.list_models)  # type: ignore[attr-defined]
    list_models.__doc__ = api.list_models.__doc__
    monkeypatch.setitem(COMMANDS, "models", replace(COMMANDS["models"], function=list_models))
    monkeypatch.setitem(list_models.__globals__, "Sequence", Sequence)
    assert main(["models", "--stems", "vocals,drums", "--commercial"]) == 0
    assert heard == [{"stems": "vocals,drums", "commercial": True}]
    assert "no model matches" in capsys.readouterr().err


def test_completion_scripts_know_commands_flags_and_names(capsys: pytest.CaptureFixture[str]) -> None:
    for shell in ("bash", "zsh", "tcsh"):
        assert main(["completion", shell]) == 0
        script = capsys.readouterr().out
        assert all(text in script for text in ("separate", "content-hash", "classic", "flac24", "tpdf"))


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize(
    ("words", "answers"),
    [
        (["sep"], {"separate"}),
        (["separate", "--cont"], {"--content-hash"}),
        (["separate", "--format", "flac"], {"flac", "flac16", "flac24"}),
        (["separate", "--precision", ""], {"exact", "fast"}),
        (["separate", "so"], {"song.wav"}),
        (["completion", "z"], {"zsh"}),
    ],
)
def test_bash_completes(
    words: list[str], answers: set[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["completion", "bash"]) == 0
    script = tmp_path / "script.bash"
    script.write_text(capsys.readouterr().out, encoding="utf-8")
    (tmp_path / "song.wav").touch()
    line = " ".join(f"'{word}'" for word in ["auralflow", *words])
    done = subprocess.run(
        ["bash", "-c", f'source script.bash; COMP_WORDS=({line}); COMP_CWORD={len(words)}; _shtab_auralflow; '
         'printf "%s\\n" "${COMPREPLY[@]}"'],
        cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert set(done.stdout.split()) == answers, done.stderr


def test_architectures_need_no_torch_and_refuse_filters() -> None:
    assert "spectrogram_net_simple" in api.list_models(architectures=True)
    with pytest.raises(AuralflowError, match="architectures"):
        api.list_models(architectures=True, stems="vocals")


def _train(run: str, data: Sequence[str] = (), *, max_epochs: int = 1, overrides: Sequence[str] = ()) -> None: ...


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["run"], {"run": "run"}),
        (["run", "a", "b"], {"run": "run", "data": ["a", "b"]}),
        (["--a.b", "1", "run", "a"], {"run": "run", "data": ["a"], "overrides": ["a.b=1"]}),
        (["run", "--a.b=1", "--c.0.d", "x=y"], {"run": "run", "overrides": ["a.b=1", "c.0.d=x=y"]}),
        (["run", "--max-epochs", "3"], {"run": "run", "max_epochs": 3}),
    ],
)
def test_places_and_dotted_flags(words: list[str], expected: dict[str, Any]) -> None:
    assert CommandParser("train", _train).read(words) == expected


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "expected RUN after 'auralflow train'"),
        (["run", "--a.b"], "--a.b: expected a value behind it"),
        (["run", "--max-epoch", "3"], "unknown flag '--max-epoch': did you mean '--max-epochs'"),
    ],
)
def test_what_is_wrong_with_places_and_dotted_flags(words: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        CommandParser("train", _train).read(words)


def test_a_dotted_flag_is_unknown_where_there_is_no_config() -> None:
    with pytest.raises(ConfigError, match=r"unknown flag '--a\.b'"):
        CommandParser("doctor", api.doctor).read(["--a.b", "1"])


def test_a_command_of_two_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--quiet", "data", "check", "nowhere"]) == 2
    assert "nowhere: no such data set" in capsys.readouterr().err
    assert main(["data", "chek", "nowhere"]) == 2
    assert "unknown command 'data chek': did you mean 'data check'" in capsys.readouterr().err
    assert main(["data"]) == 2


def test_termination_is_heeded_from_the_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anything that runs for long has begun to listen; of a program that calls `main` nothing is changed."""
    monkeypatch.setattr(sys, "argv", ["auralflow", "models"])
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        command = replace(COMMANDS["models"], function=lambda: os.kill(os.getpid(), signal.SIGTERM))
        monkeypatch.setitem(COMMANDS, "models", command)
        assert main() == STOPPED
        assert "stopped on request" in capsys.readouterr().err
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        main(["--version"])
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGTERM, before)
