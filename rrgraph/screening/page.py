"""The summary of a screening as one self-contained HTML page, with its figures as files beside it."""

from __future__ import annotations

import warnings

from rrgraph.errors import ConfigError, DataWarning
from rrgraph.screening.drawing import FIGURES
from rrgraph.screening.summary import Summary
from rrgraph.util.figure_style import save, svg_text
from rrgraph.util.files import write_text
from rrgraph.util.pages import inline_svg, page_template
from rrgraph.version import __version__

__all__ = ["CAPTIONS", "write_page"]

CAPTIONS = {
    "elements": "Below each symbol the number of targets that contain the element.",
    "anion_classes": "The chemical family of a target, by the non-metals that it contains; borides, silicides and "
    "germanides count as carbides.",
    "distances": "Elements by which the system of a target differs from the nearest system of the training reactions: "
    "0 for a known system, 2 where one element takes the place of another.",
    "probabilities": "The chance that the best set is the one reported in the literature.",
}


def write_page(summary: Summary) -> None:
    """Write ``summary.html`` and the figures; without matplotlib or Jinja2 warn that they are missing."""
    try:
        template = page_template("rrgraph.screening", "summary.html")
        drawn = {name: draw(summary) for name, (_, draw) in FIGURES.items()} if summary.total.targets else {}
    except ConfigError as error:
        warnings.warn(f"There is no page: {error} The same command with --resume writes it.", DataWarning, stacklevel=2)
        return
    figures = []
    for name, figure in drawn.items():
        save(figure, summary.folder / "figures", name)
        title = FIGURES[name][0]
        figures.append((name, title, inline_svg(svg_text(figure), name, title), CAPTIONS[name]))
    rejects = sorted(summary.rejects.items(), key=lambda each: (-each[1], each[0]))
    page = template.render(
        name=summary.folder.resolve().name,
        summary=summary,
        figures=figures,
        rejects=rejects[:10],
        more=len(rejects) - 10,
        version=__version__,
    )
    write_text(summary.folder / "summary.html", page)
