"""What each visitor has on the desk, and what all visitors share."""

from dataclasses import dataclass
from pathlib import Path

from yardbird.errors import InputError
from yardbird.studio.between_desk import Between
from yardbird.studio.model_shelf import ModelShelf
from yardbird.studio.move_desk import Moved
from yardbird.studio.reference_solos import ReferenceSolos
from yardbird.studio.sing_desk import Sung
from yardbird.studio.solo_desk import Take
from yardbird.studio.studio_session import Chosen, Session

NO_SOLO, ON_DESK = "(a file of yours, above)", "the solo of the tab Solo"  # in the lists of solos
_EXAMPLES = 12  # solos of the corpus in the lists


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

    def visitor(self) -> Visitor:
        """A new visitor, with a session of their own."""
        return Visitor(Session.start(self.sessions))

    def choices(self, visitor: Visitor) -> list[str]:
        """The entries of the lists of solos: the solo on the desk, kept ones, then examples of the corpus."""
        session = visitor.session
        kept = [name for name in session.kept if (session.folder / f"{name}.mid").is_file()]
        return [NO_SOLO, *([ON_DESK] if visitor.take else []), *kept, *self._examples()]

    def pick(self, visitor: Visitor, upload: str | None, choice: str | None) -> Chosen:
        """The solo that a visitor has chosen: an uploaded file comes before an entry of the list.

        Raises:
            InputError: nothing is chosen, or the file is unusable.
        """
        if upload:
            return visitor.session.take_in(upload)
        if choice == ON_DESK and visitor.take:
            return visitor.session.put_in(visitor.take.solo.score, visitor.take.name)
        if choice in visitor.session.kept:
            return Chosen(visitor.session.folder / f"{choice}.mid", f"{choice}.mid")
        if choice in (found := self._examples()):
            return Chosen(found[choice], choice)
        raise InputError("solo", expected="a file, or a solo of the list", found="neither", remedy="choose one")

    def _examples(self) -> dict[str, Path]:
        return {path.stem.replace("_", " "): path for path in sorted(self.corpus.glob("*.mid"))[:_EXAMPLES]}
