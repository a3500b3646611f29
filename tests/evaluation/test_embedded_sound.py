import numpy as np
import pytest
from tiny_musicgen import tiny_musicgen

from yardbird.audio.resampling import to_mono
from yardbird.audio.synth import render
from yardbird.audio.wave import Waveform
from yardbird.bootstrap_settings import Resampling
from yardbird.evaluation.embedded_sound import distances, embed_with_codec
from yardbird.metrics.estimates import flat
from yardbird.music.score import Score, Tempo, make_notes
from yardbird.nn import encodec
from yardbird.nn.clip_codec import ClipCodec


def solo(tonic: int, qpm: float, program: int) -> Waveform:
    rows = [(place * 6, 6, 60 + tonic + step, 90) for place, step in enumerate([0, 2, 4, 5, 7, 9, 11, 12])]
    return render(Score(12, make_notes(rows), 48, tempos=(Tempo(0, qpm),), program=program))


def test_a_vector_is_the_mean_of_the_latents_of_a_second():
    family, sound = tiny_musicgen(), solo(0, 200.0, 65)
    samples = to_mono(sound, 16_000)
    latents = family.sound_latents(samples)
    (found,) = embed_with_codec(family, [sound], "a solo")
    assert latents.shape == (-(-len(samples) // 320), 4)
    assert np.allclose(found[1], latents[25:75].mean(axis=0), atol=1e-5)
    assert len(found) == 1 + (len(latents) - 50) // 25
    assert len(embed_with_codec(family, [Waveform(sound.samples[:9000], sound.sample_rate)], "short")[0]) == 1


def test_the_codes_are_those_of_the_latents():
    """The embedding is what the codec quantises."""
    family = tiny_musicgen()
    samples = to_mono(solo(0, 200.0, 65), 16_000)
    latents = family.sound_latents(samples)
    first = encodec.codebooks(family.model.audio_encoder)[0].embed.numpy()
    nearest = ((latents[:, None] - first) ** 2).sum(axis=2).argmin(axis=1)
    assert nearest.tolist() == family.encode_sound(samples)[0].tolist()


def test_another_instrument_is_further_away_than_the_same_one_with_the_shipped_codec(root):
    family = tiny_musicgen()
    family.codec = ClipCodec(encodec.load(root / "codec"), channels=1)
    sets = {
        "real": [solo(tonic, 200, 65) for tonic in range(4)],
        "same": [solo(tonic, 190, 65) for tonic in range(4)],
        "flute": [solo(tonic, 190, 73) for tonic in range(4)],
    }
    embedded = {row: embed_with_codec(family, own, row) for row, own in sets.items()}
    found = {row: flat(own) for row, own in distances(embedded, Resampling(20, 0), "codec_").items()}
    assert found.keys() == {"same", "flute"}
    for name in ("codec_frechet_distance", "codec_kernel_distance"):
        assert found["same"][name] < 0.3 * found["flute"][name]
    assert found["same"]["codec_kernel_distance"] == pytest.approx(0, abs=5)
