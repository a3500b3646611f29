"""The MusicVAE on solos: encode scores to points of the latent space, and decode points to scores."""

from collections.abc import Callable, Iterable, Sequence
from itertools import repeat
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from yardbird.codecs.melody import (
    CHORD_FEATURES,
    CLASSES,
    HOLD,
    PAD,
    START,
    SYMBOLS,
    Frame,
    Melody,
    MelodyCodec,
    MelodyConfig,
    Steps,
    chord_features,
)
from yardbird.models.family import Batch, TokenScores
from yardbird.models.music_vae.latent_solo import Latent
from yardbird.models.music_vae.melody_windows import padded
from yardbird.models.music_vae.sequence_prior import SequencePrior
from yardbird.models.music_vae.step_decoder import Pick
from yardbird.models.music_vae.vae_network import Alphabet, Decoder, NetworkConfig, Posterior, RecurrentVAE
from yardbird.music.grid import STEPS_PER_BEAT
from yardbird.music.score import Score
from yardbird.nn.evaluating import in_evaluation
from yardbird.nn.sampling import Sampling, choose, row_generators
from yardbird.seeds import generator

GREEDY = Sampling(0.0, None, None, None)
NO_CHORD = chord_features(np.zeros(1, np.uint16))[0]
_AT_ONCE = 32  # windows of one forward pass
#: (step probabilities, most probable steps) → one value for each window; see `MusicVAE.uphill`.
StepValue = Callable[[Tensor, Tensor], Tensor]


