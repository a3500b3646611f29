"""The page, built with Gradio: five tabs of inputs, whose buttons call the functions of the desks.

Each visitor has one `Visitor` in the server's memory. Drawing, measuring and rendering wait in one queue, because the
models share the processor. An error that a visitor can fix appears as one line above the result, which stays.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import gradio as gr

from yardbird.errors import InputError, YardbirdError
from yardbird.metrics.attributes import ATTRIBUTES
from yardbird.studio import between_desk, measure_desk, move_desk, sing_desk, solo_desk, studio_views
from yardbird.studio.between_desk import Between
from yardbird.studio.model_shelf import WHAT_TO_RUN, ModelShelf, described
from yardbird.studio.move_desk import Moved
from yardbird.studio.reference_solos import ReferenceSolos
from yardbird.studio.sing_desk import Sung
from yardbird.studio.solo_desk import Take, Wish
from yardbird.studio.studio_session import SUFFIXES, Chosen, Session

_NO_CHART, _ANYONE, _NOTHING = (
    "No chart: the model invents the changes",
    "the model's choice",
    "(a file of yours, above)",
)
_DESK = "the solo of the tab Solo"
_QUEUED = {"concurrency_id": "models", "concurrency_limit": 1, "api_visibility": "private"}
_AT_ONCE = {"queue": False, "api_visibility": "private", "show_progress": "hidden"}
_EXAMPLES = 12  # solos of the corpus in the lists
_TITLE = "Yardbird studio"


@dataclass
class Visitor:
    """What one visitor has on the desk."""

    session: Session
    take: Take | None = None
    between: Between | None = None
    moved: Moved | None = None
    sung: Sung | None = None


@dataclass(frozen=True)
class Studio:
    """What all visitors share: the models, the corpus, and the folder of the sessions."""

    shelf: ModelShelf
    references: ReferenceSolos
    sessions: Path
    corpus: Path = Path("data/etudes")

    def page(self) -> gr.Blocks:
        """The page; it is served by `studio_server`."""
        with gr.Blocks(title=_TITLE, analytics_enabled=False, delete_cache=(600, 3600)) as page:
            visitor = gr.State(None)
            gr.HTML(f"<header class='yb-head'><h1>{_TITLE}</h1></header>")
            welcome = gr.HTML()
            with gr.Tabs():
                solo = _solo_tab(self, visitor)
                between = _between_tab(self, visitor)
                move = _move_tab(self, visitor)
                sing = _sing_tab(self, visitor)
                _measure_tab(self, visitor)
            kept = gr.HTML()
            pickers = [*between.pickers, *move.pickers, *sing.pickers]
            models = [solo.model, between.model, move.model, sing.model]
            page.load(
                lambda: (Visitor(Session.start(self.sessions)), *self._models(), self._welcome()),
                None, [visitor, *models, welcome], **_AT_ONCE,
            ).then(self._kept(len(pickers)), visitor, [kept, *pickers], **_AT_ONCE)  # fmt: skip
            for tab in (solo, between, move, sing):
                for event in tab.events:
                    event.then(self._kept(len(pickers)), visitor, [kept, *pickers], **_AT_ONCE)
        return page.queue(max_size=32, api_open=False)

    def pick(self, visitor: Visitor, upload: str | None, choice: str | None) -> Chosen:
        """The solo that a visitor has chosen: an uploaded file comes before a choice of the list.

        Raises:
            InputError: nothing is chosen, or the file is unusable.
        """
        if upload:
            return visitor.session.take_in(upload)
        if choice == _DESK and visitor.take:
            return visitor.session.put_in(visitor.take.solo.score, visitor.take.name)
        if choice in visitor.session.kept:
            return Chosen(visitor.session.folder / f"{choice}.mid", f"{choice}.mid")
        if choice in (found := self._examples()):
            return Chosen(found[choice], choice)
        raise InputError("solo", expected="a file, or a solo of the list", found="neither", remedy="choose one")

    def _examples(self) -> dict[str, Path]:
        return {path.stem.replace("_", " "): path for path in sorted(self.corpus.glob("*.mid"))[:_EXAMPLES]}

    def _kept(self, lists: int) -> Callable[[Visitor | None], tuple[Any, ...]]:
        def update(visitor: Visitor | None) -> tuple[Any, ...]:
            if visitor is None:
                return (gr.skip(),) * (lists + 1)
            session = visitor.session
            solos = [name for name in session.kept if (session.folder / f"{name}.mid").is_file()]
            choices = [_NOTHING, *([_DESK] if visitor.take else []), *solos, *self._examples()]
            return studio_views.kept_html(session.folder, session.kept), *[gr.update(choices=choices)] * lists

        return update

    def _models(self) -> list[Any]:
        """Updates of the four lists of models."""
        lists = (self.shelf.note_models(), *[self.shelf.names("music_vae")] * 2, self.shelf.names("musicgen"))
        return [
            gr.update(choices=[(described(name), name) for name in names], value=names[0] if names else None)
            for names in lists
        ]

    def _welcome(self) -> str:
        if self.shelf.names("music_transformer", "music_vae", "musicgen"):
            return ""
        return studio_views.notice(f"No model is trained yet: {WHAT_TO_RUN}. The tab Measure works without one.")


@dataclass(frozen=True)
class _Tab:
    """The parts of a tab that the page connects: its list of models, lists of solos, and events that change these."""

    model: gr.Dropdown
    pickers: Sequence[gr.Dropdown] = ()
    events: Sequence[Any] = ()


def _answer(function: Callable[..., str]) -> Callable[..., tuple[Any, Any]]:
    """An event's function: from a result's HTML to (message, result); an error leaves the result as it is."""

    @wraps(function)
    def answer(visitor: Visitor | None, *inputs: Any) -> tuple[Any, Any]:
        if visitor is None:
            return studio_views.notice("The page has lost its session: reload it."), gr.skip()
        try:
            return "", function(visitor, *inputs)
        except YardbirdError as error:
            return studio_views.notice(str(error)), gr.skip()
        except OSError as error:
            return studio_views.notice(f"{error.strerror}: the server cannot read or write its files"), gr.skip()

    return answer


def _solo_tab(studio: Studio, visitor: gr.State) -> _Tab:
    charts = solo_desk.examples()
    first = next(iter(charts), _NO_CHART)

    def play(own: Visitor, *inputs: Any) -> str:
        chart, model, artist, qpm, choruses, temperature, candidates, drums, count_in, seed = inputs
        wish = Wish(
            model, chart or "", None if artist == _ANYONE else artist, qpm or None, int(choruses), temperature,
            int(candidates), drums, count_in, None if seed is None else int(seed),
        )  # fmt: skip
        own.take = solo_desk.play(studio.shelf, own.session, wish)
        return studio_views.take_html(own.take, studio.references)

    def change(make: Callable[..., Take]) -> Callable[..., str]:
        def changed(own: Visitor, *inputs: Any) -> str:
            own.take = make(studio.shelf, own.session, _on_desk(own.take, "solo", "Play"), *inputs)
            return studio_views.take_html(own.take, studio.references)

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
                    charts.get(first, ""), lines=10, max_lines=16, max_length=20_000, label="Changes",
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
            bars = gr.Textbox("5-8", label="Bars to fill", max_length=100, min_width=120, scale=1)
            fill = gr.Button("Fill bars", min_width=90, scale=1)
        message, result = _outputs()
    example.change(lambda name: charts.get(name, ""), example, chart, **_AT_ONCE)
    model.change(artists, model, artist, **_QUEUED, show_progress="hidden")
    wishes = [chart, model, artist, qpm, choruses, temperature, candidates, drums, count_in, seed]
    out = [message, result]
    events = [
        start.click(_answer(play), [visitor, *wishes], out, **_QUEUED, show_progress_on=message),
        again.click(_answer(change(solo_desk.again)), [visitor], out, **_QUEUED, show_progress_on=message),
        longer.click(_answer(change(solo_desk.continue_)), [visitor], out, **_QUEUED, show_progress_on=message),
        fill.click(_answer(change(solo_desk.fill_bars)), [visitor, bars], out, **_QUEUED, show_progress_on=message),
        _keeps(keep, visitor, message, lambda own: solo_desk.keep(own.session, _on_desk(own.take, "solo", "Play"))),
    ]
    return _Tab(model, events=events)


def _between_tab(studio: Studio, visitor: gr.State) -> _Tab:
    def make(own: Visitor, *inputs: Any) -> str:
        file_a, choice_a, file_b, choice_b, model, bars, path = inputs
        a, b = studio.pick(own, file_a, choice_a), studio.pick(own, file_b, choice_b)
        own.between = between_desk.between(studio.shelf, own.session, model, a, b, int(bars), path)
        return studio_views.between_html(own.between)

    with gr.Tab("Between"):
        gr.Markdown("Nine solos from one to another. Move the slider while it plays.")
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
        start.click(_answer(make), inputs, [message, result], **_QUEUED, show_progress_on=message),
        _keeps(keep, visitor, message,
               lambda own: between_desk.keep(own.session, _on_desk(own.between, "steps", "Go between"))),
    ]  # fmt: skip
    return _Tab(model, [first[1], second[1]], events)


def _move_tab(studio: Studio, visitor: gr.State) -> _Tab:
    def make(own: Visitor, *inputs: Any) -> str:
        file, choice, model, bars, to, strength, *amounts = inputs
        solo = studio.pick(own, file, choice)
        wanted: Mapping[str, float] = dict(zip(ATTRIBUTES, amounts, strict=True))
        artist = None if to == nobody else to
        own.moved = move_desk.move(studio.shelf, own.session, model, solo, int(bars), artist, strength, wanted)
        return studio_views.moved_html(own.moved, studio.references)

    nobody, known = "nobody", move_desk.artists()
    honesty = {"attributes": move_desk.honesty_of_attributes(), "transfer": move_desk.honesty_of_transfer()}
    with gr.Tab("Move"):
        gr.Markdown("A solo with more of something, or closer to a player.")
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
        start.click(_answer(make), inputs, [message, result], **_QUEUED, show_progress_on=message),
        _keeps(keep, visitor, message, lambda own: move_desk.keep(own.session, _on_desk(own.moved, "solo", "Move it"))),
    ]
    return _Tab(model, [own[1]], events)


def _sing_tab(studio: Studio, visitor: gr.State) -> _Tab:
    def make(own: Visitor, *inputs: Any) -> str:
        prompt, model, seconds, guidance, temperature, file, choice, melody_seconds = inputs
        melody = studio.pick(own, file, choice) if file or choice not in (None, _NOTHING) else None
        own.sung = sing_desk.sing_prompt(
            studio.shelf, own.session, model, prompt or "", seconds, guidance, temperature, melody, melody_seconds
        )
        return studio_views.sung_html(own.sung)

    with gr.Tab("Sing"):
        gr.Markdown("Sound for a few words. It may continue a melody of yours.")
        with gr.Row():
            with gr.Column(min_width=300):
                prompts = sing_desk.prompts()
                example = gr.Dropdown(list(prompts), value=prompts[1 % len(prompts)], label="Example")
                prompt = gr.Textbox(prompts[1 % len(prompts)], label="Prompt", max_length=500)
                model = gr.Dropdown([], label="Model")
            with gr.Column(min_width=300):
                seconds = gr.Slider(2, sing_desk.MOST_SECONDS, 8, step=1, label="Seconds")
                guidance = gr.Slider(1, 8, 3, step=0.5, label="Guidance", info="higher: closer to the prompt")
                temperature = gr.Slider(0, 1.5, 1, step=0.05, label="Temperature")
        with gr.Accordion("Continue a melody", open=False):
            melody = _picker("Melody")
            melody_seconds = gr.Slider(1, 10, 4, step=1, label="Seconds of the melody")
        with gr.Row(elem_classes="yb-buttons"):
            start = gr.Button("Sing it", variant="primary", min_width=120)
            keep = gr.Button("Keep", min_width=90)
        message, result = _outputs()
    example.change(lambda text: text, example, prompt, **_AT_ONCE)
    inputs = [visitor, prompt, model, seconds, guidance, temperature, *melody, melody_seconds]
    events = [
        start.click(_answer(make), inputs, [message, result], **_QUEUED, show_progress_on=message),
        _keeps(keep, visitor, message, lambda own: sing_desk.keep(own.session, _on_desk(own.sung, "sound", "Sing it"))),
    ]
    return _Tab(model, [melody[1]], events)


def _measure_tab(studio: Studio, visitor: gr.State) -> None:
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
            file_count="multiple", file_types=list(SUFFIXES), label="MIDI, MusicXML, ABC or kern", height=160
        )
        with gr.Row(elem_classes="yb-buttons"):
            start = gr.Button("Measure", variant="primary", min_width=120)
        message, result = _outputs()
    start.click(_answer(make), [visitor, files], [message, result], **_QUEUED, show_progress_on=message)


def _picker(label: str) -> tuple[gr.File, gr.Dropdown]:
    """A place for a file, and a list of solos to choose from instead."""
    with gr.Column(min_width=280):
        file = gr.File(file_types=list(SUFFIXES), label=f"{label}: MIDI or MusicXML", height=160)
        choice = gr.Dropdown([_NOTHING], value=_NOTHING, label=f"{label}: or choose")
    return file, choice


def _outputs() -> tuple[gr.HTML, gr.HTML]:
    """The line for messages, where the progress appears, and the place of the result."""
    return gr.HTML(min_height=48, elem_classes="yb-message"), gr.HTML(elem_classes="yb-result")


def _keeps(button: gr.Button, visitor: gr.State, message: gr.HTML, keep: Callable[[Visitor], None]) -> Any:
    def answer(own: Visitor | None) -> str:
        if own is None:
            return studio_views.notice("The page has lost its session: reload it.")
        try:
            keep(own)
        except YardbirdError as error:
            return studio_views.notice(str(error))
        except OSError as error:
            return studio_views.notice(f"{error.strerror}: the server cannot write its files")
        return studio_views.done(f"Kept: {own.session.kept[-1]}")

    return button.click(answer, visitor, message, **_QUEUED)


def _on_desk(result: Any, what: str, button: str) -> Any:
    if result is None:
        raise InputError(what, expected=f"a {what} first", found="none", remedy=f"press “{button}”")
    return result
