"""The chords that a grammar allows, as ranges of token ids."""

from collections.abc import Sequence

from yardbird.codecs.events import EventCodec
from yardbird.codecs.mask_table import Spans, one
from yardbird.music.chords import QUALITIES, Chord


class PossibleChords:
    """The chords whose qualities are among those of their root.

    Args:
        of_roots: the qualities of each pitch class (`yardbird.music.key_chords`). None: every chord.

    Attributes:
        roots: the ids of the roots that have a chord.
        qualities: for each of the 12 roots, the ids of its qualities.
    """

    def __init__(self, codec: EventCodec, of_roots: Sequence[frozenset[str]] | None) -> None:
        root, quality, self._bass = (codec.ids(kind).start for kind in ("ChordRoot", "ChordQuality", "ChordBass"))
        self._in_key = of_roots is not None
        chosen = [frozenset(QUALITIES)] * 12 if of_roots is None else of_roots
        self.roots: Spans = tuple(one(root + index) for index, own in enumerate(chosen) if own)
        self.qualities: tuple[Spans, ...] = tuple(
            tuple(one(quality + index) for index, name in enumerate(QUALITIES) if name in own) for own in chosen
        )

    def basses(self, root: int, quality: int) -> Spans:
        """The ids of the bass notes of a chord, given by pitch class and index of its quality; in a key, its tones."""
        tones = Chord(root, list(QUALITIES)[quality]).pitch_classes if self._in_key else range(12)
        return tuple(one(self._bass + tone) for tone in sorted(tones) if tone != root)
