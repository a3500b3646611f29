"""The words of captions as tokens, for a model trained from scratch.

A word is what stands between spaces and commas: `Bb`, `minor`, `12-bar` and `220` are words each. Every rule lies in
tokenizer.json, so that `AutoTokenizer.from_pretrained` reads captions as training did.
"""

from collections.abc import Iterable
from typing import Any, cast

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

PAD, UNKNOWN, END = "<pad>", "<unk>", "</s>"

_REPLACED = (
    (r"♭", "b"),
    (r"♯", "#"),
    (r"^A\b(?![b#]| (major|minor))|\ba\b|\b[Aa]n\b|\b[Tt]he\b", " "),  # articles; a capital A elsewhere is a key
    (r"(?<=\d)\d *(?=bpm\b)", "0 "),  # tempos by tens
)
_BETWEEN_WORDS = r"[^\w#'-]+"


def word_tokenizer(captions: Iterable[str]) -> PreTrainedTokenizerBase:
    """One token a word, whatever its case; each caption ends in one of its own, so that an empty one is no nothing."""
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
    wrapped: PreTrainedTokenizerBase = cast(Any, PreTrainedTokenizerFast)(  # it carries no types
        tokenizer_object=tokenizer, pad_token=PAD, unk_token=UNKNOWN, eos_token=END
    )
    return wrapped


def unknown_words(tokenizer: PreTrainedTokenizerBase, caption: str) -> tuple[str, ...]:
    """The words that the model has never read, as they are written, in their order."""
    encoded = tokenizer(caption, return_offsets_mapping=True)
    pairs = zip(encoded["input_ids"], encoded["offset_mapping"], strict=True)
    return tuple(caption[start:stop] for token, (start, stop) in pairs if token == tokenizer.unk_token_id)


def _words(tokenizer: Tokenizer, caption: str) -> list[str]:
    normalised = tokenizer.normalizer.normalize_str(caption)
    return [word for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(normalised)]
