from pathlib import Path

import pytest
from transformers import AutoTokenizer

from yardbird.models.musicgen.tokenizer import unknown_words, word_tokenizer

CAPTIONS = [
    "Be-bop alto saxophone solo in F, 12-bar blues, 220 bpm, by Otto Cascade (synthetic)",
    "Be-bop jazz solo in Bb minor",
    "Be-bop jazz solo in A",
    "Ii-V cycle in F#",
]
WORDS = word_tokenizer(CAPTIONS)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Be-bop jazz solo in Bb minor", "be-bop jazz solo in bb minor </s>"),
        ("be-bop JAZZ solo, in B♭ minor!", "be-bop jazz solo in bb minor </s>"),
        ("A be-bop solo in A", "be-bop solo in a </s>"),
        ("A minor be-bop", "a minor be-bop </s>"),
        ("the blues by an alto in F♯, 223bpm (synthetic)", "blues by alto in f# 220 bpm synthetic </s>"),
        ("12-bar blues, 226 bpm", "12-bar blues 220 bpm </s>"),
        ("", "</s>"),
    ],
)
def test_captions_are_split_into_words(written: str, read: str) -> None:
    assert " ".join(WORDS.convert_ids_to_tokens(WORDS(written)["input_ids"])) == read


def test_every_word_of_the_training_captions_has_its_own_token() -> None:
    assert [unknown_words(WORDS, caption) for caption in CAPTIONS] == [()] * 4
    assert len(set(map(tuple, WORDS(CAPTIONS)["input_ids"]))) == 4


def test_unknown_words_are_named_as_they_were_written() -> None:
    assert unknown_words(WORDS, "Klezmer solo in A♭, by Étoile") == ("Klezmer", "A♭", "Étoile")


def test_the_tokenizer_does_not_depend_on_the_order_of_captions_and_is_the_same_after_loading(tmp_path: Path) -> None:
    WORDS.save_pretrained(tmp_path / "one")
    word_tokenizer(reversed(CAPTIONS)).save_pretrained(tmp_path / "other")
    assert (tmp_path / "one/tokenizer.json").read_text() == (tmp_path / "other/tokenizer.json").read_text()
    loaded = AutoTokenizer.from_pretrained(tmp_path / "one")
    prompts = [*CAPTIONS, "A waltz, 333 bpm"]
    assert loaded(prompts, padding=True)["input_ids"] == WORDS(prompts, padding=True)["input_ids"]
    assert unknown_words(loaded, "Klezmer in F") == ("Klezmer",)
