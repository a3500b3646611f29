"""The section on sound: held-out codes, metrics of sound, and the accuracy of the transcriber."""

from yardbird.comparison import table_cells
from yardbird.comparison.gathering import Comparison, figures_of
from yardbird.report_tables import Section, Table

_SCORED = "nats_per_frame"
_CODEBOOKS = range(1, 5)
#: Optional, because a codec may have fewer codebooks, and a split may lack solos of a tempo.
_OF_CODEBOOKS = tuple(f"{key}_codebook_{book}" for key in ("nats", "accuracy") for book in _CODEBOOKS)
_BY_TEMPO = ("note_f1_slow", "note_f1_medium", "note_f1_fast")
_CODES = {
    "nats per frame": (_SCORED, 2),
    "gain on the untrained": ("gain_on_untrained", 2),
    "gain on the unigram": ("gain_on_unigram", 2),
    "gain on the bigram": ("gain_on_bigram", 2),
    **{f"codebook {book}": (f"nats_codebook_{book}", 2) for book in _CODEBOOKS},
    **{f"top-1, {book}": (f"accuracy_codebook_{book}", 3) for book in _CODEBOOKS},
}
#: Only with a CLAP checkpoint.
_OF_CLAP = {
    "Fréchet, CLAP": "clap_frechet_distance",
    "kernel, CLAP": "clap_kernel_distance",
    "CLAP score": "clap_score",
}
_HEARD = {
    "Fréchet distance": ("frechet_distance", 3),
    "kernel distance": ("kernel_distance", 2),
    "voiced": ("voiced_share", 3),
    "notes a second": ("notes_per_second", 2),
    "key margin": ("caption_key_margin", 3),
    "p": ("caption_key_p", 4),
    "in tempo": ("caption_tempo_share", 2),
    **{heading: (key, 3) for heading, key in _OF_CLAP.items()},
}
_TOOLS = {
    "note F1": ("note_f1", 3),
    "precision": ("note_precision", 3),
    "recall": ("note_recall", 3),
    "chroma cosine": ("chroma_cosine", 3),
    "F1, slow": ("note_f1_slow", 3),
    "medium": ("note_f1_medium", 3),
    "fast": ("note_f1_fast", 3),
}


def section(comparison: Comparison) -> Section:
    """Three tables, without rows if no family makes sound."""
    tables = {name: figures_of(table) for name, table in comparison.tables.items()}
    rows = {row: own for name, table in tables.items() if _SCORED in table.get(name, {}) for row, own in table.items()}
    return Section(
        "Sound",
        [
            Table(
                ["row", *_CODES],
                table_cells.rows(rows, _CODES, _OF_CODEBOOKS),
                "Nats per frame of held-out codes, comparable within one codec only; accuracy by codebook.",
                ["Sound", "Nats per note"],
            ),
            Table(
                ["row", *_HEARD],
                table_cells.rows(
                    rows, _HEARD, ["kernel_distance", *_OF_CLAP.values()]
                ),  # of a single sound there is none
                "Sound compared with held-out sound, over the codec's latents or CLAP. "
                "Kernel distances, unbiased, can be negative.",
                ["Sound", "Captions"],
            ),
            Table(
                ["row", *_TOOLS],
                table_cells.rows(rows, _TOOLS, _BY_TEMPO),
                "Held-out notes found in renders, after the codec, and in the sound of the model that follows them.",
                ["Sound"],
            ),
        ],
    )
