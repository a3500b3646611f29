"""The page, built with Gradio: five tabs, and below them what the visitor has kept.

Each visitor has one `Visitor` in the server's memory.
"""

from typing import Any

import gradio as gr

from yardbird.studio import studio_views
from yardbird.studio.model_shelf import FAMILIES, WHAT_TO_RUN, described
from yardbird.studio.studio_tabs import AT_ONCE, between_tab, measure_tab, move_tab, sing_tab, solo_tab
from yardbird.studio.studio_visitors import Studio, Visitor

_TITLE = "Yardbird studio"
_MOST_WAITING = 32  # requests in the queue; further ones are refused


def make_page(studio: Studio) -> gr.Blocks:
    """The page; `studio_server` serves it."""
    with gr.Blocks(title=_TITLE, analytics_enabled=False, delete_cache=(600, 3600)) as page:
        visitor = gr.State(None)
        gr.HTML(f"<header class='yb-head'><h1>{_TITLE}</h1></header>")
        welcome = gr.HTML()
        with gr.Tabs():
            tabs = [tab(studio, visitor) for tab in (solo_tab, between_tab, move_tab, sing_tab)]
            measure_tab(studio, visitor)
        kept = gr.HTML()
        pickers = [picker for tab in tabs for picker in tab.pickers]

        def show_kept(own: Visitor | None) -> tuple[Any, ...]:
            if own is None:
                return (gr.skip(),) * (len(pickers) + 1)
            page = studio_views.kept_html(own.session.folder, own.session.kept)
            return page, *[gr.update(choices=studio.choices(own))] * len(pickers)

        opened = page.load(
            lambda: (studio.visitor(), *_models(studio), _welcome(studio)),
            None,
            [visitor, *[tab.model for tab in tabs], welcome],
            **AT_ONCE,
        )
        for event in (opened, *(event for tab in tabs for event in tab.events)):
            event.then(show_kept, visitor, [kept, *pickers], **AT_ONCE)
    return page.queue(max_size=_MOST_WAITING, api_open=False)


def _models(studio: Studio) -> list[Any]:
    """Updates of the lists of models of the tabs Solo, Between, Move and Sing."""
    shelf = studio.shelf
    lists = (shelf.note_models(), *[shelf.names("music_vae")] * 2, shelf.names("musicgen"))
    return [
        gr.update(choices=[(described(name), name) for name in names], value=names[0] if names else None)
        for names in lists
    ]


def _welcome(studio: Studio) -> str:
    if studio.shelf.names(*FAMILIES):
        return ""
    return studio_views.notice(f"No model is trained yet: {WHAT_TO_RUN}. The tab Measure works without one.")
