"""Put the page together: averages, distributions, songs, and the best and worst of them to see and hear."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template

from auralflow.errors import import_extra
from auralflow.evaluation.page import tables
from auralflow.evaluation.page.charts import show_distributions
from auralflow.evaluation.page.ends import show_ends
from auralflow.evaluation.report import Report
from auralflow.evaluation.write import replace_file

MAX_BYTES = 30 * 2**20
"""Of a page; songs that would make it larger are left out, and named."""
_ENDS = "Best and worst songs"


def write_page(report: Report, path: Path, excerpts: Mapping[str, Path]) -> None:
    """Write the page.

    Args:
        excerpts: where the excerpts of songs are.

    Raises:
        MissingExtraError: matplotlib is not installed (extra `plots`).
        OutputError: the page cannot be written.
    """
    import_extra("matplotlib", "plots")
    sections = {
        "Averages": tables.averages(report),
        "Distributions": show_distributions(report),
        "What was counted": tables.counts(report),
        _ENDS: "-",
        "All songs": tables.songs(report),
        "Not scored": tables.failures(report),
    }
    room = MAX_BYTES - len(_fill(report, sections))
    replace_file(path, _fill(report, sections | {_ENDS: show_ends(report, excerpts, room)}))


def _fill(report: Report, sections: Mapping[str, str]) -> bytes:
    title = escape(f"{report.system.name} on {Path(report.data).name}")
    shown = {name.lower().replace(" ", "-"): (name, content) for name, content in sections.items() if content}
    links = "".join(f'<a href="#{place}">{name}</a>' for place, (name, _) in shown.items())
    body = "\n".join(f'<h2 id="{place}">{name}</h2>\n{content}' for place, (name, content) in shown.items())
    top = f"{tables.protocol(report)}\n<nav>{links}</nav>"
    folder = files("auralflow.evaluation.page")
    template = Template(folder.joinpath("template.html").read_text(encoding="utf-8"))
    style = folder.joinpath("style.css").read_text(encoding="utf-8")
    return template.substitute(title=title, style=style, body=f"{top}\n{body}").encode(errors="backslashreplace")
