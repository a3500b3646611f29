"""Writes the solos of `yardbird generate`, and reports them."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yardbird.cli.console import print_json, result
from yardbird.cli.drawing_options import note_seed
from yardbird.cli.notation_command import Player, write_part
from yardbird.cli.output_places import OUT, Place, reserved
from yardbird.errors import counted

if TYPE_CHECKING:
    from yardbird.generation.orders import GenerateConfig
    from yardbird.generation.solos import Solo

FOLDER = OUT / "generate"
_KINDS = ("mid", "wav", "png", "json")


@dataclass(frozen=True)
class WrittenSolos:
    """Where the solos are written, and how they are reported."""

    out: Path | None
    force: bool
    as_json: bool
    notation: Player | None
    seed: int
    drawn_seed: bool

    @contextmanager
    def names(self, group: str, count: int) -> Iterator[tuple[Place, list[str]]]:
        """Hold the names of a batch of solos, so that it replaces no solo of another command."""
        folder, batch = self.out or FOLDER, f"{group}_seed{self.seed}"

        def names(end: str) -> list[str]:
            return [f"{batch}{end}_{number:03d}" for number in range(count)]

        def files(end: str) -> list[Path]:
            return [folder / f"{name}.mid" for name in names(end)]

        chosen = self.out is not None
        with reserved(folder, lambda end: [batch + end], files, chosen=chosen, force=self.force) as place:
            yield place, names(place.end)

    def write(
        self,
        place: Place,
        solos: "Iterable[Solo]",
        settings: "GenerateConfig",
        provenance: Mapping[str, Any],
        made: Mapping[str, Any],
    ) -> None:
        """Write the solos, all files of one together, and print a line for each.

        Args:
            made: the files and options that are not in the settings, for the provenance.
        """
        from yardbird.generation.solos import write_solo
        from yardbird.software import software

        stage = f"generate@{provenance['family']}"
        made = {"by": "generate", **made, "notation": self.notation, "with": software(stage)}
        rows = []
        for drawn in solos:
            stem, score = place.folder / drawn.order.name, drawn.score
            with place.together() as draft:
                write_solo(drawn, draft / stem.name, settings, self.seed, provenance, made)
                if self.notation:
                    write_part(score, draft / stem.name, self.notation)
            row = {"bars": score.bar_count, "notes": len(score.notes)}
            text = f"{counted(score.bar_count, 'bar')}, {counted(len(score.notes), 'note')}"
            if filled := drawn.order.filled:
                places = score.bar_of(score.onsets)
                new = sum(int(((bars.start <= places) & (places < bars.stop)).sum()) for bars in filled.bars)
                row |= {"filled_bars": sum(map(len, filled.bars)), "filled_notes": new}
                text = f"{row['filled_bars']} of {counted(score.bar_count, 'bar')} filled with {counted(new, 'note')}"
            facts = {"key": str(score.key or ""), "qpm": round(score.mean_qpm, 1)}
            part = f"_{self.notation}.pdf" if self.notation else ""
            sheet = {"pdf": f"{stem}{part}"} if part else {}
            rows.append({**{kind: f"{stem}.{kind}" for kind in _KINDS}, **sheet, **row, **facts})
            if not self.as_json:
                result(f"{stem}.mid .wav .png .json{part and f' {part}'}: {text}")
        if self.as_json:
            print_json({"seed": self.seed, "solos": rows})
        if self.drawn_seed:
            note_seed(self.seed)
