"""The findings of the split and augment stages on a small corpus, before the run."""

from collections.abc import Container, Mapping
from pathlib import Path

from yardbird.data.augmentation import AugmentConfig, Outline, choose
from yardbird.data.ingest import survey
from yardbird.data.reading import IngestConfig
from yardbird.data.solo_places import list_solos
from yardbird.data.splitting import SplitConfig, interval_grams, split_by_grams
from yardbird.errors import ConfigError, InputError

#: Solos of a corpus that is read in a second or two; larger ones seldom need other parameters.
MOST_SOLOS = 200


class CorpusError(ConfigError):
    """A parameter does not fit the corpus; `remedy` has a value that does."""

    def __init__(self, key: str, error: InputError) -> None:
        super().__init__("params.yaml", key, expected=error.expected, found=error.found)
        self.remedy = error.remedy


def foresee(
    sources: Mapping[str, Path],
    background: Container[str],
    ingest: IngestConfig,
    split: SplitConfig,
    augment: AugmentConfig,
) -> tuple[CorpusError | None, tuple[str, ...]]:
    """The value that the split or the augment stage would refuse, and the warnings of the split stage.

    There are none if the sources, name → folder, have no usable solo or more than `MOST_SOLOS` solos. Solos that the
    validate stage would set aside are counted, too.

    Raises:
        InputError: a manifest is unreadable.
    """
    if sum(len(list_solos(folder, [])) for folder in sources.values()) > MOST_SOLOS:
        return None, ()
    solos = [solo for name, folder in sources.items() for solo in survey(folder, name, ingest).used]
    rows = [solo.row for solo in solos]
    target = [row for row in rows if row.source not in background]
    if not target:
        return None, ()  # the ingest stage lists the reasons
    grams = {solo.row.solo: interval_grams(solo.score.pitches) for solo in solos}
    outlines = {solo.row.solo: Outline.of(solo.score) for solo in solos}
    try:
        dealt = split_by_grams(rows, grams, Path("sources"), split, background)
    except InputError as error:
        return CorpusError("split.salt", error), ()
    parents = [row for row in target if dealt.splits[row.solo] == "train"]
    try:
        choose(parents, outlines, augment.target_size - len(target), augment, seed=0)
    except InputError as error:
        return CorpusError("augment.target_size", error), dealt.warnings
    return None, dealt.warnings
