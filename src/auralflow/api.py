"""The verbs: what the command line does, as functions.

This file loads nothing heavy by itself, so that reading its signatures (for `--help`) is quick.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from auralflow.errors import ConfigError

if TYPE_CHECKING:
    from torch import nn

    from auralflow.bench.report import BenchReport
    from auralflow.bench.run import BenchEvent
    from auralflow.data.check import DataReport
    from auralflow.data.packs.write import PackReport
    from auralflow.data.synth_dataset import SynthReport
    from auralflow.doctor import Health
    from auralflow.evaluation.compare import ScoreComparison
    from auralflow.evaluation.events import EvaluationEvents
    from auralflow.evaluation.report import Report
    from auralflow.export.export import ExportReport
    from auralflow.fetch.events import FetchEvents
    from auralflow.pictures.results import PlotReport
    from auralflow.planning.report import PlanReport
    from auralflow.pretrained.catalogue import ModelEntry
    from auralflow.pretrained.downloaded import Downloaded
    from auralflow.separation.forecast import Forecast
    from auralflow.separation.progress import CancelToken
    from auralflow.separation.results import JobCallback, JobReport
    from auralflow.training.configure import ConfigReport
    from auralflow.training.run import TrainEvents, TrainReport
    from auralflow.workers.ray_pool import Cluster


def separate(
    inputs: Sequence[str | Path] | str | Path,
    *,
    model: str = "default",
    stems: Sequence[str] | str | None = None,
    out: str | Path = "separated",
    format: str = "auto",
    name: str = "{track}/{stem}",
    mix: Sequence[str] | str = (),
    residual: bool = False,
    consistency: Literal["none", "sum", "rest"] = "none",
    from_: str | float = 0.0,
    for_: str | float | None = None,
    dither: Literal["none", "tpdf"] = "none",
    device: str = "auto",
    precision: Literal["exact", "fast"] = "exact",
    compile: bool = False,
    engine: Literal["torch", "onnx", "ray"] | None = None,
    address: str | None = None,
    cpus: int = 1,
    gpus: float = 0.0,
    segment: float | None = None,
    overlap: float | None = None,
    batch: int | None = None,
    threads: int | None = None,
    tuned: bool = False,
    workers: int | None = None,
    overwrite: bool = False,
    content_hash: bool = False,
    hang: float = 900.0,
    dry_run: bool = False,
    offline: bool = False,
    server: str | None = None,
    report: JobCallback | None = None,
    cancel: CancelToken | None = None,
    download: FetchEvents | None = None,
) -> JobReport | Forecast:
    """Separate songs into stems.

    What an earlier run finished with the same settings is skipped; a run that was stopped or killed goes on where it
    was.

    Args:
        inputs: audio files, folders (searched recursively), patterns such as 'album/*.flac', and addresses such as
            's3://bucket/album' or 'https://example.org/song.mp3'.
        model: name of a model (see 'auralflow models'), folder of a model bundle, weights of another package (a file or
            folder, an https:// address, hf:OWNER/NAME), a .py file that defines one, or a .yaml file with a plan of
            several.
        stems: stems to write, separated by commas; by default all; 'none' writes only the mixes and the residual.
        out: folder for the outputs, or its address, such as 's3://bucket/stems'.
        format: auto, wav, wav16, wav24, wav32f, flac, flac16, flac24, mp3, ogg, opus, m4a or stem.mp4; auto keeps WAV
            as WAV and makes everything else FLAC, at the depth of the input.
        name: template of the output names, with the fields {track}, {stem}, {ext} and {model}.
        mix: further outputs, separated by commas: 'karaoke=-vocals' is the mixture without vocals, 'rhythm=drums+bass'
            a sum.
        residual: also write what is left of the mixture without the written stems.
        consistency: make the stems sum to the mixture: 'sum' shares the difference among them, 'rest' gives it to
            'other'.
        from_: where to start, like 90, 1:30 or 30s.
        for_: how much to separate, like 30s; by default all.
        dither: 'tpdf' dithers where the depth is reduced.
        device: auto, cpu, cuda, cuda:1, mps or xpu.
        precision: 'exact' computes in 32 bits, 'fast' in 16 where that was measured to leave 45 dB of the output.
        compile: let torch compile the model, which takes a minute or more, once on this machine; for many files.
        engine: 'torch', the default; 'onnx' for ONNX Runtime on the CPU: the model is exported once, or is a file of
            'auralflow export'; or 'ray', torch on a Ray cluster, whose nodes see inputs and outputs at the same paths.
        address: of the Ray cluster, like head:6379 or auto; by default one is started on this machine.
        cpus: processors of each worker on the Ray cluster.
        gpus: GPUs of each worker on the Ray cluster; 0.5 lets two share one.
        segment: seconds separated at once; by default what the model was made for.
        overlap: part of a segment that neighbours share, 0 to below 1; by default no more than the model needs.
        batch: segments computed at once; by default 2 on a CPU, each with half of the threads, 4 elsewhere.
        threads: threads that torch computes with on a CPU; by default as many as it takes by itself.
        tuned: use the batch, threads, engine and compilation that 'auralflow bench' found fastest for the model on this
            machine, where they are not given.
        workers: processes for many files; the cores are divided among them. On a Ray cluster the most at a time, by
            default as many as it has room for.
        overwrite: separate again what is already done.
        content_hash: know done files by a hash of their content rather than by size and time.
        hang: seconds without a sign of life after which a worker process is replaced.
        dry_run: write nothing; say what would be done and how much disk it takes.
        offline: download nothing; a model that is not on this machine is an error.
        server: address of an 'auralflow serve', like http://studio:8377, that separates instead of this machine; its
            token is taken from AURALFLOW_TOKEN.
        report: called with each `JobEvent` (library only).
        cancel: stops the job from outside (library only).
        download: hears of the download of a model (library only).

    Returns:
        A `JobReport` (what was done, skipped, failed), or a `Forecast` for a dry run.

    Raises:
        AuralflowError: the request cannot be met; nothing was written. A file that fails in a job of many is reported
            instead.

    Example:
        >>> report = separate("song.mp3", stems="vocals", mix="karaoke=-vocals")  # doctest: +SKIP
        >>> [output.path.name for output in report.done[0].outputs]  # doctest: +SKIP
        ['vocals.flac', 'karaoke.flac']
    """
    from auralflow.fetch.address import is_address
    from auralflow.pretrained.obtain import is_undescribed, prepare_model
    from auralflow.separation.build import models_of
    from auralflow.separation.config import SeparationConfig, parse_time
    from auralflow.separation.folders import Job
    from auralflow.separation.forecast import forecast
    from auralflow.storage.address import read_place

    config = SeparationConfig(
        model=model,
        stems=None if stems is None else _names(stems),
        mix=_names(mix),
        residual=residual,
        consistency=consistency,
        format=format,
        dither=dither,
        name=name,
        from_s=parse_time(from_, "from"),
        for_s=None if for_ is None else parse_time(for_, "for"),
        segment_s=segment,
        overlap=overlap,
        batch=batch,
        device=device,
        precision=precision,
        compile=compile,
        engine=None if engine == "ray" else engine,
        threads=threads,
        tuned=tuned,
    )
    cluster = _choose_cluster(engine, address, cpus, gpus)
    paths = [inputs] if isinstance(inputs, (str, Path)) else list(inputs)
    if not str(out):
        raise ConfigError("out: expected a folder, got an empty name")
    if server is not None:
        # Nothing of this is loaded where songs are separated here.
        from auralflow.fetch.service import TOKEN_VARIABLE, Service
        from auralflow.separation.remote import RemoteJob, check_remote

        given = {
            "device": device != "auto",
            "precision": precision != "exact",
            "compile": compile,
            "engine": engine,
            "segment": segment,
            "overlap": overlap is not None,
            "batch": batch,
            "threads": threads,
            "tuned": tuned,
            "workers": workers,
            "hang": hang != 900.0,
            "dry_run": dry_run,
            "offline": offline,
        }
        check_remote(given)
        service = Service(server, os.environ.get(TOKEN_VARIABLE))
        remote = RemoteJob(paths, config, Path(out), service)
        return remote.run(overwrite=overwrite, content_hash=content_hash, report=report, cancel=cancel)
    for needed in filter(is_undescribed, models_of(config)):
        prepare_model(needed, events=download, offline=offline)
    if any(is_address(str(place)) for place in (*paths, out)):
        from auralflow.separation.stored import StoredJob

        for name, is_given in (("dry_run", dry_run), ("content_hash", content_hash)):
            if is_given:
                raise ConfigError(f"{name}: needs files on this machine; leave it out for addresses")
        stored = StoredJob([read_place(str(path)) for path in paths], config, read_place(str(out)))
        for needed in models_of(config, stored.plan.stems):
            prepare_model(needed, events=download, offline=offline)
        return stored.run(
            n_workers=workers, overwrite=overwrite, hang_s=hang, cluster=cluster, report=report, cancel=cancel
        )
    job = Job(paths, config, Path(out))
    if dry_run:
        return forecast(job)
    for needed in models_of(config, job.plan.stems):
        prepare_model(needed, events=download, offline=offline)
    return job.run(
        n_workers=workers,
        overwrite=overwrite,
        content_hash=content_hash,
        hang_s=hang,
        cluster=cluster,
        report=report,
        cancel=cancel,
    )


def _choose_cluster(engine: str | None, address: str | None, cpus: int, gpus: float) -> Cluster | None:
    """What the flags say of a Ray cluster; None for this machine.

    Raises:
        ConfigError: they say something of one, and the engine is another.
        MissingExtraError: Ray is not installed.
    """
    if engine != "ray":
        for name, is_given in (("address", address is not None), ("cpus", cpus != 1), ("gpus", gpus != 0)):
            if is_given:
                raise ConfigError(f"{name}: belongs to a Ray cluster; add --engine ray, or leave --{name} out")
        return None
    from auralflow.errors import import_extra
    from auralflow.workers.ray_pool import Cluster

    import_extra("ray", "ray")
    return Cluster(address, cpus, gpus)


def plan(
    inputs: Sequence[str | Path] | str | Path,
    *,
    workers: int = 1,
    model: str = "default",
    stems: Sequence[str] | str | None = None,
    out: str | Path = "separated",
    format: str = "auto",
    price: float | None = None,
    bandwidth: float | None = None,
    spread: float = 0.05,
    loss: float = 0.0,
    device: str = "auto",
    precision: Literal["exact", "fast"] = "exact",
    offline: bool = False,
    report: Callable[[str], None] | None = None,
    cancel: CancelToken | None = None,
    download: FetchEvents | None = None,
) -> PlanReport:
    """Say how long a job would take, what it would cost and how much it would write, with 1 to 64 workers.

    The files are listed, up to 500 of them opened (20 of those at addresses), and excerpts of a few separated on this
    machine by as many workers as are asked for, or as it has cores. The job is then simulated. Nothing is written.

    Args:
        inputs: files, folders, patterns and addresses, as for 'auralflow separate'.
        workers: workers to plan for, beside 1, 2, 4, ... 64; each is taken to be as fast as one here.
        model: model, as for 'auralflow separate'.
        stems: stems to write, separated by commas; by default all.
        out: folder of the outputs, or its address.
        format: format of the outputs.
        price: of a worker for an hour, in any currency.
        bandwidth: megabytes a second that the store of inputs and outputs gives to all workers together; by default
            no limit.
        spread: how much times differ between like files, as a share.
        loss: share of the files whose worker is lost while it is at them.
        device: auto, cpu, cuda, cuda:1, mps or xpu.
        precision: 'exact' or 'fast', as for 'auralflow separate'.
        offline: download nothing; a model that is not on this machine is an error.
        report: hears what is measured (library only).
        cancel: stops it from outside (library only).
        download: hears of the download of a model (library only).

    Returns:
        A `PlanReport`: files, sound and output in all, the pace of a worker, and a row for each number of workers.

    Raises:
        AuralflowError: there are no files, none is usable, or a number cannot be.

    Example:
        >>> found = plan("album", workers=2, price=0.4)  # doctest: +SKIP
        >>> [(row.n_workers, round(row.seconds)) for row in found.rows][:2]  # doctest: +SKIP
        [(1, 412), (2, 208)]
    """
    from auralflow.planning.run import PlanSettings, make_plan
    from auralflow.planning.simulate import World
    from auralflow.pretrained.obtain import prepare_model
    from auralflow.separation.build import models_of
    from auralflow.separation.config import SeparationConfig
    from auralflow.storage.address import read_place

    world = World(spread, loss, float("inf") if bandwidth is None else bandwidth * 1e6)
    settings = PlanSettings(workers, price, world)
    names = None if stems is None else _names(stems)
    config = SeparationConfig(model=model, stems=names, format=format, device=device, precision=precision)
    for needed in models_of(config):
        prepare_model(needed, events=download, offline=offline)
    paths = [inputs] if isinstance(inputs, (str, Path)) else list(inputs)
    places = [read_place(str(path)) for path in paths]
    return make_plan(places, config, read_place(str(out)), settings, report, cancel)


def configure(
    run: str | Path,
    *,
    model: str | None = None,
    from_: str | None = None,
    stems: Sequence[str] | str | None = None,
    overrides: Sequence[str] = (),
) -> ConfigReport:
    """Begin a training run: write its two config files.

    `model.yaml` says what is trained, `train.yaml` how; both are there to be edited. Any of their keys can be set here
    by a flag with its dotted name: --config.n_hidden 128, --optimizer.learning_rate 1e-4, --trainer.max_epochs 50.

    Args:
        run: folder to make; when the run is done it is the model.
        model: an architecture (see 'auralflow models --architectures'), or a .py file that defines one.
        from_: instead, the folder of a trained model to fine-tune; with other stems its head begins anew.
        stems: stems to train, separated by commas; by default those of the architecture.
        overrides: keys to set, as 'optimizer.learning_rate=1e-4'.

    Returns:
        A `ConfigReport` with the paths of both files.

    Raises:
        ConfigError: the folder is a run already, or a key or value that cannot be.

    Example:
        >>> configure("my_model", model="spectrogram_net_lstm", stems="vocals,other")  # doctest: +SKIP
    """
    from auralflow.training.configure import ConfigReport, read_overrides, write_run
    from auralflow.training.folder import RunFolder

    folder = RunFolder(Path(run))
    names = None if stems is None else _names(stems)
    write_run(folder, model=model, source=from_, stems=names, overrides=read_overrides(overrides))
    return ConfigReport(folder.path, folder.model_yaml, folder.train_yaml)


def train(
    run: str | Path,
    data: Sequence[str | Path] | str | Path = (),
    *,
    resume: bool = False,
    from_: str | None = None,
    device: str = "auto",
    devices: int = 1,
    nodes: int = 1,
    overrides: Sequence[str] = (),
    report: TrainEvents | None = None,
    cancel: CancelToken | None = None,
) -> TrainReport:
    """Train a model on folders of stems.

    The best weights so far are in the run's folder from the first epoch on: 'auralflow separate --model RUN' uses them.
    Ctrl-C saves and stops; --resume goes on, with exactly the result of a run that was never stopped. Any key of the
    config can be changed by a flag with its dotted name, such as --optimizer.learning_rate 1e-4.

    Args:
        run: folder that 'auralflow config' made.
        data: folders of songs (MUSDB layout, stem files, one folder per stem) or manifests; by default those in the
            config.
        resume: go on from the last checkpoint, in the middle of an epoch too.
        from_: begin with the weights of this trained model, of the same architecture; for other stems or all of its
            config, give it to 'auralflow config' instead.
        device: auto, cpu, cuda, cuda:1 or mps.
        devices: how many of them, each a process of its own; -1 for all.
        nodes: machines that train together, under torchrun or Slurm.
        overrides: keys to change, as 'optimizer.learning_rate=1e-4'.
        report: hears what the run tells on its way (library only).
        cancel: stops the run from outside, after a checkpoint (library only).

    Returns:
        A `TrainReport`.

    Raises:
        AuralflowError: the data or a setting cannot be; the loss is no number; a checkpoint cannot be written or read.

    Example:
        >>> train("my_model", "musdb18hq", overrides=["trainer.max_epochs=10"])  # doctest: +SKIP
    """
    from auralflow.errors import import_extra

    import_extra("lightning", "train")
    from auralflow.training.configure import read_overrides
    from auralflow.training.folder import RunFolder
    from auralflow.training.run import train_run

    # A folder is made absolute, so that the run can be resumed from anywhere; a name stays a name.
    begin = from_ if from_ is None or not Path(from_).exists() else str(Path(from_).absolute())
    source = {} if begin is None else {"fine_tune.source": begin}
    return train_run(
        RunFolder(Path(run)),
        [data] if isinstance(data, (str, Path)) else list(data),
        resume=resume,
        device=device,
        n_devices=devices,
        n_nodes=nodes,
        overrides=source | read_overrides(overrides),
        events=report,
        cancel=cancel,
    )


def test(
    system: str,
    data: str | Path,
    *,
    split: Literal["train", "valid", "test", "all"] = "test",
    stems: Sequence[str] | str | None = None,
    metrics: Sequence[str] | str | None = None,
    mixture: Literal["published", "sum"] = "published",
    channels: Literal["all", "mono"] = "all",
    out: str | Path | None = None,
    frames: bool = False,
    plain: bool = False,
    songs: int | None = None,
    layout: str = "auto",
    device: str = "auto",
    precision: Literal["exact", "fast"] = "exact",
    segment: float | None = None,
    overlap: float | None = None,
    batch: int | None = None,
    workers: int | None = None,
    overwrite: bool = False,
    offline: bool = False,
    report: EvaluationEvents | None = None,
    cancel: CancelToken | None = None,
    download: FetchEvents | None = None,
) -> Report:
    """Score a model, a baseline or a folder of estimates on songs whose stems are known.

    Writes scores.json, scores.csv and report.html, a page of its own with pictures and sounds. Songs that an earlier
    run scored in the same way are not scored again. Exit code 1 when songs could not be scored.

    Args:
        system: a model (as for 'separate'), a baseline (mixture, oracle_irm, oracle_ibm, oracle_wiener), or a folder
            of estimates: SONG/STEM.wav, songs called as in the data.
        data: folder of songs in stems, or a manifest.
        split: songs to score: train, valid, test or all; data without splits is scored whole.
        stems: stems to score, separated by commas; by default all that the system gives.
        metrics: metrics, separated by commas; by default every one but bss_eval_v3 and windowed_sdr.
        mixture: what is separated: the data's own mixture where there is one (published), or the sum of the stems.
        channels: 'mono' averages targets and estimates over channels before they are scored.
        out: folder for the results; by default evaluation/ and the name of the system.
        frames: also write frames.csv, and frames into scores.json.
        plain: write no report.html, which needs 'auralflow[plots]'.
        songs: score no more songs than this.
        layout: musdb_hq, musdb_stems, manifest, pack, a .py file that defines one, or auto to find out.
        device: auto, cpu, cuda, cuda:1, mps or xpu.
        precision: 'exact' computes in 32 bits, 'fast' in 16 where that is safe.
        segment: seconds separated at once; by default what the model was made for.
        overlap: part of a segment that neighbours share, 0 to below 1; by default no more than the model needs.
        batch: segments computed at once; by default 2 on a CPU, each with half of the threads, 4 elsewhere.
        workers: processes that score songs; the cores are divided among them. By default none but this one.
        overwrite: score again what is already scored.
        offline: download nothing; a model that is not on this machine is an error.
        report: hears what happens on the way (library only).
        cancel: stops the evaluation from outside (library only).
        download: hears of the download of a model (library only).

    Returns:
        A `Report`: scores by song and stem, averages with intervals, and the protocol they were made with.

    Raises:
        AuralflowError: the request cannot be met, or no song could be scored.

    Example:
        >>> found = test("my_model", "musdb18hq")  # doctest: +SKIP
        >>> found.summaries["sdr"].stems["vocals"].interval.value  # doctest: +SKIP
        6.02
    """
    from auralflow.errors import import_extra
    from auralflow.evaluation.config import DEFAULT_METRICS, EvaluationConfig
    from auralflow.evaluation.plan import default_out
    from auralflow.evaluation.publish import publish
    from auralflow.evaluation.run import evaluate
    from auralflow.pretrained.obtain import prepare_model
    from auralflow.separation.build import models_of

    if out is not None and not str(out):
        raise ConfigError("out: expected a folder, got an empty name")
    if not plain:
        import_extra("matplotlib", "plots")
    config = EvaluationConfig(
        system=str(system),
        data=str(data),
        layout=layout,
        split=split,
        stems=None if stems is None else _names(stems),
        metrics=DEFAULT_METRICS if metrics is None else _names(metrics),
        mixture=mixture,
        channels=channels,
        max_songs=songs,
        segment_s=segment,
        overlap=overlap,
        batch=batch,
        device=device,
        precision=precision,
    )
    for needed in models_of(config.separation):
        prepare_model(needed, events=download, offline=offline)
    found = evaluate(
        config,
        default_out(config) if out is None else Path(out),
        n_workers=workers,
        overwrite=overwrite,
        with_excerpts=not plain,
        events=report,
        cancel=cancel,
    )
    return publish(found, with_frames=frames, with_page=not plain)


def compare(a: str | Path, b: str | Path, *, score: str = "sdr", alpha: float = 0.05) -> ScoreComparison:
    """Find out whether one system beats another, from the results of two runs of 'auralflow test'.

    Songs are compared in pairs, stem by stem and overall, with a sign-flip test. The answer may be 'no difference
    shown', which does not mean that there is none. Scores of different protocols are not compared.

    Args:
        a: folder of results, or its scores.json.
        b: the other one.
        score: which number to compare, a column of scores.csv: sdr, si_sdr, v4_sdr, ...
        alpha: how often a difference may be shown where there is none.

    Returns:
        A `ScoreComparison`.

    Raises:
        ConfigError: the two cannot be compared; it says why.

    Example:
        >>> compare("evaluation/mine", "evaluation/theirs").result.overall.verdict  # doctest: +SKIP
        'A better'
    """
    from auralflow.evaluation.compare import compare_scores

    return compare_scores(Path(a), Path(b), score, alpha)


def plot(
    inputs: Sequence[str | Path] | str | Path,
    *,
    target: str | Path | None = None,
    out: str | Path = "pictures",
    scale: Literal["log", "mel"] = "log",
    from_: str | float = 0.0,
    for_: str | float | None = None,
    score: str | None = None,
    svg: bool = False,
) -> PlotReport:
    """Draw sounds, an estimate beside its target, scores by stem, or learning curves.

    A sound file gives its waveform and its spectrogram, a folder of sounds a picture with a row for each. What
    'auralflow test' has written gives the scores of each stem, a training run its learning curves. Needs
    'auralflow[plots]'. Exit code 1 when an input could not be drawn.

    Args:
        inputs: sound files, folders of sounds, results of 'auralflow test', training runs.
        target: the true sound, or a folder with true sounds of the same names: drawn beside each input, with the
            difference and the SDR.
        out: a file that ends in .png or .svg, or a folder for several pictures.
        scale: frequency axis: 'log' gives every octave the same height, 'mel' the heights that ears give.
        from_: where to start, like 90, 1:30 or 30s.
        for_: how much to draw, like 30s; by default all.
        score: which scores to draw of an evaluation, a column of scores.csv; by default its first.
        svg: write SVG rather than PNG into a folder.

    Returns:
        A `PlotReport`: the pictures, and what could not be drawn.

    Raises:
        MissingExtraError: matplotlib is not installed (extra `plots`).
        AuralflowError: the request cannot be met, or the only input cannot be drawn.

    Example:
        >>> plot("vocals.wav", target="true_vocals.wav", out="vocals.png").done[0].kind  # doctest: +SKIP
        'comparison'
    """
    from auralflow.errors import import_extra

    import_extra("matplotlib", "plots")
    from auralflow.pictures.run import PlotRequest, draw_pictures
    from auralflow.pictures.sounds import View
    from auralflow.separation.config import parse_time

    if not str(out):
        raise ConfigError("out: expected a file or a folder, got an empty name")
    for_s = None if for_ is None else parse_time(for_, "for")
    if for_s is not None and for_s <= 0:
        raise ConfigError(f"for: expected more than 0 seconds, got {for_s:g}")
    request = PlotRequest(
        tuple(map(Path, [inputs] if isinstance(inputs, (str, Path)) else inputs)),
        None if target is None else Path(target),
        Path(out),
        View(scale, parse_time(from_, "from"), for_s),
        score,
        svg,
    )
    return draw_pictures(request)


def trust(bundle: str | Path) -> str:
    """Let the code that comes with a model run on this machine.

    A model that was trained from a file of its author's own brings that file along. It is never imported before this
    command has named it. Read the file first: it can do whatever you can.

    Args:
        bundle: folder of the model.

    Returns:
        The SHA-256 of the code, which is what is trusted from now on.

    Raises:
        CheckpointError: the folder is no model, or brings no code.

    Example:
        >>> trust("their_model")  # doctest: +SKIP
    """
    from auralflow.pretrained.bundle import trust_bundle

    return trust_bundle(Path(bundle))


def check_data(folder: str | Path, *, layout: str = "auto", workers: int | None = None) -> DataReport:
    """Examine a folder of stems before a model is trained on it.

    Looks for stems that are missing, unreadable, silent, clipped, offset or of another rate, length or channel count
    than their neighbours, for mixtures that are not the sum of their stems, and for songs that stand twice, above all
    in two splits. Exit code 1 when there is an error.

    Args:
        folder: folder of songs or of sounds, or a manifest.
        layout: musdb_hq, musdb_stems, stem_folders, manifest, pack, a .py file that defines one, or auto to find out.
        workers: songs examined at once; by default one for each core.

    Returns:
        A `DataReport` with every finding.

    Raises:
        AuralflowError: there is nothing that could be examined.

    Example:
        >>> check_data("musdb18hq").findings  # doctest: +SKIP
    """
    from auralflow.data.check import check_dataset
    from auralflow.data.open import find_root, open_dataset

    return check_dataset(open_dataset(find_root(folder), layout), n_workers=workers)


def pack_data(
    folder: str | Path,
    out: str | Path,
    *,
    format: Literal["flac", "wav"] = "flac",
    piece: float = 5.0,
    shard: int = 512,
    layout: str = "auto",
    workers: int | None = None,
    report: Callable[[int, int], None] | None = None,
    cancel: CancelToken | None = None,
) -> PackReport:
    """Pack a folder of stems into a few large files, from which training reads over a network as well as from a disk.

    The pack holds all tracks, splits and samples of the folder, bit for bit. Its files are shards as WebDataset knows
    them. 'auralflow train' takes the pack in place of the folder. What is there already, and made from the same files,
    is kept. Exit code 1 when tracks had to be left out.

    Args:
        folder: folder of songs or of sounds, or a manifest.
        out: folder for the pack, or an address like s3://bucket/pack (needs 'auralflow[remote]').
        format: 'flac' takes half of the room, 'wav' is read faster; what FLAC cannot hold, like the floats of lossy
            files, is WAV in any case.
        piece: seconds of a piece, the least that is read at once.
        shard: size of a shard in MB, about, before compression.
        layout: musdb_hq, musdb_stems, stem_folders, manifest, pack, a .py file that defines one, or auto to find out.
        workers: shards written at once; by default one for each core.
        report: hears how many tracks are done, and how many there are (library only).
        cancel: stops the packing from outside; what is complete is kept (library only).

    Returns:
        A `PackReport`.

    Raises:
        AuralflowError: there is nothing to pack, or it cannot be written.

    Example:
        >>> pack_data("musdb18hq", "s3://my-bucket/musdb18hq").n_tracks  # doctest: +SKIP
        150
    """
    from auralflow.data.open import find_root, open_dataset
    from auralflow.data.packs.target import Target
    from auralflow.data.packs.write import PackSettings, write_pack

    if not str(out):
        raise ConfigError("out: expected a folder, got an empty name")
    settings = PackSettings(piece, shard, format)
    target = Target(find_root(out))

    def tell(n_done: int, n_tracks: int) -> None:
        if cancel is not None:
            cancel.check()
        if report is not None:
            report(n_done, n_tracks)

    dataset = open_dataset(find_root(folder), layout)
    with target.held():
        return write_pack(dataset, target, settings, n_workers=workers, report=tell)


def synth_data(
    out: str | Path,
    *,
    songs: int = 20,
    duration: float = 30.0,
    rate: int = 44100,
    seed: int = 0,
    workers: int | None = None,
) -> SynthReport:
    """Make songs to try things on: rendered, in four stems that sum to the mixture.

    Drum kit, bass line, chords and a singing voice, in many tempos, keys, styles and timbres, divided into train, valid
    and test. A song depends on the seed and its number only. What is there already is kept.

    Args:
        out: folder for the songs.
        songs: how many.
        duration: seconds of each.
        rate: samples per second.
        seed: other seeds give other songs.
        workers: processes that render; by default one for each core.

    Returns:
        A `SynthReport`.

    Raises:
        ConfigError: a number that cannot be.
        OutputError: the folder cannot be written.

    Example:
        >>> synth_data("songs", songs=3, duration=5.0)  # doctest: +SKIP
    """
    from auralflow.data.synth_dataset import write_songs

    return write_songs(Path(out), songs, seed=seed, duration_s=duration, sample_rate=rate, n_workers=workers)


def export(
    model: str,
    *,
    to: Literal["onnx", "torch"] = "onnx",
    out: str | Path | None = None,
    segment: float | None = None,
) -> ExportReport:
    """Write a model as one file for other programs.

    The file takes a mixture of one length and gives its stems; Fourier transforms, normalisation and everything else of
    the model is inside. It is compared with the model on noise and on a song before it gets its name, and refused when
    they differ by more than 1e-4. 'auralflow separate --engine onnx --model FILE' separates any song with it.

    Args:
        model: name of a model, folder of a model bundle, or whatever else 'auralflow separate' takes.
        to: 'onnx' writes a graph in real 32-bit numbers for ONNX Runtime and others, 'torch' a .pt2 file for PyTorch.
        out: the file; by default the model's name in the current folder.
        segment: seconds of the mixture that the file takes; by default what the model was made for.

    Returns:
        An `ExportReport`: the file, its size, and how far it is from the model.

    Raises:
        ConfigError: the model does something that cannot be exported; the message names it.
        AuralflowError: there is no such model, or the file cannot be written.

    Example:
        >>> export("my_model", segment=6.0).parity  # doctest: +SKIP
        {'noise': 4.1e-07, 'a song': 3.5e-07}
    """
    from auralflow.export.export import SUFFIXES, export_model
    from auralflow.pretrained.load import describe_model
    from auralflow.pretrained.load import load_model as load

    name = describe_model(model).name
    path = Path(f"{Path(name).name}{SUFFIXES[to]}") if out is None else Path(out)
    return export_model(load(model), name, path, to=to, segment_s=segment)


def load_model(name: str = "default", *, offline: bool = False, download: FetchEvents | None = None) -> nn.Module:
    """A model by name, folder, file or address: see `auralflow.pretrained.load.load_model`."""
    from auralflow.pretrained.load import load_model as load

    return load(name, events=download, offline=offline)


def download(model: str, *, again: bool = False, report: FetchEvents | None = None) -> Downloaded:
    """Download a model, so that it can be used without a network.

    Weights of another package are converted. Both are done once; what is there already is left alone. A download that
    was cut off goes on where it was.

    Args:
        model: name of a model (see 'auralflow models'), an https:// address of weights, hf:OWNER/NAME, or a file or
            folder of weights of another package.
        again: download and convert anew what is there already.
        report: hears what happens on the way (library only).

    Returns:
        A `Downloaded`: where the model is, what it gives, and its licence.

    Raises:
        UnknownNameError: there is no such model.
        DownloadError: no network, another file than expected, or a folder that cannot be written.
        CheckpointError: what came is no model that is known here.

    Example:
        >>> download("classic").folder is None  # needs no weights
        True
    """
    from auralflow.pretrained.downloaded import download_model

    return download_model(model, again=again, events=report)


def push(
    bundle: str | Path,
    repository: str,
    *,
    licence: str = "not stated",
    datasets: Sequence[str] | str = (),
    private: bool = False,
) -> str:
    """Put a trained model on the Hugging Face Hub, with a page that says what it is.

    Others then use it with --model hf:OWNER/NAME. Log in first, with 'hf auth login' or the variable HF_TOKEN. The page
    is README.md in the folder of the model; one that is there is kept.

    Args:
        bundle: folder of the model.
        repository: OWNER/NAME on the hub, made if it is not there.
        licence: licence of the weights, as the hub writes it: mit, cc-by-nc-4.0, ...
        datasets: what it was trained on, as the hub names data sets, separated by commas.
        private: make a repository that only you can see.

    Returns:
        The address of the repository.

    Raises:
        CheckpointError: the folder is no trained model.
        DownloadError: the hub refuses it or cannot be reached.
        MissingExtraError: the package huggingface_hub is not installed.

    Example:
        >>> push("my_model", "somebody/voices", licence="mit")  # doctest: +SKIP
    """
    from auralflow.pretrained.hub import push_to_hub

    return push_to_hub(Path(bundle), repository, licence=licence, datasets=_names(datasets), private=private)


def bench(
    model: str = "default",
    *,
    seconds: float = 30.0,
    repeat: int = 3,
    device: str = "auto",
    settings: Sequence[str] | str | None = None,
    limit: float = 300.0,
    offline: bool = False,
    report: Callable[[BenchEvent], None] | None = None,
    download: FetchEvents | None = None,
) -> BenchReport:
    """Measure how fast a model runs on this machine, and in which setting.

    A made-up sound goes through the model in each setting, every time in a process of its own, the settings one after
    the other and then all once more. The table has speed, memory, and how far the output is from that of plain PyTorch.
    What is recommended is kept, and 'auralflow separate --tuned' uses it.

    Args:
        model: name of a model, folder of a model bundle, or whatever else 'auralflow separate' takes, but for plans.
        seconds: length of the sound; more where that is less than three segments of the model.
        repeat: how often each setting is measured; medians are shown.
        device: auto, cpu, cuda, cuda:1, mps or xpu.
        settings: settings to measure, separated by commas; by default all. 'plain' and 'default' always are.
        limit: seconds after which a setting that first compiles or exports the model is given up.
        offline: download nothing; a model that is not on this machine is an error.
        report: hears of each process (library only).
        download: hears of the download of a model (library only).

    Returns:
        A `BenchReport`: a row for each setting, and what is recommended.

    Raises:
        AuralflowError: there is no such model, setting or device, or the model does not run.

    Example:
        >>> bench("my_model", settings="batch-2").exact.name  # doctest: +SKIP
        'batch-2'
    """
    from auralflow.bench.run import run_bench
    from auralflow.pretrained.obtain import prepare_model
    from auralflow.separation.plan.config import is_plan

    if not is_plan(model):
        prepare_model(model, events=download, offline=offline)
    names = None if settings is None else _names(settings)
    return run_bench(model, seconds=seconds, n_repeats=repeat, device=device, names=names, limit_s=limit, report=report)


def list_models(
    *, stems: Sequence[str] | str | None = None, commercial: bool = False, architectures: bool = False
) -> tuple[ModelEntry, ...] | tuple[str, ...]:
    """List the ready-to-use models, and those trained in the current folder.

    Args:
        stems: only models that give all of these stems, separated by commas.
        commercial: only models whose licence permits commercial use.
        architectures: list the names of the architectures instead: the code that models are made of.

    Returns:
        A `ModelEntry` for each model, or the names of the architectures.

    Raises:
        UnknownNameError: no model gives such a stem.
        ConfigError: architectures are asked for by stem or licence, which only models have.

    Example:
        >>> "spectrogram_net_simple" in list_models(architectures=True)
        True
    """
    if architectures:
        from auralflow.models import models

        if stems is not None or commercial:
            raise ConfigError("architectures: have no stems and no licence of their own; leave the other filters out")
        return tuple(models.names())
    from auralflow.pretrained.catalogue import list_entries

    return list_entries(() if stems is None else _names(stems), commercial, Path())


def doctor() -> Health:
    """Examine this installation.

    Writes and reads half a second of sound in every format, separates one second with the default model, and looks at
    versions, devices, disk space and optional packages. Files are written to a temporary folder only.

    Returns:
        A `Health`, whose `problems` are what keeps auralflow from working here.

    Example:
        >>> doctor().problems  # doctest: +SKIP
        ()
    """
    from auralflow.doctor import examine

    return examine()


def _names(value: Sequence[str] | str) -> tuple[str, ...]:
    """Names from a list, or from text with commas; 'none' is no name."""
    if not isinstance(value, str):
        return tuple(value)
    return () if value.strip() == "none" else tuple(part.strip() for part in value.split(",") if part.strip())
