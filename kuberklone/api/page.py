"""The few pages for browsers: plain HTML that loads nothing, so that it works offline."""

from html import escape
from typing import Any

from litestar import Response

# Nothing is loaded and nothing runs, whatever a name may contain.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8882; --accent: #2f6feb }
body { font: 16px/1.55 system-ui, sans-serif; max-width: 52rem; margin: 3rem auto; padding: 0 1.25rem }
h1 { font-size: 1.9rem; margin-bottom: .2rem } h2 { font-size: 1.15rem; margin-top: 2.2rem } p { max-width: 42rem }
a { color: var(--accent); text-decoration: none } a:hover { text-decoration: underline }
code, pre { font: 14px/1.5 ui-monospace, monospace; background: var(--soft); border-radius: 5px }
code { padding: .1rem .3rem } pre { padding: .8rem 1rem; overflow-x: auto } pre code { padding: 0; background: none }
table { border-collapse: collapse; width: 100% } td, th { text-align: left; vertical-align: top }
td, th { padding: .4rem .9rem .4rem 0; border-bottom: 1px solid var(--line) } td:first-child { white-space: nowrap }
.soft { opacity: .7 } .method { font-weight: 600; display: inline-block; min-width: 4.2rem }
"""


def page(title: str, body: str) -> Response[str]:
    """A page; `body` is HTML whose variable parts have been escaped."""
    content = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>{body}</body></html>"
    )
    headers = {"Content-Security-Policy": _POLICY, "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
    return Response(content, media_type="text/html; charset=utf-8", headers=headers)


def rows(*cells: tuple[Any, ...]) -> str:
    """Table rows; each cell is HTML already."""
    return "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in cells)
