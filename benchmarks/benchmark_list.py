"""What the table of benchmarks measures, what each peer is, and the ratio that is the goal of a comparison."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Benchmark:
    """`rounds` and `seconds` are those of a quick run. `seconds` limits processor time, to under ten minutes in all."""

    file: str
    title: str
    compares: str
    rounds: int
    seconds: int
    long_rounds: int


@dataclass(frozen=True)
class Peer:
    """A variant whose name starts with `name`. An empty `package` means: written for the comparison."""

    name: str
    package: str
    does: str

    def names(self, variant: str) -> bool:
        return variant.lower().startswith(self.name.lower())


@dataclass(frozen=True)
class Goal:
    """The first variant of ours in a setting, if the setting's first parts are `work`, must be at least `ratio` times
    as fast as the peer. Others, such as weights of 8 bits, give other results or need other inputs."""

    benchmark: str
    work: str
    peer: str
    ratio: float

    def covers(self, benchmark: str, setting: str, peer: str) -> bool:
        parts = setting == self.work or setting.startswith(f"{self.work}, ")
        return benchmark == self.benchmark and parts and peer.lower().startswith(self.peer.lower())


BENCHMARKS = (
    Benchmark(
        "attention",
        "Training step of the Music Transformer",
        "Forward and backward pass: relative attention alone, and whole models of equal size (width/heads/layers) on "
        "equal tokens. L is the number of tokens in a sequence.",
        rounds=3,
        seconds=150,
        long_rounds=9,
    ),
    Benchmark(
        "decoding",
        "Decoding of the Music Transformer",
        "The same three tokens are continued greedily to the same length by models of equal size with random weights.",
        rounds=2,
        seconds=150,
        long_rounds=5,
    ),
    Benchmark(
        "vae",
        "Training step of the MusicVAE",
        "Equal weights and equal losses; only the order of the computation differs.",
        rounds=3,
        seconds=40,
        long_rounds=9,
    ),
    Benchmark(
        "musicgen",
        "Training step of the MusicGen",
        "Equal weights, sound and codes; the peers encode the clips in every step.",
        rounds=2,
        seconds=20,
        long_rounds=7,
    ),
    Benchmark(
        "encoding",
        "Tokens of solos",
        "Scores as event tokens. MidiTok's REMI gives notes the same ids; ours also writes chords and an artist.",
        rounds=5,
        seconds=10,
        long_rounds=15,
    ),
    Benchmark(
        "augmenting",
        "Augmentation",
        "The whole job of the stage `augment`: ours also moves chords, chooses the copies, writes a manifest and "
        "replaces the output as a whole.",
        rounds=2,
        seconds=30,
        long_rounds=5,
    ),
    Benchmark(
        "measuring",
        "Metrics",
        "The metrics that MusPy defines as we do, with equal values, on scores in memory.",
        rounds=5,
        seconds=10,
        long_rounds=15,
    ),
    Benchmark(
        "splitting",
        "Near duplicates",
        "Finding solos that share many runs of intervals, in a corpus where all share one.",
        rounds=2,
        seconds=5,
        long_rounds=5,
    ),
    Benchmark(
        "originality",
        "Search for shared runs",
        "An index of known solos, built and searched.",
        rounds=2,
        seconds=20,
        long_rounds=5,
    ),
    Benchmark(
        "growth",
        "Growth",
        "Time by size. A curve ends where the next size would exceed its share of the time of a quick run; "
        "`make bench OPTIONS=--long` measures all.",
        rounds=2,
        seconds=70,
        long_rounds=3,
    ),
)

PEERS = (
    Peer(
        "Hugging Face GPT-2",
        "transformers",
        "GPT-2 with torch's fused attention, and `generate` with its cache. It has no relative attention, so it does "
        "less work than ours.",
    ),
    Peer(
        "gwinndr",
        "",
        "The operations of gwinndr/MusicTransformer-Pytorch, written for this comparison from its description: the "
        "skew by padding and reshaping, a mask in memory, no cache in decoding. The same work as ours.",
    ),
    Peer(
        "memory bandwidth",
        "torch",
        "Not a model but a lower limit: every weight is read once for each token. A ratio of 0.8 means 80 % of it.",
    ),
    Peer("MidiTok", "miditok", "The tokenizer REMI. No chords, no artist; long notes are cut. Less work than ours."),
    Peer("MusPy", "muspy", "Reading, writing, transposing and metrics of MIDI files. No chords."),
    Peer("pretty_midi", "pretty_midi", "Reading, transposing and writing MIDI files. No chords."),
    Peer("nn.LSTM", "torch", "torch's LSTM, called for each step. The same work as ours."),
    Peer("a cell", "torch", "torch's `LSTMCell`, called for each step. The same work as ours."),
    Peer(
        "torch, no relative term", "torch", "`scaled_dot_product_attention`. It has no relative attention: less work."
    ),
    Peer(
        "rotary", "torch", "`scaled_dot_product_attention` with rotary positions. No learnt relative term: less work."
    ),
    Peer("pad and reshape", "torch", "The skew of the paper in plain torch operations. The same work as ours."),
    Peer("skew as attention mask", "torch", "The skewed term as the mask of torch's attention. The same work as ours."),
    Peer("encoding in the loop", "transformers", "The clips are encoded one by one in every step."),
    Peer(
        "the codec's forward",
        "transformers",
        "The codec is called in every step as `MusicgenForConditionalGeneration` does.",
    ),
    Peer("counting all pairs", "", "Counts of shared n-grams for all pairs of solos. The same result."),
    Peer("transformers generate", "transformers", "`generate` of the MusicGen, which also decodes the codes to sound."),
    Peer("Python sets", "", "Sets of n-grams. They do not find the longest run and its source: less work."),
)

_GPT2, _GWINNDR = "Hugging Face GPT-2", "gwinndr"
GOALS = (
    Goal("attention", "model 128/4/3, L 256, batch 8, dropout 0", _GPT2, 1.1),
    Goal("attention", "model 128/4/3, L 256, batch 8, dropout 0.1", _GPT2, 1.7),
    Goal("attention", "model 512/8/6, L 1024, batch 1, dropout 0", _GPT2, 1.0),
    Goal("attention", "model 512/8/6, L 1024, batch 1, dropout 0.1", _GPT2, 2.2),
    Goal("attention", "model 512/8/6, L 2048, batch 1, dropout 0", _GPT2, 1.1),
    Goal("attention", "model 512/8/6, L 2048, batch 1, dropout 0.1", _GPT2, 2.5),
    Goal("attention", "model 512/8/6, L 2048, batch 1, dropout 0", _GWINNDR, 3.0),
    Goal("attention", "model 512/8/6, L 2048, batch 1, dropout 0.1", _GWINNDR, 3.5),
    Goal("decoding", "128/4/3, batch 1, 512 tokens", _GPT2, 2.0),
    Goal("decoding", "128/4/3, batch 1, 512 tokens", _GWINNDR, 25.0),
    Goal("decoding", "128/4/3, batch 16, 512 tokens", _GPT2, 2.0),
    Goal("decoding", "512/8/6, batch 1, 512 tokens", _GPT2, 1.7),
    Goal("decoding", "512/8/6, batch 16, 512 tokens", _GPT2, 1.7),
    Goal("decoding", "512/8/6, batch 1, 2048 tokens", _GPT2, 1.7),
    Goal("decoding", "128/4/3, batch 1, 512 tokens", "memory bandwidth", 0.3),
    Goal("decoding", "512/8/6, batch 1, 512 tokens", "memory bandwidth", 0.8),
    Goal("encoding", "from scores", "MidiTok", 9.0),
    Goal("encoding", "from files", "MidiTok", 7.0),
    Goal("augmenting", "100 solos to 1000", "pretty_midi", 40.0),
    Goal("augmenting", "100 solos to 1000", "MusPy", 25.0),
    Goal("measuring", "two entropies", "MusPy", 20.0),
    Goal("vae", "whole model, 2 bars, decoder of 96", "nn.LSTM", 5.0),
)
