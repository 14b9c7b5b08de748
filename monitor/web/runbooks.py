"""`/runbooks/` and `/runbooks/{name}`: what to do about each alert, from the Markdown files of `docs/runbooks`.

They are part of the product, so that whoever is woken reads the ones of the version that woke him, also while the rest
of the internet is out of reach.
"""

import asyncio
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

INDEX = "README"
_MONITOR = Path(__file__).resolve().parent.parent
# In an installed wheel the documentation is in the package, in a checkout beside it.
_FOLDERS = (_MONITOR / "shipped_docs" / "runbooks", _MONITOR.parent / "docs" / "runbooks")
# What the text writes as code and this daemon answers, e.g. `/components/api`.
_DAEMONS_PAGE = re.compile(r"/(?:(?:components|reports)/[\w.-]+|readyz|metrics|)")
_RUNBOOK = re.compile(r"(?P<name>\w+)\.md(?P<part>#.*)?")


def add_runbooks(app: web.Application) -> None:
    for path in ("/runbooks", "/runbooks/", "/runbooks/{name}"):
        app.router.add_get(path, _runbook)


async def _runbook(request: web.Request) -> web.Response:
    # In a thread, because files are read and the Markdown parser is imported, which would keep the checks waiting. It
    # takes some 30 ms once, and whoever is paged reads a page or two.
    text = await asyncio.to_thread(_found_page, request.match_info.get("name", INDEX))
    if text is None:
        raise web.HTTPNotFound(text="There is no such runbook; /runbooks/ lists them.\n")
    return web.Response(text=text, content_type="text/html")


def _found_page(name: str) -> str | None:
    return _page(name) if name in runbook_files() else None  # of what there is not nothing is kept


@cache
def runbook_files() -> Mapping[str, Path]:
    """Of every alert by its name, and the index; looked for once. Raises `FileNotFoundError` where there are none."""
    folder = next((folder for folder in _FOLDERS if folder.is_dir()), None)
    if folder is None:
        raise FileNotFoundError(f"the runbooks are not in {_FOLDERS[0]}")
    return {file.stem: file for file in sorted(folder.glob("*.md"))}


@cache
def _page(name: str) -> str:
    environment = Environment(loader=PackageLoader("monitor.web"), autoescape=True, undefined=StrictUndefined)
    title, content = rendered(runbook_files()[name].read_text(encoding="utf-8"))
    return environment.get_template("runbook.html").render(
        heading=(title, ""), refresh_seconds=None, content=content, is_index=name == INDEX
    )


def rendered(text: str) -> tuple[str, str]:
    """The page's title, and the rest of it as HTML. Markup in the text is shown, not obeyed."""
    parser = _parser()
    tokens = parser.parse(text)
    title = ""
    if tokens and tokens[0].tag == "h1":
        title, tokens = tokens[1].content, tokens[3:]
    for place, token in enumerate(tokens):
        if token.type == "heading_open":
            token.attrSet("id", _anchor(tokens[place + 1].content))
        for child in token.children or ():
            _lead_on(child)
    return title, str(parser.renderer.render(tokens, parser.options, {}))


def _anchor(heading: str) -> str:
    """As the usual viewers of Markdown make it, so that a link holds in both places."""
    return re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-")


def _lead_on(token: "Token") -> None:
    """A link to the file of another runbook leads to its page."""
    if token.type == "link_open" and (found := _RUNBOOK.fullmatch(str(token.attrGet("href")))):
        name = "" if found["name"] == INDEX else found["name"]
        token.attrSet("href", f"/runbooks/{name}{found['part'] or ''}")


@cache
def _parser() -> "MarkdownIt":
    from markdown_it import MarkdownIt
    from markdown_it.common.utils import escapeHtml

    parser = MarkdownIt("commonmark", {"html": False}).enable("table")

    def fence(_self: object, tokens: "list[Token]", place: int, *_: object) -> str:
        return f'<div class="scroll"><pre><code>{escapeHtml(tokens[place].content)}</code></pre></div>\n'

    def code(_self: object, tokens: "list[Token]", place: int, *_: object) -> str:
        text = tokens[place].content
        shown = f"<code>{escapeHtml(text)}</code>"
        return f'<a href="{escapeHtml(text)}">{shown}</a>' if _DAEMONS_PAGE.fullmatch(text) else shown

    parser.add_render_rule("fence", fence)
    parser.add_render_rule("code_inline", code)
    parser.add_render_rule("table_open", lambda *_: '<div class="scroll"><table class="probes">\n')
    parser.add_render_rule("table_close", lambda *_: "</table></div>\n")
    return parser
