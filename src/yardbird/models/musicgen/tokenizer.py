"""A word-level tokenizer of captions, for a model trained from scratch.

Spaces and commas separate words: `Bb`, `minor`, `12-bar` and `220` are one word each. All rules are stored in
tokenizer.json, so that `AutoTokenizer.from_pretrained` reads captions as training did.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

if TYPE_CHECKING:  # imported only where it is used: it is slow to import
    from transformers import PreTrainedTokenizerBase

PAD, UNKNOWN, END = "<pad>", "<unk>", "</s>"

_REPLACED = (
    (r"♭", "b"),
    (r"♯", "#"),
    (r"^A\b(?![b#]| (major|minor))|\ba\b|\b[Aa]n\b|\b[Tt]he\b", " "),  # articles; a capital A elsewhere is a key
    (r"(?<=\d)\d *(?=bpm\b)", "0 "),  # tempos rounded down to tens
)
_BETWEEN_WORDS = r"[^\w#'-]+"


def word_tokenizer(captions: Iterable[str]) -> "PreTrainedTokenizerBase":
    """One token for each word, ignoring case. Every caption ends with an end token, so that none is empty."""

    from transformers import PreTrainedTokenizerFast

    rules = [normalizers.Replace(Regex(pattern), content) for pattern, content in _REPLACED]
    tokenizer = Tokenizer(models.WordLevel({}, unk_token=UNKNOWN))
    tokenizer.normalizer = normalizers.Sequence([*rules, normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(_BETWEEN_WORDS), "removed")
    words = {word for caption in captions for word in _words(tokenizer, caption)}
    vocabulary = {word: number for number, word in enumerate([PAD, UNKNOWN, END, *sorted(words)])}
    tokenizer.model = models.WordLevel(vocabulary, unk_token=UNKNOWN)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"$A {END}", special_tokens=[(END, vocabulary[END])]
    )
    wrapped: PreTrainedTokenizerBase = cast(Any, PreTrainedTokenizerFast)(  # untyped
        tokenizer_object=tokenizer, pad_token=PAD, unk_token=UNKNOWN, eos_token=END
    )
    return wrapped


def unknown_words(tokenizer: "PreTrainedTokenizerBase", caption: str) -> tuple[str, ...]:
    """The words outside the vocabulary, as written, in their order."""
    encoded = tokenizer(caption, return_offsets_mapping=True)
    pairs = zip(encoded["input_ids"], encoded["offset_mapping"], strict=True)
    return tuple(caption[start:stop] for token, (start, stop) in pairs if token == tokenizer.unk_token_id)


def _words(tokenizer: Tokenizer, caption: str) -> list[str]:
    normalised = tokenizer.normalizer.normalize_str(caption)
    return [word for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(normalised)]
