"""Pages of the site that lie outside `docs/`: notebooks, CONTRIBUTING.md and CHANGELOG.md, with their links adapted.

Notebooks are `notebooks/*.ipynb`, or executed copies in the folder that RRGRAPH_NOTEBOOKS names.
"""

from __future__ import annotations

import importlib
import logging
import os
import re
from collections.abc import Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.plugins import event_priority
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

__all__ = ["on_files", "on_page_content", "on_page_markdown"]

logger = logging.getLogger("mkdocs.hooks.rrgraph")

_ROOT = Path(__file__).parents[1]
_PANDAS_TABLE = '<table border="1" class="dataframe">'


@event_priority(100)
def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that lie elsewhere."""
    for name in ("CONTRIBUTING.md", "CHANGELOG.md"):
        text = (_ROOT / name).read_text(encoding="utf-8").replace("](docs/", "](")
        files.append(File.generated(config, name.lower(), content=text))
    for notebook in sorted(Path(os.environ.get("RRGRAPH_NOTEBOOKS", _ROOT / "notebooks")).glob("*.ipynb")):
        for file in _notebook_files(notebook, config):
            files.append(file)
    return files


def on_page_markdown(markdown: str, **_: object) -> str:
    """Point links to notebooks at their pages."""
    return re.sub(r"\]\(\.\./(notebooks/\w+)\.ipynb\)", r"](\1.md)", markdown)


def on_page_content(html: str, page: Page, **_: object) -> str:
    """Warn, which ends a strict build, of public names of a package that its page does not show.

    A function that is called like its module needs a line of its own there: `::: rrgraph.chem.balance.balance`.
    """
    folder, _, package = page.file.src_uri.removesuffix(".md").rpartition("/")
    if folder == "api" and (_ROOT / "rrgraph" / package / "__init__.py").is_file():
        for name in getattr(importlib.import_module(f"rrgraph.{package}"), "__all__", ()):
            if not any(f'id="rrgraph.{package}.{path}"' in html for path in (name, f"{name}.{name}")):
                logger.warning(
                    "%s does not show %s of rrgraph.%s; has it a docstring?", page.file.src_uri, name, package
                )
    return html


def _notebook_files(notebook: Path, config: MkDocsConfig) -> Iterator[File]:
    """Yield the page of a notebook, its figures if it was executed, and the notebook itself, without outputs."""
    from nbconvert import MarkdownExporter

    text, resources = MarkdownExporter().from_filename(str(notebook))
    text = re.sub(r"\]\((\w+)\.ipynb\)", r"](\1.md)", text.replace("](../docs/", "](../"))
    note = f"*This page is the notebook [`{notebook.name}`]({notebook.name}): download it and run it.*\n\n"
    heading, _, rest = text.lstrip().partition("\n")
    text = "\n".join([heading, "", note + rest.lstrip()])
    # Tables of pandas bring their own look; without it they get that of the site.
    text = re.sub(r"<style scoped>.*?</style>\n", "", text, flags=re.DOTALL).replace(_PANDAS_TABLE, "<table>")
    for name, content in resources["outputs"].items():
        text = text.replace(f"]({name})", f"]({notebook.stem}_{name})")
        yield File.generated(config, f"notebooks/{notebook.stem}_{name}", content=content)
    yield File.generated(config, f"notebooks/{notebook.stem}.md", content=text)
    yield File.generated(config, f"notebooks/{notebook.name}", abs_src_path=str(_ROOT / "notebooks" / notebook.name))