class MusicVAE(RecurrentVAE):
    """A variational autoencoder of monophonic solos of any length (Roberts et al. 2018, arXiv 1803.05428).

    >>> model = MusicVAE(latent_dim=8, bars=2, encoder_size=16, decoder_size=16)
    >>> a, b = model.encode(solo_a), model.encode(solo_b)
    >>> half_way = model.decode(0.5 * a + 0.5 * b)
    """

    def __init__(
        self,
        latent_dim: int = 512,
        *,
        codec: MelodyCodec | None = None,
        bars: int = 2,
        posterior: Posterior = "parts",
        ordered: bool = True,
        degrees: bool = True,
        intervals: bool = True,
        embedding_size: int = 32,
        encoder_size: int = 512,
        encoder_layers: int = 1,
        patch_steps: int = 12,
        conductor_size: int = 512,
        conductor_layers: int = 1,
        decoder_size: int = 512,
        decoder_layers: int = 1,
        decoder: Decoder = "hierarchical",
        chords: bool = True,
        velocities: bool = True,
        dropout: float = 0.0,
        prior_size: int = 0,
        prior_components: int = 16,
    ) -> None:
        """Without a `codec`: 12 steps a beat, bars of four beats, 16 velocities. For other arguments: `NetworkConfig`.

        Args:
            bars: length of a window. Longer solos are several windows.
            chords: condition encoder and decoder on the chords of the solo.
            velocities: encode and decode velocities. False: all notes are equally loud.
            prior_size, prior_components: sizes of the learnt prior, see `SequencePrior`. Size 0: the prior is N(0, I).
        """
        self.codec = codec or MelodyCodec(MelodyConfig(steps_per_beat=STEPS_PER_BEAT, segment_beats=4, velocities=16))
        config = NetworkConfig(
            segments=bars,
            latent_dim=latent_dim,
            posterior=posterior,
            ordered=ordered,
            degrees=degrees,
            intervals=intervals,
            embedding_size=embedding_size,
            encoder_size=encoder_size,
            encoder_layers=encoder_layers,
            patch_steps=patch_steps,
            conductor_size=conductor_size,
            conductor_layers=conductor_layers,
            decoder_size=decoder_size,
            decoder_layers=decoder_layers,
            decoder=decoder,
            dropout=dropout,
        )
        alphabet = Alphabet(
            classes=CLASSES,
            symbols=SYMBOLS,
            start=START,
            steps=self.codec.segment_steps,
            ordered=HOLD,
            period=12,
            features=CHORD_FEATURES if chords else 0,
            accents=self.codec.config.velocities + 1 if velocities else 0,
        )
        super().__init__(alphabet, config)
        self.sequence = (
            SequencePrior(
                dimensions=latent_dim // self.parts,
                features=CHORD_FEATURES,
                places=self.parts,
                size=prior_size,
                components=prior_components,
            )
            if prior_size
            else None
        )

    @in_evaluation
    def encode(self, solo: Score) -> Latent:
        """The posterior means of a solo's adjacent windows. The last window is padded.

        Raises:
            InputError: the solo has a bar that is not a whole number of steps.
        """
        melody = self.codec.encode(solo)
        return Latent(self.posteriors(melody)[0], ((1.0, melody.frame),))

    @in_evaluation
    def posteriors(self, melody: Melody) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """μ and σ of each window of a solo, (windows, Z)."""
        parts = [torch.split(values, _AT_ONCE) for values in self._inputs(melody)]
        means, spreads = zip(*(self.posterior(*part) for part in zip(*parts, strict=True)), strict=True)
        return torch.cat(means).cpu().numpy(), torch.cat(spreads).cpu().numpy()

    @in_evaluation
    def posteriors_of(self, solos: Sequence[Batch]) -> tuple[Tensor, Tensor, Tensor]:
        """μ and σ (windows, Z) and conditions (windows, P, C) of all windows of solos that `whole_solos` yields."""
        device = self.head.weight.device
        rows: list[tuple[Tensor, Tensor, Tensor]] = []
        for solo in solos:
            steps, velocities, chords = (solo[name].to(device) for name in ("steps", "velocities", "chords"))
            rows.append((*self.posterior(steps, velocities, chords), self.part_condition(chords)))
        means, spreads, conditions = (torch.cat(values) for values in zip(*rows, strict=True))
        return means, spreads, conditions

    @in_evaluation
    def score_steps(self, melody: Melody, z: NDArray[np.float32]) -> TokenScores:
        """Score every step except padding, given the true steps before it and one z for each window, (windows, Z)."""
        steps, _, chords = self._inputs(melody)
        parts = [torch.split(values, _AT_ONCE) for values in (torch.from_numpy(z).to(steps.device), steps, chords)]
        nats, correct = [], []
        for points, part, condition in zip(*parts, strict=True):
            logits = self(points, part, condition)[0].movedim(-1, 1)
            inside = part != PAD
            nats.append(F.cross_entropy(logits, part.where(inside, -100), reduction="none")[inside])
            correct.append((logits.argmax(1) == part)[inside])
        return TokenScores(torch.cat(nats).double().cpu().numpy(), torch.cat(correct).cpu().numpy())

    @in_evaluation
    def sample_steps(self, melody: Melody, z: NDArray[np.float32]) -> Steps:
        """Raw steps (N, S) of greedy decoding, with one z for each window, (windows, Z), and a solo's chords.

        The network may output a hold where nothing sounds. `decode` turns that into a rest.
        """
        _, _, chords = self._inputs(melody)
        steps, _ = self.unroll(torch.from_numpy(z).to(chords.device), lambda rows: rows.argmax(-1), chords)
        return steps.flatten(0, 1)[: len(melody.frame)].cpu().numpy().astype(np.uint8)

    def decode(
        self, latent: Latent, *, sampling: Sampling = GREEDY, pitch_range: tuple[int, int] = (0, 127), seed: int = 0
    ) -> Score:
        """Decode a latent to a grid score in its frame, by greedy decoding unless `sampling` is given.

        Segment i (with a flat decoder, window i) depends on the latent, the seed and i.
        """
        return self.decode_all([latent], sampling=sampling, pitch_range=pitch_range, seeds=[seed])[0]

    @in_evaluation
    def decode_all(
        self, latents: Sequence[Latent], *, sampling: Sampling, pitch_range: tuple[int, int], seeds: Sequence[int]
    ) -> list[Score]:
        """`decode` for several latents, each with its seed, in one batch: many windows take little longer than one."""
        points, conditions = zip(*map(self._points, latents), strict=True)
        counts = [len(z) for z in points]
        allowed = torch.ones(CLASSES, dtype=torch.bool)
        allowed[:HOLD] = False
        allowed[pitch_range[0] : pitch_range[1] + 1] = True
        pick = self._picker(sampling, allowed, seeds, counts)
        blur = torch.cat([z.new_full((len(z),), latent.blur) for z, latent in zip(points, latents, strict=True)])
        steps, velocities = self.unroll(torch.cat(points), pick, torch.cat(conditions), blur)
        grids = _grids(steps, counts, latents)
        accents: Iterable[NDArray[np.uint8] | None] = (
            repeat(None) if velocities is None else _grids(velocities, counts, latents)
        )
        return [
            self.codec.decode(grid, own, latent.frame)
            for grid, own, latent in zip(grids, accents, latents, strict=False)
        ]

    @in_evaluation
    def uphill(self, latents: Sequence[Latent], values: Sequence[StepValue]) -> list[NDArray[np.float32]]:
        """The direction at each point of each latent in which a value of the decoder's output grows fastest.

        This is the gradient at the point, scaled to length 1 (0 for a zero gradient): (windows, Z) for each latent.

        Args:
            values: one for each latent. It returns one number for each window, (windows,). Its first argument is the
                probabilities of every step, (windows, N, S, V), given the most probable steps before; the value must be
                differentiable in it. Its second argument is the most probable steps, (windows, N, S).
        """
        points, conditions = zip(*map(self._points, latents), strict=True)
        counts = [len(z) for z in points]
        z, chords = torch.cat(points), torch.cat(conditions)
        steps, _ = self.unroll(z, lambda rows: rows.argmax(-1), chords)
        # cuDNN has no backward pass of an LSTM in evaluation mode
        with torch.enable_grad(), torch.backends.cudnn.flags(enabled=False):
            point = z.requires_grad_()
            probabilities = self(point, steps, chords)[0].softmax(-1)
            parts = zip(values, torch.split(probabilities, counts), torch.split(steps, counts), strict=True)
            (gradient,) = torch.autograd.grad(torch.cat([value(*own) for value, *own in parts]).sum(), point)
        return [own.cpu().numpy() for own in torch.split(F.normalize(gradient, dim=-1), counts)]

    def prior(
        self, frame: Frame, seed: int, temperature: float = 1.0, before: Score | None = None, guidance: float = 1.0
    ) -> Latent:
        """Sample one point for each window of a frame from the prior.

        The learnt prior is conditioned on the frame's chords and the windows before. N(0, I) uses neither. Window i
        depends on the seed, i and the windows before it.

        Args:
            temperature: of the learnt prior's mixture; 0: the mean of the component with the largest weight. For
                N(0, I), the standard deviation.
            before: the score that the frame continues. The learnt prior reads its last whole windows.
            guidance: of the learnt prior by the chords, see `SequencePrior.draw`. 1: as in training.

        Raises:
            InputError: `before` has a bar that is not a whole number of steps.
        """
        return self.prior_all([frame], [seed], temperature, [before], guidance)[0]

    @in_evaluation
    def prior_all(
        self,
        frames: Sequence[Frame],
        seeds: Sequence[int],
        temperature: float,
        before: Sequence[Score | None],
        guidance: float,
    ) -> list[Latent]:
        """`prior` for several frames in one batch."""
        windows = [-(-len(frame) // self.config.segments) for frame in frames]
        if self.sequence is None:
            draws = [
                [generator(seed, "prior", index).standard_normal(self.config.latent_dim) for index in range(count)]
                for seed, count in zip(seeds, windows, strict=True)
            ]
            points = [np.array(own, dtype=np.float32) * np.float32(temperature) for own in draws]
        else:
            conditions, given = zip(*map(self._prior_inputs, frames, windows, before), strict=True)
            no_chord = torch.from_numpy(NO_CHORD).to(self.head.weight.device)
            points = self.sequence.draw(conditions, seeds, temperature, given, guidance=guidance, nothing=no_chord)
        return [
            Latent(z.reshape(count, -1), ((1.0, frame),))
            for z, count, frame in zip(points, windows, frames, strict=True)
        ]

    def _prior_inputs(self, frame: Frame, windows: int, before: Score | None) -> tuple[Tensor, Tensor | None]:
        """The condition of each part of a frame after the last whole windows before it, and the parts of these."""
        chords, given = padded(frame.chords, windows * self.config.segments, 0), None
        melody = None if before is None else self.codec.encode(before)
        if melody is not None and (whole := len(melody.frame) // self.config.segments):
            last = slice(-whole * self.config.segments, None)
            inputs: list[NDArray[Any]] = [
                melody.steps[last],
                melody.velocities[last],
                chord_features(melody.frame.chords[last]),
            ]
            given = self.posterior(*map(self._windows, inputs))[0].reshape(whole * self.parts, -1)
            chords = np.concatenate([melody.frame.chords[last], chords])
        return self.part_condition(self._windows(chord_features(chords))).flatten(0, 1), given

    def part_condition(self, chords: Tensor) -> Tensor:
        """(windows, N, S, C) → (windows, P, C): the mean over the steps of each part of z."""
        return chords.reshape(len(chords), self.parts, -1, chords.shape[-1]).mean(2)

    def _points(self, latent: Latent) -> tuple[Tensor, Tensor]:
        """z and the condition of every window, the last one padded with no chord: (windows, Z), (windows, …)."""
        needed = -(-latent.segments // self.config.segments)
        condition = padded(latent.condition, needed * self.config.segments, 0)
        condition[len(latent.frame) :] = NO_CHORD
        z = torch.tensor(latent.z[:needed], device=self.head.weight.device)
        assert len(z) == needed, "a latent must have a point for every window of its frame"
        return z, self._windows(condition)

    def _inputs(self, melody: Melody) -> tuple[Tensor, Tensor, Tensor]:
        """Steps, velocities and conditions of a solo's windows, the last one padded."""
        segments = self.config.segments * -(-len(melody.frame) // self.config.segments)
        chords = chord_features(padded(melody.frame.chords, segments, 0))
        steps, velocities = padded(melody.steps, segments, PAD), padded(melody.velocities, segments, 0)
        return self._windows(steps), self._windows(velocities), self._windows(chords)

    def _windows(self, segments: NDArray[Any]) -> Tensor:
        """(windows · N, …) → (windows, N, …) on the model's device."""
        values = segments if segments.dtype == np.float32 else segments.astype(np.int64)
        windows = torch.from_numpy(values).to(self.head.weight.device)
        return windows.view(-1, self.config.segments, *windows.shape[1:])

    def _picker(self, sampling: Sampling, allowed: Tensor, seeds: Sequence[int], windows: Sequence[int]) -> Pick:
        """A function that chooses the symbols of all rows; `windows` counts those of each latent."""
        if sampling.temperature == 0:
            barred = ~allowed.to(self.head.weight.device)
            return lambda logits: logits.masked_fill(barred, -torch.inf).argmax(-1)
        streams: list[torch.Generator] = []

        def pick(logits: Tensor) -> Tensor:
            if not streams:
                rows = len(logits) // sum(windows)  # a window
                for seed, count in zip(seeds, windows, strict=True):
                    streams.extend(row_generators(seed, rows * count))
            return choose(logits, sampling, streams, allowed.expand(len(logits), -1)).to(logits.device)

        return pick


def _grids(steps: Tensor, windows: Sequence[int], latents: Sequence[Latent]) -> list[NDArray[np.uint8]]:
    """Split the steps of all windows (all windows, N, S) by latent, without padding: (segments, S) each."""
    return [
        own.flatten(0, 1)[: len(latent.frame)].cpu().numpy().astype(np.uint8)
        for own, latent in zip(torch.split(steps, list(windows)), latents, strict=True)
    ]
