"""The five tabs: their inputs, and the events of their buttons, which call the functions of the desks.

An error that a visitor can fix appears as one line above the result, which stays.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any

import gradio as gr

from yardbird.errors import InputError, YardbirdError
from yardbird.generation import sound_orders
from yardbird.generation.leadsheet import MOST_LETTERS
from yardbird.metrics.attributes import ATTRIBUTES
from yardbird.studio import between_desk, measure_desk, move_desk, sing_desk, solo_desk, studio_views
from yardbird.studio.solo_desk import Take, Wish
from yardbird.studio.studio_session import SUFFIXES
from yardbird.studio.studio_visitors import NO_SOLO, Studio, Visitor
from yardbird.time_budget import time_budget

_NO_CHART, _ANYONE = "No chart: the model draws the changes", "the model's choice"
#: Work with models waits in one queue, because they share the processor.
QUEUED: Mapping[str, Any] = {"concurrency_id": "models", "concurrency_limit": 1, "api_visibility": "private"}
MOST_SECONDS = 120.0  # of the work for one visitor, during which the others wait
AT_ONCE: Mapping[str, Any] = {"queue": False, "api_visibility": "private", "show_progress": "hidden"}


@dataclass(frozen=True)
class Tab:
    """The parts of a tab that the page connects: its list of models, lists of solos, and events that change these."""

    model: gr.Dropdown
    pickers: Sequence[gr.Dropdown] = ()
    events: Sequence[Any] = ()


def _answer(function: Callable[..., str]) -> Callable[..., tuple[Any, Any]]:
    """An event's function: from a result's HTML to (message, result); an error leaves the result as it is."""

    @wraps(function)
    def answer(visitor: Visitor | None, *inputs: Any) -> tuple[Any, Any]:
        result, message = _attempt(function, visitor, *inputs)
        return message, gr.skip() if result is None else result

    return answer


def _attempt(function: Callable[..., str], visitor: Visitor | None, *inputs: Any) -> tuple[str | None, str]:
    """The HTML of a result, or None and a message, after at most `MOST_SECONDS`."""
    if visitor is None:
        return None, studio_views.notice("The page has lost its session: reload it.")
    try:
        with time_budget(MOST_SECONDS, "request less: fewer or shorter solos, bars, candidates or files"):
            return function(visitor, *inputs), ""
    except OSError as error:  # first, because it can be a YardbirdError, which names paths of the server
        return None, studio_views.notice(f"{error.strerror}: the server cannot read or write its files")
    except YardbirdError as error:
        return None, studio_views.notice(str(error))


def solo_tab(studio: Studio, visitor: gr.State) -> Tab:
    charts = solo_desk.examples()
    first = next(iter(charts), _NO_CHART)

    def play(own: Visitor, *inputs: Any) -> str:
        chart, model, artist, qpm, choruses, temperature, candidates, drums, count_in, seed = inputs
        wish = Wish(
            model, chart or "", None if artist == _ANYONE else artist, qpm or None, int(choruses), temperature,
            int(candidates), drums, count_in, None if seed is None else int(seed),
        )  # fmt: skip
        return on_desk(own, solo_desk.play(studio.shelf, own.session, wish))

    def on_desk(own: Visitor, take: Take) -> str:
        """Show a solo, then put it on the desk: not if showing it takes too long."""
        shown = studio_views.take_html(take, studio.references)
        own.take = take
        return shown

    def change(make: Callable[..., Take]) -> Callable[..., str]:
        def changed(own: Visitor, *inputs: Any) -> str:
            return on_desk(own, make(studio.shelf, own.session, _on_desk(own.take, "solo", "Play"), *inputs))

        return changed

    def artists(model: str | None) -> Any:
        try:
            known = studio.shelf.artists(model)
        except YardbirdError:
            known = []  # the error appears when the model is used
        return gr.update(choices=[_ANYONE, *known], value=_ANYONE, interactive=bool(known))

    with gr.Tab("Solo"):
        with gr.Row():
            with gr.Column(scale=3, min_width=300):
                example = gr.Dropdown([*charts, _NO_CHART], value=first, label="Chart")
                chart = gr.Textbox(
                    charts.get(first, ""), lines=10, max_lines=16, max_length=MOST_LETTERS, label="Changes",
                    info="Text, ChordPro, or an iReal Pro link. | separates bars: F7 | Bb7 | F7 | Cm7 F7",
                )  # fmt: skip
            with gr.Column(scale=2, min_width=300):
                model = gr.Dropdown([], label="Model")
                artist = gr.Dropdown([_ANYONE], value=_ANYONE, label="In the style of")
                with gr.Row():
                    qpm = gr.Number(0, label="Tempo", minimum=0, maximum=400, info="0: the chart's", min_width=120)
                    choruses = gr.Slider(1, 8, 2, step=1, label="Choruses", min_width=160)
                temperature = gr.Slider(0, 1.5, 1, step=0.05, label="Temperature", info="lower: more predictable")
                with gr.Accordion("More", open=False):
                    candidates = gr.Slider(1, 8, 4, step=1, label="Draw several and play the best")
                    with gr.Row():
                        drums = gr.Checkbox(False, label="Drums", min_width=100)
                        count_in = gr.Checkbox(True, label="Count-in", min_width=100)
                    seed = gr.Number(None, label="Seed", precision=0, info="empty: random")
        with gr.Row(elem_classes="yb-buttons"):
            start = gr.Button("Play a solo", variant="primary", min_width=120)
            again = gr.Button("Again", min_width=90)
            longer = gr.Button("Continue", min_width=90)
            keep = gr.Button("Keep", min_width=90)
        with gr.Row(elem_classes="yb-buttons"):
            bars = gr.Textbox("5-8", label="Bars to fill", max_length=solo_desk.MOST_RANGES, min_width=120, scale=1)
            fill = gr.Button("Fill bars", min_width=90, scale=1)
        message, result = _outputs()
    example.change(lambda name: charts.get(name, ""), example, chart, **AT_ONCE)
    model.change(artists, model, artist, **QUEUED, show_progress="hidden")
    wishes = [chart, model, artist, qpm, choruses, temperature, candidates, drums, count_in, seed]
    out = [message, result]
    events = [
        start.click(_answer(play), [visitor, *wishes], out, **QUEUED, show_progress_on=message),
        again.click(_answer(change(solo_desk.again)), [visitor], out, **QUEUED, show_progress_on=message),
        longer.click(_answer(change(solo_desk.continue_)), [visitor], out, **QUEUED, show_progress_on=message),
        fill.click(_answer(change(solo_desk.fill_bars)), [visitor, bars], out, **QUEUED, show_progress_on=message),
        _keeps(keep, visitor, message, lambda own: solo_desk.keep(own.session, _on_desk(own.take, "solo", "Play"))),
    ]
    return Tab(model, events=events)


def between_tab(studio: Studio, visitor: gr.State) -> Tab:
    def make(own: Visitor, *inputs: Any) -> str:
        file_a, choice_a, file_b, choice_b, model, bars, path = inputs
        a, b = studio.pick(own, file_a, choice_a), studio.pick(own, file_b, choice_b)
        found = between_desk.between(studio.shelf, own.session, model, a, b, int(bars), path)
        shown = studio_views.between_html(found)
        own.between = found
        return shown

    with gr.Tab("Between"):
        gr.Markdown("Interpolate between two solos in nine steps. Move the slider while the sound plays.")
        with gr.Row():
            first, second = _picker("From"), _picker("To")
        with gr.Row():
            model = gr.Dropdown([], label="Model", min_width=160)
            bars = gr.Slider(4, 32, 16, step=4, label="Bars of each", min_width=160)
            path = gr.Radio([("straight line", "linear"), ("great circle", "spherical")], value="linear", label="Path")
        with gr.Row(elem_classes="yb-buttons"):
            start = gr.Button("Go between", variant="primary", min_width=120)
            keep = gr.Button("Keep", min_width=90)
        message, result = _outputs()
    inputs = [visitor, *first, *second, model, bars, path]
    events = [
        start.click(_answer(make), inputs, [message, result], **QUEUED, show_progress_on=message),
        _keeps(keep, visitor, message,
               lambda own: between_desk.keep(own.session, _on_desk(own.between, "steps", "Go between"))),
    ]  # fmt: skip
    return Tab(model, [first[1], second[1]], events)


def move_tab(studio: Studio, visitor: gr.State) -> Tab:
    def make(own: Visitor, *inputs: Any) -> str:
        file, choice, model, bars, to, strength, *amounts = inputs
        solo = studio.pick(own, file, choice)
        wanted: Mapping[str, float] = dict(zip(ATTRIBUTES, amounts, strict=True))
        artist = None if to == nobody else to
        moved = move_desk.move(studio.shelf, own.session, model, solo, int(bars), artist, strength, wanted)
        shown = studio_views.moved_html(moved, studio.references)
        own.moved = moved
        return shown

    nobody, known = "nobody", move_desk.artists()
    honesty = {"attributes": move_desk.honesty_of_attributes(), "transfer": move_desk.honesty_of_transfer()}
    with gr.Tab("Move"):
        gr.Markdown("Move a solo towards the style of a player, or give it more or less of an attribute.")
        with gr.Row():
            with gr.Column(min_width=300):
                own = _picker("Solo")
                model = gr.Dropdown([], label="Model")
                bars = gr.Slider(4, 64, 16, step=4, label="Bars")
            with gr.Column(min_width=300):
                to = gr.Dropdown([nobody, *known], value=nobody, label="Towards the style of")
                strength = gr.Slider(0, move_desk.MOST, 2, step=0.5, label="Strength", info="higher: more notes change")
                amounts = [
                    gr.Slider(-3, 3, 0, step=0.25, label=f"{name.capitalize()}, less or more") for name in ATTRIBUTES
                ]
        gr.HTML(studio_views.honesty_html(honesty))
        with gr.Row(elem_classes="yb-buttons"):
            start = gr.Button("Move it", variant="primary", min_width=120)
            keep = gr.Button("Keep", min_width=90)
        message, result = _outputs()
    inputs = [visitor, *own, model, bars, to, strength, *amounts]
    events = [
        start.click(_answer(make), inputs, [message, result], **QUEUED, show_progress_on=message),
        _keeps(keep, visitor, message, lambda own: move_desk.keep(own.session, _on_desk(own.moved, "solo", "Move it"))),
    ]
    return Tab(model, [own[1]], events)


def sing_tab(studio: Studio, visitor: gr.State) -> Tab:
    def make(own: Visitor, *inputs: Any) -> str:
        prompt, model, seconds, guidance, temperature, file, choice, melody_seconds, follow = inputs
        melody = studio.pick(own, file, choice) if file or choice not in (None, NO_SOLO) else None
        sung = sing_desk.sing_prompt(
            studio.shelf,
            own.session,
            model,
            prompt or "",
            seconds,
            guidance,
            temperature,
            melody,
            melody_seconds,
            follow,
        )
        shown = studio_views.sung_html(sung)
        own.sung = sung
        return shown

    with gr.Tab("Sing"):
        gr.Markdown("Draw sound for a prompt. The sound can continue or follow a melody of yours.")
        with gr.Row():
            with gr.Column(min_width=300):
                prompts = sing_desk.prompts()
                example = gr.Dropdown(list(prompts), value=prompts[1 % len(prompts)], label="Example")
                prompt = gr.Textbox(prompts[1 % len(prompts)], label="Prompt", max_length=sound_orders.MOST_LETTERS)
                model = gr.Dropdown([], label="Model")
            with gr.Column(min_width=300):
                seconds = gr.Slider(2, sing_desk.MOST_SECONDS, 8, step=1, label="Seconds")
                guidance = gr.Slider(1, 8, 3, step=0.5, label="Guidance", info="higher: closer to the prompt")
                temperature = gr.Slider(0, 1.5, 1, step=0.05, label="Temperature")
        with gr.Accordion("Continue or follow a melody", open=False):
            melody = _picker("Melody")
            melody_seconds = gr.Slider(1, 10, 4, step=1, label="Seconds of the melody")
            follow = gr.Checkbox(
                label="Follow the whole melody", info="perform all its notes instead of continuing its opening"
            )
        with gr.Row(elem_classes="yb-buttons"):
            start = gr.Button("Sing it", variant="primary", min_width=120)
            keep = gr.Button("Keep", min_width=90)
        message, result = _outputs()
    example.change(lambda text: text, example, prompt, **AT_ONCE)
    inputs = [visitor, prompt, model, seconds, guidance, temperature, *melody, melody_seconds, follow]
    events = [
        start.click(_answer(make), inputs, [message, result], **QUEUED, show_progress_on=message),
        _keeps(keep, visitor, message, lambda own: sing_desk.keep(own.session, _on_desk(own.sung, "sound", "Sing it"))),
    ]
    return Tab(model, [melody[1]], events)


def measure_tab(studio: Studio, visitor: gr.State) -> None:
    def make(own: Visitor, uploads: list[str] | None) -> str:
        found: list[str] = []
        chosen = []
        for upload in (uploads or [])[: measure_desk.MOST_FILES]:
            try:
                chosen.append(own.session.take_in(upload))
            except InputError as error:
                found.append(studio_views.notice(str(error)))
        if chosen or not found:
            found.append(studio_views.measured_html(measure_desk.measure(chosen), studio.references))
        return "".join(found)

    with gr.Tab("Measure"):
        gr.Markdown("Metrics of your files, what they quote, and whether the pipeline would train on them.")
        files = gr.File(
            file_count="multiple",
            file_types=list(SUFFIXES),
            label="MIDI, MusicXML, ABC or kern",
            height=160,
            elem_classes="yb-file-drop",
        )
        with gr.Row(elem_classes="yb-buttons"):
            start = gr.Button("Measure", variant="primary", min_width=120)
        message, result = _outputs()
    start.click(_answer(make), [visitor, files], [message, result], **QUEUED, show_progress_on=message)


def _picker(label: str) -> tuple[gr.File, gr.Dropdown]:
    """A place for a file, and a list of solos to choose from instead."""
    with gr.Column(min_width=280):
        file = gr.File(
            file_types=list(SUFFIXES), label=f"{label}: MIDI or MusicXML", height=160, elem_classes="yb-file-drop"
        )
        choice = gr.Dropdown([NO_SOLO], value=NO_SOLO, label=f"{label}: or choose")
    return file, choice


def _outputs() -> tuple[gr.HTML, gr.HTML]:
    """The line for messages, where the progress appears, and the place of the result."""
    return gr.HTML(min_height=48, elem_classes="yb-message"), gr.HTML(elem_classes="yb-result")


def _keeps(button: gr.Button, visitor: gr.State, message: gr.HTML, keep: Callable[[Visitor], None]) -> Any:
    def kept(own: Visitor) -> str:
        keep(own)
        return studio_views.done(f"Kept: {own.session.kept[-1]}")

    return button.click(lambda own: "".join(filter(None, _attempt(kept, own))), visitor, message, **QUEUED)


def _on_desk(result: Any, what: str, button: str) -> Any:
    if result is None:
        raise InputError(what, expected=f"a {what} first", found="none", remedy=f"press “{button}”")
    return result
