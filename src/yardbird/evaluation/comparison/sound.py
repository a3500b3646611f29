"""The section on sound: held-out codes, what is heard, and how good the ears are that heard it."""

from yardbird.evaluation.comparison import cells
from yardbird.evaluation.comparison.gather import Comparison

_CODES = {
    "nats per frame": ("nats_per_frame", 3),
    "gain on the unigram": ("gain_on_unigram", 3),
    "gain on the untrained": ("gain_on_untrained", 3),
    **{f"codebook {book}": (f"nats_codebook_{book}", 3) for book in range(1, 5)},
    **{f"top-1, codebook {book}": (f"accuracy_codebook_{book}", 3) for book in range(1, 5)},
}
_HEARD = {
    "Fréchet distance": ("frechet_distance", 2),
    "voiced share": ("voiced_share", 3),
    "notes a second": ("notes_per_second", 2),
    "scale of the caption": ("caption_margin", 3),
}
_EARS = {
    "note F1": ("note_f1", 3),
    "pitch kept": ("pitch_share", 3),
    "log-mel distance": ("log_mel_distance", 3),
}


def as_markdown(comparison: Comparison) -> list[str]:
    """The section; no line where no family makes sound."""
    rows = comparison.figures()
    codes = cells.table(rows, _CODES)
    return ["## Sound", "", *codes, ""] if codes else []
