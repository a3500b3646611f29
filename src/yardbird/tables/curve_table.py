"""The training curve, reports/train/<family>_curve.csv: one row per epoch; the columns depend on the family."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from yardbird import files
from yardbird.errors import InputError

#: One epoch of the curve: `epoch` (from 1), `learning_rate`, `train_loss`, `train_<term>`, `validation_<measure>`.
CurveRow = Mapping[str, float]
_REMEDY = "train the family again"


def write_curve(path: Path, curve: Sequence[CurveRow]) -> None:
    """Write a header and one line for each epoch, with seven significant digits."""
    header = list(curve[0])
    rows = ({name: f"{row[name]:.7g}" for name in header} for row in curve)
    files.write_csv(path, header, rows)


def read_curve(path: Path) -> list[dict[str, float]]:
    """One dictionary of all columns for each epoch.

    Raises:
        InputError: a value is missing or is not a number.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            lines = csv.reader(file)
            header = next(lines, [])
            rows = []
            for line in lines:
                expected = f"{len(header)} numbers in line {lines.line_num}"
                if len(line) != len(header):
                    raise InputError(path, expected=expected, found=str(len(line)), remedy=_REMEDY)
                try:
                    rows.append(dict(zip(header, map(float, line), strict=True)))
                except ValueError as error:
                    raise InputError(path, expected=expected, found=str(error), remedy=_REMEDY) from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(path, expected="a UTF-8 table of numbers", found=str(error), remedy=_REMEDY) from None
    return rows
