"""Stage encode@<codec>: the augmented corpus → packed arrays, their index and codec, and a report of lost notes."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from yardbird import files
from yardbird.codecs.encoded_corpus import encode_corpus
from yardbird.codecs.melody import MelodyConfig
from yardbird.codecs.vocabulary import EncodeConfig
from yardbird.config import read_section
from yardbird.errors import exit_on_error, stage_arguments
from yardbird.execution import prepare_workers
from yardbird.shards import stage_shards

CONFIGS: dict[str, type[EncodeConfig] | type[MelodyConfig]] = {"events": EncodeConfig, "melody": MelodyConfig}


@exit_on_error
def main() -> None:
    (name,) = stage_arguments("the name of a codec", known=CONFIGS)
    config = read_section(f"encode.{name}", CONFIGS[name])
    prepare_workers()
    report = encode_corpus(Path("data/augmented"), Path("data/encoded") / name, config, stage_shards(f"encode@{name}"))
    files.write_json(Path("reports/encode") / f"{name}.json", {name: report.corpus})
    unit = report.unit
    for source, counts in report.sources.items():
        lost = f"{counts['merged_notes']} of {counts['notes']} notes merged ({counts['merged_share']:.2%})"
        print(f"{source}: {lost}, {counts[f'{unit}_per_note']:.2f} {unit} a note")
    print(f"{report.corpus['files']} files, {report.corpus[unit]} {unit}, the longest {report.corpus['longest']}")


if __name__ == "__main__":
    main()
