"""Bundles on the Hugging Face Hub: sent there with a page that says what they are.

A repository holds what the folder of a bundle holds, and `README.md`. `load_model("hf:owner/name")` opens it anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import yaml

from auralflow.errors import CheckpointError, OutputError
from auralflow.fetch.hub import send_folder
from auralflow.pretrained.bundle import WEIGHTS, BundleDescription, check_trained, read_description
from auralflow.pretrained.card import NOT_STATED
from auralflow.pretrained.names import DESCRIPTION

PAGE = "README.md"
_HOME = "auralflow"


def push_to_hub(
    folder: Path,
    repository: str,
    *,
    licence: str = NOT_STATED,
    datasets: tuple[str, ...] = (),
    token: str | None = None,
    private: bool = False,
) -> str:
    """Send a bundle to a repository of the hub, which is made if it is not there; gives its address.

    A `README.md` in the folder is sent as it is; without one, it is written there first.

    Args:
        folder: a trained bundle.
        repository: `owner/name`.
        licence: of the weights, as the hub writes it, such as `mit` or `cc-by-nc-4.0`.
        datasets: what it was trained on, as the hub names data sets.
        token: of an account that may write there; by default the one that `hf auth login` has stored.
        private: make a repository that only its owner sees.

    Raises:
        CheckpointError: the folder is no trained bundle.
        DownloadError: the hub refuses it, or cannot be reached.
        OutputError: the page cannot be written.
        MissingExtraError: `huggingface_hub` is not installed.
    """
    description = read_description(folder)
    check_trained(folder, description)
    files = [DESCRIPTION, WEIGHTS, *([f"{description.architecture}.py"] if description.code_sha256 else [])]
    for name in files:
        if not (folder / name).is_file():
            raise CheckpointError(f"{folder / name}: missing; a bundle is not whole without it")
    page = folder / PAGE
    if not page.is_file():
        _write(page, write_page(description, repository, licence, datasets))
    message = f"Add a model of {_HOME}: {description.architecture}"
    return send_folder(folder, repository, [PAGE, *files], message=message, token=token, private=private)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}; copy the bundle elsewhere") from None


def write_page(
    description: BundleDescription, repository: str, licence: str = NOT_STATED, datasets: tuple[str, ...] = ()
) -> str:
    """The text of a model's page: a header that the hub reads, and what a reader wants to know."""
    header = yaml.safe_dump(_write_header(description, licence, datasets), sort_keys=False, allow_unicode=True)
    return f"---\n{header}---\n\n{chr(10).join(_write_body(description, repository, licence))}\n"


def _write_header(description: BundleDescription, licence: str, datasets: tuple[str, ...]) -> dict[str, object]:
    """What the hub sorts models by; a licence that it has no sign for is called `other`."""
    is_known = re.fullmatch(r"[a-z0-9]+([.-][a-z0-9]+)*", licence) is not None
    named = {"license": licence} if is_known else {"license": "other", "license_name": licence.replace(" ", "-")}
    tags = ["audio", "music-source-separation", description.architecture, *description.spec.stems]
    known = {"datasets": list(datasets)} if datasets else {}
    return {"library_name": _HOME, **named, "tags": tags, "pipeline_tag": "audio-to-audio", **known}


def _write_body(description: BundleDescription, repository: str, licence: str) -> Iterator[str]:
    spec = description.spec
    yield f"# {repository.partition('/')[2]}"
    yield f"\nSplits music into {', '.join(spec.stems)}. A model of {_HOME}, architecture `{description.architecture}`."
    yield f"\n- Takes and gives: {spec.sample_rate} Hz, channels: {spec.channels}; segments of {spec.segment_s:.3g} s"
    yield f"- Licence of the weights: {licence}"
    yield f"- SHA-256 of the weights: `{description.weights_sha256}`"
    if description.code_sha256:
        yield f"- Brings its own code, `{description.architecture}.py`: read it, then `auralflow trust` its folder"
    yield "\n```bash"
    yield f"pip install '{_HOME}[hub]'"
    yield f"auralflow separate song.m4a --model hf:{repository}"
    yield "```"
    yield f"\n```python\nfrom {_HOME} import load_model\n\nmodel = load_model('hf:{repository}')\n```"
