"""Stage encode: the augmented corpus → packed event tokens, their index and codec, and what the grid lost."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from yardbird import files
from yardbird.codecs.corpus import encode_corpus
from yardbird.codecs.vocabulary import EncodeConfig
from yardbird.config import read_section
from yardbird.errors import exit_on_error


@exit_on_error
def main() -> None:
    report = encode_corpus(Path("data/augmented"), Path("data/encoded"), read_section("encode", EncodeConfig))
    files.write_json(Path("reports/encode.json"), {"encode": report.corpus})
    for source, counts in report.sources.items():
        lost = f"{counts['merged_notes']} of {counts['notes']} notes merged ({counts['merged_share']:.2%})"
        print(f"{source}: {lost}, {counts['tokens_per_note']:.2f} tokens a note")
    print("{files} files, {tokens} tokens, the longest {longest}".format_map(report.corpus))


if __name__ == "__main__":
    main()
