"""Solos of a source that belong together: those with the same notes, of which one is used, and transposed copies."""

from dataclasses import replace

from yardbird.data.manifest import Rejected, SoloRow


class SameNotes:
    """The solos kept of those with the same notes, by the hash of their notes: their ids, files and chord coverages."""

    def __init__(self) -> None:
        self.kept: dict[str, tuple[str, str, float]] = {}

    def add(self, row: SoloRow, rejected: list[Rejected]) -> None:
        """Keep a solo or, if one with the same notes is kept already, add one of the two to `rejected`."""
        if other := self.kept.get(row.content_hash):
            _, file, coverage = other
            if row.chord_coverage <= coverage:
                rejected.append(_copy(row.file, file))
                return
            rejected.append(_copy(file, row.file))
        self.kept[row.content_hash] = row.solo, row.file, row.chord_coverage

    def keeps(self, row: SoloRow) -> bool:
        return self.kept[row.content_hash][0] == row.solo


def _copy(file: str, kept: str) -> Rejected:
    return Rejected(file, f"expected a different solo, found the same notes as {kept}", "delete one of the two")


class TuneGroups:
    """Flags transposed copies and merges their tune groups, so that one split contains all of them."""

    def __init__(self) -> None:
        self._first: dict[str, tuple[str, str]] = {}  # by interval hash: the id and the tune group of the first solo
        self._group_of: dict[str, str] = {}

    def add(self, row: SoloRow) -> None:
        _, group = self._first.setdefault(row.interval_hash, (row.solo, row.tune_group))
        if self._root(row.tune_group) != self._root(group):
            self._group_of[self._root(row.tune_group)] = self._root(group)

    def joined(self, row: SoloRow) -> SoloRow:
        """The final row of a solo, after all have been added."""
        original, _ = self._first[row.interval_hash]
        flags = [row.flags] if original == row.solo else [row.flags, f"transposed_copy_of:{original}"]
        return replace(row, flags="|".join(filter(None, flags)), tune_group=self._root(row.tune_group))

    def _root(self, group: str) -> str:
        while group in self._group_of:
            group = self._group_of[group]
        return group
