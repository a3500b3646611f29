"""A grammar that restricts sampling to legal solos of exactly N bars.

A grammar follows one token stream. `allowed()` returns a mask over the vocabulary that is never empty before the solo
is finished. `advance(token)` takes the chosen token. Every such stream decodes to a monophonic score of exactly the
requested bars, in range, whose last note ends within them, with the given chords at their steps only. Encoding that
score returns the same stream. Generation terminates, because bars are counted and positions ascend within a bar.
"""

from collections.abc import Sequence

from yardbird.codecs.events import EventCodec
from yardbird.codecs.mask_table import Mask, Span, Spans, one, without
from yardbird.codecs.possible_chords import PossibleChords
from yardbird.codecs.vocabulary import COUNTDOWN_BARS, FOLLOWERS, KINDS
from yardbird.errors import InputError
from yardbird.music.ending import last_start
from yardbird.music.key_chords import opening_qualities, qualities_in
from yardbird.music.pitch import Key
from yardbird.music.score import ChordChange, Score


class EventGrammar:
    """The constraint on one solo.

    To continue a prime, call `advance` with each of its tokens (`EventCodec.prime`, with the same total bars). Its bars
    count towards `bars`. Its artist, tempo, pitches and chords are kept: the range and the given chords apply only
    after it ends. Given chords inside the prime are skipped.

    Args:
        bars: the length of the solo, including the prime.
        pitch_range: lowest and highest pitch, inclusive.
        chords: the changes, with ticks in grid steps from the start. None: the model chooses. (): no chords.
        key: of the chords that the model chooses (`yardbird.music.key_chords`). The first one is a tonic chord, so that
            the solo does not drift into a related key. None: any chord.
        chorus_bars: repeat the model's changes of the first `chorus_bars` bars. None: never. Requires a meter.
        meter: of the first bar, e.g. (4, 4). None: the model chooses. Required with given chords.
        qpm: tempo of the first bar, rounded to the nearest bin. None: the model chooses.
        artist: one of `codec.artists`. None: the model chooses.
        unknown_artist: whether the model may choose `Artist_unknown`, the token of all background players, if there
            are other artists.
        at_rest: no note starts in the last beats, so that the line comes to rest (`yardbird.music.ending`), and a note
            after which none can start has at least half a beat.
        meter_changes, tempo_changes: whether later bars may change them.
        frame: a grid score of `bars` bars whose meter and tempo every bar takes. `meter`, `qpm` and the changes of both
            are then ignored.

    Raises:
        InputError: the arguments contradict each other, e.g. a chord after the last bar.
    """

    def __init__(
        self,
        codec: EventCodec,
        *,
        bars: int,
        pitch_range: tuple[int, int],
        chords: Sequence[ChordChange] | None = None,
        key: Key | None = None,
        chorus_bars: int | None = None,
        meter: tuple[int, int] | None = None,
        qpm: float | None = None,
        artist: str | None = None,
        at_rest: bool = False,
        meter_changes: bool = False,
        tempo_changes: bool = False,
        unknown_artist: bool = True,
        frame: Score | None = None,
    ) -> None:
        self._codec, self._bars, self._pitches = codec, bars, pitch_range
        self._spans = {kind: (codec.ids(kind).start, codec.ids(kind).stop) for kind in KINDS}
        self._first = {kind: first for kind, (first, _) in self._spans.items()}
        self._kinds: list[str] = [KINDS[kind] for kind in codec.kind_of]
        self._values: list[int] = codec.value_of.tolist()
        self._meter_id = None if meter is None else codec.meter_id(*meter)
        self._tempo_id = None if qpm is None else codec.tempo_id(qpm)
        self._artist_id = None if artist is None else codec.artist_id(artist)
        self._meter_changes, self._tempo_changes = meter_changes, tempo_changes
        self._at_rest = at_rest
        self._frame = [] if frame is None else codec.bar_ids(frame)
        self._frame_steps = sum(int(codec.meter_steps[self._values[meter]]) for meter, _ in self._frame)
        assert frame is None or len(self._frame) == bars, "the frame has another number of bars"
        self._free_chords = chords is None
        self._later = PossibleChords(codec, None if key is None else qualities_in(key))
        self._possible = PossibleChords(codec, None if key is None else opening_qualities(key))  # as the next chord
        self._chords = [(change.tick, codec.chord_ids(change.chord)) for change in chords or ()]
        self._chorus_bars = chorus_bars
        known_meter = frame is not None or (self._meter_id is not None and not meter_changes)
        assert known_meter or not (self._chords or chorus_bars), "given chords require a known meter"
        self._check_wishes(artist)
        self._bar_line, self._end_line = self._spans["Bar"], self._spans["EOS"]
        self._pitch_spans = ((self._first["Pitch"] + pitch_range[0], self._first["Pitch"] + pitch_range[1] + 1),)
        self._artists: Spans = (self._ids("Artist", self._artist_id),)
        if self._artist_id is None and not unknown_artist and len(codec.artists) > 1:
            self._artists = without(self._spans["Artist"], codec.artist_id(None))
        self._shortest_bar = int(codec.meter_steps.min())

        self.finished = False
        self._last = "PAD"  # kind of the last token; PAD before the first
        self._last_id = codec.pad_id
        self._bar = 0  # bars begun
        self._bar_start = self._bar_steps = 0
        self._meter = self._tempo = -1  # ids in force, -1 before the first
        self._step = -1  # of the last position; one before the bar's first step at its start
        self._busy_until = 0  # where the last note ends
        self._next_chord = 0  # index of the first given chord after `_step`
        self._given: tuple[int, ...] = ()  # tokens not yet written of the given chord at `_step`
        self._chosen: list[tuple[int, tuple[int, ...]]] = []  # step and ids of every chord so far
        self._root = self._quality = 0  # of the last chord: pitch class of its root, index of its quality

    def allowed(self) -> Mask:
        """(vocab_size,) which tokens may come next; all False once finished. A row of a table: it cannot be written."""
        return self._codec.masks[self.spans()]

    def spans(self) -> Spans:
        """The ids of the tokens that may come next, as ranges; `allowed` as a key of the table of masks."""
        last = self._last
        if self.finished:
            return ()
        if last == "PAD":
            return (one(self._codec.bos_id),)
        if last == "BOS":
            return self._artists
        if last == "Artist":
            return (self._bar_line,)
        if (due := self._due()) is not None:
            return (due,)
        if last == "Position":
            return self._at_position()
        if last == "ChordRoot":
            return self._after_root()
        if last == "Pitch":
            return (self._spans["Velocity"],)
        if last == "Velocity":
            return self._durations()
        if last == "ChordQuality" and self._given:
            return (one(self._given[0]),)
        left = self._left()
        return (*self._in_place(), *(self._next_place() if left is None else (one(left),)))

    def advance(self, token: int) -> None:
        """Take the next token: one that `allowed()` permits, or the next token of a prime.

        Raises:
            InputError: the token is not legal here, e.g. because a prime is too long or damaged.
        """
        kind, value = self._kinds[token], self._values[token]
        if self.finished or kind not in (FOLLOWERS[self._last] if self._last != "PAD" else ("BOS",)):
            raise self._refusal(token, f"what may follow {self._codec.vocabulary[self._last_id]}")
        if kind in ("Left", "Position", "Bar", "EOS") and self._bar and self._due() is not None:
            raise self._refusal(token, "the meter and the tempo of the bar")
        left = self._left()
        if (kind == "Left" and token != left) or (kind in ("Position", "Bar", "EOS") and left is not None):
            raise self._refusal(token, f"the countdown to the end of {self._bars} bars")
        if kind == "Bar":
            self._begin_bar(token)
        elif kind == "TimeSig":
            if (self._frame or self._chords) and token != self._asked()[0]:
                raise self._refusal(token, "the meter of the given chords")
            self._meter, self._bar_steps = token, int(self._codec.meter_steps[value])
        elif kind == "Tempo":
            self._tempo = token
        elif kind == "Position":
            self._take_position(token, self._bar_start + value)
        elif kind in ("Chord", "ChordRoot", "ChordQuality", "ChordBass"):
            self._given = self._given[1:] if self._given[:1] == (token,) else ()
            if kind in ("Chord", "ChordRoot"):
                self._chosen.append((self._step, ()))
            self._chosen[-1] = (self._chosen[-1][0], (*self._chosen[-1][1], token))
            self._root = value if kind == "ChordRoot" else self._root
            if kind == "ChordQuality":
                self._quality, self._possible = value, self._later
        elif kind == "Pitch":
            if self._step < self._busy_until:
                raise self._refusal(token, "a note after the end of the one before")
            self._given = ()
            self._busy_until = self._step
        elif kind == "Duration":
            if self._last == "Duration" and self._values[self._last_id] < self._codec.longest_duration:
                raise self._refusal(token, "a chain of longest durations")
            self._busy_until += value
            if self._busy_until > self._end():
                raise self._refusal(token, f"a note that ends within {self._bars} bars")
        elif kind == "EOS":
            if self._bar < self._bars:
                raise self._refusal(token, f"{self._bars} bars")
            self.finished = True
        self._last, self._last_id = kind, token

    def hold(self, step: int) -> None:
        """Allow no note before a step (from the start of the solo), because a note outside the stream ends there."""
        self._busy_until = max(self._busy_until, step)

    def _asked(self) -> tuple[int | None, int | None]:
        """The requested ids of the meter and the tempo of this bar; None if the model chooses."""
        return self._frame[self._bar - 1] if self._frame else (self._meter_id, self._tempo_id)

    def _due(self) -> Span | None:
        """The meters or tempos that must come next: in the first bar, and where the frame changes them."""
        meter, tempo = self._asked()
        if self._meter < 0 or (self._frame and self._meter != meter):
            return self._ids("TimeSig", meter)
        if self._tempo < 0 or (self._frame and self._tempo != tempo):
            return self._ids("Tempo", tempo)
        return None

    def _left(self) -> int | None:
        """The countdown token that must come next, at the start of one of the last bars."""
        bars = self._bars - self._bar + 1
        due = self._last in ("Bar", "TimeSig", "Tempo") and bars <= COUNTDOWN_BARS
        return self._first["Left"] + bars - 1 if due else None

    def _begin_bar(self, token: int) -> None:
        if self._bar == self._bars:
            raise self._refusal(token, f"at most {self._bars} bars")
        self._bar += 1
        self._bar_start += self._bar_steps
        if self._free_chords and self._bar - 1 == self._chorus_bars:
            self._repeat_chorus()
        self._move_to(self._bar_start - 1)

    def _repeat_chorus(self) -> None:
        """From here on, repeat the chords so far. A chord that already sounds is not written again."""
        sounds_on = self._chosen and self._chosen[0][1] == self._chosen[-1][1]
        chorus, end = self._chosen[1:] if sounds_on else self._chosen, self._end()
        starts = range(self._bar_start, end, self._bar_start)
        self._chords = [(start + step, ids) for start in starts for step, ids in chorus if start + step < end]
        self._free_chords = False

    def _take_position(self, token: int, step: int) -> None:
        if not self._step < step < self._bar_start + self._bar_steps:
            raise self._refusal(token, "a later position inside the bar")
        self._move_to(step - 1)
        index = self._next_chord
        self._given = self._chords[index][1] if index < len(self._chords) and self._chords[index][0] == step else ()
        self._move_to(step)

    def _move_to(self, step: int) -> None:
        self._step = step
        while self._next_chord < len(self._chords) and self._chords[self._next_chord][0] <= step:
            self._next_chord += 1

    def _end(self) -> int:
        """The step at which the solo ends; the earliest possible one if later bars may be shorter."""
        if self._frame:
            return self._frame_steps
        rest = self._shortest_bar if self._meter_changes else self._bar_steps
        return self._bar_start + self._bar_steps + (self._bars - self._bar) * rest

    def _last_start(self) -> int:
        return last_start(self._end(), self._codec.steps_per_beat) if self._at_rest else self._end()

    def _ids(self, kind: str, token: int | None) -> Span:
        """The requested token, or all tokens of a kind."""
        return self._spans[kind] if token is None else one(token)

    def _at_position(self) -> Spans:
        if self._given:
            return (one(self._given[0]),)
        # A prime may end at a position under a sounding note. Only a chord is possible there, even with given chords.
        if self._free_chords or self._step < self._busy_until:
            return (self._spans["Chord"], *self._possible.roots, *self._pitch_ids())
        return self._pitch_ids()

    def _after_root(self) -> Spans:
        if self._given:
            return (one(self._given[0]),)
        # The root may come from a prime, and then the key may have no chord on it.
        return self._possible.qualities[self._root] or (self._spans["ChordQuality"],)

    def _in_place(self) -> Spans:
        """What may follow at the same bar line or position."""
        last = self._last
        if last == "ChordQuality" and self._free_chords:
            return (*self._later.basses(self._root, self._quality), *self._pitch_ids())
        if last in ("Chord", "ChordQuality", "ChordBass"):
            return self._pitch_ids()
        if last == "Duration" and self._values[self._last_id] == self._codec.longest_duration:
            return self._durations()
        spans: Spans = ()
        if last == "Bar" and self._meter_changes:
            spans = without(self._spans["TimeSig"], self._meter)
        if last in ("Bar", "TimeSig") and self._tempo_changes:
            spans = (*spans, *without(self._spans["Tempo"], self._tempo))
        return spans

    def _next_place(self) -> Spans:
        """Positions up to the next given chord, or if the bar has no more given chords, the next bar or EOS."""
        bar_end, offset = self._bar_start + self._bar_steps, self._first["Position"] - self._bar_start
        given = self._chords[self._next_chord][0] if self._next_chord < len(self._chords) else bar_end
        earliest = self._step + 1 if self._free_chords else max(self._step + 1, self._busy_until)
        latest = bar_end if self._free_chords else 1 + self._last_start()
        first, stop = min(earliest, bar_end), min(given, bar_end, latest)
        if given < bar_end:
            after = one(offset + given)
        else:
            after = self._end_line if self._bar == self._bars else self._bar_line
        return ((offset + first, offset + stop), after) if first < stop else (after,)

    def _pitch_ids(self) -> Spans:
        return self._pitch_spans if self._busy_until <= self._step <= self._last_start() else ()

    def _durations(self) -> Spans:
        """Durations up to the end of the solo. The chain written so far ends at `_busy_until`."""
        longest = min(self._codec.longest_duration, self._end() - self._busy_until)
        shortest = self._first["Duration"]
        whole = shortest, shortest + longest
        if not (self._at_rest and self._last == "Velocity"):
            return (whole,)
        # After some durations no note may start, so the solo would stop inside an ornament: at least half a beat then.
        room, half = max(0, self._last_start() - self._step), self._codec.steps_per_beat // 2 - 1
        if room >= half:
            return (whole,)
        return (shortest, shortest + min(room, longest)), (shortest + half, max(shortest + half, whole[1]))

    def _check_wishes(self, artist: str | None) -> None:
        lowest, highest = self._pitches
        ticks = [tick for tick, _ in self._chords]
        end = self._frame_steps
        if self._meter_id is not None:
            end = self._bars * int(self._codec.meter_steps[self._values[self._meter_id]])
        for what, holds, expected, found in (
            ("bars", self._bars >= 1, "at least 1", str(self._bars)),
            ("pitch range", 0 <= lowest <= highest <= 127, "lowest to highest within 0 … 127", f"{lowest} … {highest}"),
            ("artist", artist in (None, *self._codec.artists), f"one of {', '.join(self._codec.artists)}", str(artist)),
            ("chords", ticks == sorted(set(ticks)), "ascending changes", "two at one step or out of order"),
            ("chords", not ticks or (ticks[0] >= 0 and ticks[-1] < end), f"changes within {self._bars} bars", "others"),
        ):
            if not holds:
                raise InputError(what, expected=expected, found=found, remedy="change the request")

    def _refusal(self, token: int, expected: str) -> InputError:
        return InputError(
            f"bar {self._bar}",
            expected=expected,
            found=self._codec.vocabulary[token],
            remedy="use a prime of whole tokens that is shorter than the solo",
        )
