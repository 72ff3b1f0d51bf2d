"""The commands: which function each calls, and how its result is shown; its imports wait until it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from auralflow import api
from auralflow.cli.outcome import Outcome
from auralflow.cli.screen import Screen
from auralflow.web.command import serve


def completion(shell: Literal["bash", "zsh", "tcsh"]) -> str:
    """Print a script that completes commands, flags and names in a shell.

    For bash, add this line to `~/.bashrc`: eval "$(auralflow completion bash)". For zsh, write the script to a file
    called `_auralflow` in a folder of your `fpath`. For tcsh, source it in `~/.tcshrc`.

    Args:
        shell: bash, zsh or tcsh.

    Example:
        >>> "complete" in completion("bash")
        True
    """
    from auralflow.cli.completion import write_script

    return write_script({name: command.function for name, command in COMMANDS.items()}, shell)


def _run_separate(arguments: dict[str, Any], screen: Screen) -> Outcome:
    from auralflow.cli.job import run_job

    return run_job(arguments, screen)


def _show_separate(result: Any, screen: Screen) -> None:
    from auralflow.cli.job import show_job

    show_job(result, screen)


def _show_models(result: Any, screen: Screen) -> None:
    from auralflow.cli.fetching import show_models

    show_models(result, screen)


def _run_download(arguments: dict[str, Any], screen: Screen) -> Outcome:
    from auralflow.cli.fetching import run_download

    return run_download(arguments, screen)


def _show_download(result: Any, screen: Screen) -> None:
    from auralflow.cli.fetching import show_download

    show_download(result, screen)


def _run_doctor(arguments: dict[str, Any], screen: Screen) -> Outcome:
    health = api.doctor(**arguments)
    return Outcome(health, health.exit_code)


def _show_doctor(result: Any, screen: Screen) -> None:
    from auralflow.cli.tables import show_health

    show_health(result, screen)


def _run_bench(arguments: dict[str, Any], screen: Screen) -> Outcome:
    from auralflow.cli.bench import run_bench

    return run_bench(arguments, screen)


def _show_bench(result: Any, screen: Screen) -> None:
    from auralflow.cli.bench import show_bench

    show_bench(result, screen)


def _run_train(arguments: dict[str, Any], screen: Screen) -> Outcome:
    from auralflow.cli.train import run_train

    return run_train(arguments, screen)


def _show_train(result: Any, screen: Screen) -> None:
    from auralflow.cli.train import show_train

    show_train(result, screen)


def _run_test(arguments: dict[str, Any], screen: Screen) -> Outcome:
    from auralflow.cli.scores import run_test

    return run_test(arguments, screen)


def _show_report(result: Any, screen: Screen) -> None:
    from auralflow.cli.scores import show_report

    show_report(result, screen)


def _show_comparison(result: Any, screen: Screen) -> None:
    from auralflow.cli.scores import show_comparison

    show_comparison(result, screen)


def _run_plot(arguments: dict[str, Any], screen: Screen) -> Outcome:
    from auralflow.cli.plot import run_plot

    return run_plot(arguments, screen)


def _show_plot(result: Any, screen: Screen) -> None:
    from auralflow.cli.plot import show_plot

    show_plot(result, screen)


def _show_export(result: Any, screen: Screen) -> None:
    from auralflow.cli.tables import show_export

    show_export(result, screen)


def _show_config(result: Any, screen: Screen) -> None:
    screen.show(f"{result.model_yaml}\n{result.train_yaml}")
    screen.tell(f"edit them, then: auralflow train {result.folder} DATA")


def _run_check(arguments: dict[str, Any], screen: Screen) -> Outcome:
    report = api.check_data(**arguments)
    return Outcome(report, report.exit_code)


def _show_check(result: Any, screen: Screen) -> None:
    from auralflow.cli.data_tables import show_data_report

    show_data_report(result, screen)


def _run_pack(arguments: dict[str, Any], screen: Screen) -> Outcome:
    from auralflow.cli.pack import run_pack

    return run_pack(arguments, screen)


def _show_pack(result: Any, screen: Screen) -> None:
    from auralflow.cli.pack import show_pack

    show_pack(result, screen)


def _show_songs(result: Any, screen: Screen) -> None:
    from auralflow.cli.data_tables import show_songs

    show_songs(result, screen)


def _run_plan(arguments: dict[str, Any], screen: Screen) -> Outcome:
    from auralflow.cli.plan import run_plan

    return run_plan(arguments, screen)


def _show_plan(result: Any, screen: Screen) -> None:
    from auralflow.cli.plan import show_plan

    show_plan(result, screen)


def _run_serve(arguments: dict[str, Any], screen: Screen) -> Outcome:
    def say(address: str) -> None:
        screen.tell(f"the page is at {address} (Ctrl-C stops it; what it has begun goes on with the next start)")
        if "token=" in address:
            screen.tell("from other machines: the same address with this machine's name in place of 127.0.0.1")

    return Outcome(serve(**arguments, report=say))


@dataclass(frozen=True)
class Command:
    """A function and how the command line runs it and shows its result."""

    function: Callable[..., Any]
    show: Callable[[Any, Screen], None]
    run: Callable[[dict[str, Any], Screen], Outcome] | None = None

    def call(self, arguments: dict[str, Any], screen: Screen) -> Outcome:
        return Outcome(self.function(**arguments)) if self.run is None else self.run(arguments, screen)


COMMANDS = {
    "separate": Command(api.separate, _show_separate, _run_separate),
    "plan": Command(api.plan, _show_plan, _run_plan),
    "serve": Command(serve, lambda served, screen: screen.tell("stopped"), _run_serve),
    "config": Command(api.configure, _show_config),
    "train": Command(api.train, _show_train, _run_train),
    "test": Command(api.test, _show_report, _run_test),
    "compare": Command(api.compare, _show_comparison),
    "plot": Command(api.plot, _show_plot, _run_plot),
    "data check": Command(api.check_data, _show_check, _run_check),
    "data pack": Command(api.pack_data, _show_pack, _run_pack),
    "data synth": Command(api.synth_data, _show_songs),
    "models": Command(api.list_models, _show_models),
    "download": Command(api.download, _show_download, _run_download),
    "push": Command(api.push, lambda address, screen: screen.show(address)),
    "export": Command(api.export, _show_export),
    "bench": Command(api.bench, _show_bench, _run_bench),
    "doctor": Command(api.doctor, _show_doctor, _run_doctor),
    "trust": Command(api.trust, lambda digest, screen: screen.show(f"trusted: {digest}")),
    "completion": Command(completion, lambda result, screen: screen.write(result + "\n")),
}
"""Every command of `auralflow`."""
