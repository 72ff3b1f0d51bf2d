"""The process that scores songs for an evaluation; see `auralflow.workers`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from auralflow.config import from_dict
from auralflow.evaluation.config import EvaluationConfig
from auralflow.evaluation.results import encode_song
from auralflow.workers.serve import Beat, Work, serve


def prepare(setup: dict[str, Any]) -> Work:
    import torch

    from auralflow.evaluation.plan import make_plan
    from auralflow.evaluation.song import evaluate_song
    from auralflow.evaluation.systems import open_system
    from auralflow.speed.process import tune_process

    tune_process()
    torch.set_num_threads(setup["n_threads"])
    plan = make_plan(from_dict(EvaluationConfig, setup["config"]))
    system = open_system(plan.system, plan.config)
    references = {reference.name: reference for reference in plan.references}

    def score(task: dict[str, Any], beat: Beat) -> dict[str, Any]:
        song = evaluate_song(
            references[task["name"]],
            system,
            plan.metrics,
            channels=plan.config.channels,
            excerpt=None if task["excerpt"] is None else Path(task["excerpt"]),
            beat=beat,
        )
        return encode_song(song)

    return score


if __name__ == "__main__":
    serve(prepare, lambda task: str(task["name"]))
