"""What weights of 8 bits cost: nats per note of held-out solos, predicted token by token as in drawing.

Run it in the folder of a finished run, which has models/music_transformer and data/encoded/events.
"""

import sys
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from yardbird.devices import prepare_torch
from yardbird.models.music_transformer.event_windows import read_sequences, read_tokens
from yardbird.models.music_transformer.transformer_family import MusicTransformerFamily
from yardbird.nn.compiled_decoder import CompiledDecoder

ENCODED = Path("data/encoded/events")


@torch.inference_mode()
def nats_per_note(family: MusicTransformerFamily, split: str, *, int8: bool) -> float:
    """Of the first tokens of each solo, as many as the context has."""
    tokens, context = read_tokens(ENCODED), family.config.context_length
    pitches = family.codec.ids("Pitch")
    nats, notes = 0.0, 0
    for sequence in read_sequences(ENCODED, split):
        solo = tokens[sequence.start : sequence.start + min(sequence.length, context)].astype(np.int64)
        decoder = CompiledDecoder(family.model, 1, context, int8=int8)
        logits = np.concatenate(
            [decoder.start(solo[None, :1])] + [decoder.step(solo[at, None]) for at in range(1, len(solo) - 1)]
        )
        scores = torch.from_numpy(logits).double().log_softmax(1)
        nats -= float(scores.gather(1, torch.from_numpy(solo[1:, None])).sum())
        notes += int(((solo >= pitches.start) & (solo < pitches.stop)).sum())
    return nats / notes


def main() -> None:
    prepare_torch()
    family = MusicTransformerFamily.load(Path("models/music_transformer"))
    for split in ("validation", "test"):
        whole, rounded = (nats_per_note(family, split, int8=int8) for int8 in (False, True))
        print(f"{split}: {whole:.4f} nats per note, {rounded:.4f} with weights of 8 bits ({rounded - whole:+.4f})")


if __name__ == "__main__":
    main()
