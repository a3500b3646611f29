"""What the table of benchmarks measures, what each peer is, and the ratio that each comparison must reach."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Benchmark:
    """`rounds` and `seconds` are those of a quick run; its sum of seconds is the promise of `make bench`."""

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


@dataclass(frozen=True)
class Goal:
    """Ours must be at least `ratio` times as fast as the peer in all settings that start with `work`."""

    benchmark: str
    work: str
    peer: str
    ratio: float


BENCHMARKS = (
    Benchmark(
        "attention",
        "Training step of the Music Transformer",
        "Forward and backward pass: relative attention alone, and whole models of equal size (width/heads/layers) on "
        "equal tokens. L is the number of tokens in a sequence.",
        rounds=3,
        seconds=130,
        long_rounds=9,
    ),
    Benchmark(
        "decoding",
        "Decoding of the Music Transformer",
        "The same three tokens are continued greedily to the same length by models of equal size with random weights.",
        rounds=2,
        seconds=130,
        long_rounds=5,
    ),
    Benchmark(
        "vae",
        "Training step of the MusicVAE",
        "Equal weights and equal losses; only the order of the computation differs.",
        rounds=3,
        seconds=60,
        long_rounds=9,
    ),
    Benchmark(
        "musicgen",
        "Training step of the MusicGen",
        "Equal weights, sound and codes; the peers encode the clips in every step.",
        rounds=2,
        seconds=50,
        long_rounds=7,
    ),
    Benchmark(
        "encoding",
        "Tokens of solos",
        "Scores as event tokens. MidiTok's REMI gives notes the same ids; ours also writes chords and an artist.",
        rounds=5,
        seconds=20,
        long_rounds=15,
    ),
    Benchmark(
        "originality",
        "Search for shared runs",
        "An index of known solos, built and searched.",
        rounds=2,
        seconds=40,
        long_rounds=5,
    ),
    Benchmark(
        "growth",
        "Growth",
        "Time by size. A curve ends where the next size would exceed its share of the time of a quick run; "
        "`make bench OPTIONS=--long` measures all.",
        rounds=2,
        seconds=130,
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
    Peer("MidiTok", "miditok", "The tokenizer REMI. No chords, no artist; long notes are cut. Less work than ours."),
    Peer("muspy", "muspy", "Reading, writing, transposing and metrics of MIDI files. No chords."),
    Peer("pretty_midi", "pretty_midi", "Reading, transposing and writing MIDI files. No chords."),
    Peer("mido", "mido", "Reading, transposing and writing MIDI messages. No chords."),
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
    Peer("Python sets", "", "Sets of n-grams. They do not find the longest run and its source: less work."),
)

GOALS: tuple[Goal, ...] = ()
