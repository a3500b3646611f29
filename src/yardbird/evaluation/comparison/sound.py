"""The section on sound: held-out codes, what is heard in sound, and how well it is heard."""

from yardbird.evaluation.comparison import cells
from yardbird.evaluation.comparison.gather import Comparison, figures_of
from yardbird.metrics.sound import EMBEDDING

_SCORED = "nats_per_frame"
_CODEBOOKS = range(1, 5)
_CODES = {
    "nats per frame": (_SCORED, 2),
    "gain on the untrained": ("gain_on_untrained", 2),
    "gain on the unigram": ("gain_on_unigram", 2),
    "gain on the bigram": ("gain_on_bigram", 2),
    **{f"codebook {book}": (f"nats_codebook_{book}", 2) for book in _CODEBOOKS},
    **{f"top-1, {book}": (f"accuracy_codebook_{book}", 3) for book in _CODEBOOKS},
}
_HEARD = {
    "Fréchet distance": ("frechet_distance", 2),
    "voiced": ("voiced_share", 3),
    "notes a second": ("notes_per_second", 2),
    "key margin": ("caption_key_margin", 3),
    "p": ("caption_key_p", 4),
    "CLAP": ("clap_score", 3),
}
_TOOLS = {
    "note F1": ("note_f1", 3),
    "precision": ("note_precision", 3),
    "recall": ("note_recall", 3),
    "F1, slow": ("note_f1_slow", 3),
    "medium": ("note_f1_medium", 3),
    "fast": ("note_f1_fast", 3),
}


def as_markdown(comparison: Comparison) -> list[str]:
    """The section; no line where no family makes sound."""
    tables = {name: figures_of(table) for name, table in comparison.tables.items()}
    rows = {row: own for name, table in tables.items() if _SCORED in table.get(name, {}) for row, own in table.items()}
    if not rows:
        return []
    return [
        "## Sound", "",
        *cells.table(rows, _CODES), "",
        "Nats a frame of the codes of held-out clips, the sum over the codebooks, and how many are guessed right; "
        "gains are paired by tune. They compare with no other family's nats, nor with those of another codec. "
        "`unigram` knows how often each code occurs, `bigram` the code before as well.", "",
        *cells.table(rows, _HEARD), "",
        f"The Fréchet distance to held-out sound is over {EMBEDDING}; `floor` is training sound, `codec` the held-out "
        "sound after its round trip, `shuffled_tokens` the same with its frames in random order. Voiced is the share "
        "of the time in which a pitch is heard. The key margin is how much more of what is heard lies in the scale of "
        "the key that was asked for than in that of a random other key, p that of a signed-rank test against no more; "
        "on `real` sound it is that of the key the clip is in.", "",
        *cells.table(rows, _TOOLS), "",
        "How many notes of held-out solos the transcriber finds in their renders, pitch and onset within 50 ms, and "
        "after the round trip through the codec. The transcribed solos stand in the table above.", "",
    ]  # fmt: skip
