"""The three kinds of question. A question has one clip or two and a fixed list of answers.

A test has one kind, its mode: "is this the artist?" (`yes_no`), an opinion from 1 to 5 (`scale`), or a preference
between two clips (`pairs`). Planning, pages, votes and results are the same for all modes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

REAL, DECOY, CHECK, EXAMPLE = "real", "decoy", "check", "example"  # sources that are not families
Mode = Literal["yes_no", "scale", "pairs"]


@dataclass(frozen=True)
class Kind:
    """One kind of question.

    Attributes:
        answers: as stored, in the order of their buttons. Of a pair, `a` prefers the first clip.
        lowest: the value of the first answer; each further answer is worth 1 more.
        clips: of a question.
    """

    answers: tuple[str, ...]
    lowest: int = 0
    clips: int = 1

    def value(self, answer: str) -> int:
        """The answer as a number: 0 or 1, or 1 to 5."""
        return self.lowest + self.answers.index(answer)

    @property
    def bounds(self) -> tuple[int, int]:
        """The lowest and the highest value."""
        return self.lowest, self.lowest + len(self.answers) - 1


KINDS: Mapping[Mode, Kind] = {
    "yes_no": Kind(("no", "yes")),
    "scale": Kind(("1", "2", "3", "4", "5"), lowest=1),
    "pairs": Kind(("a", "b"), clips=2),
}
