"""The endpoint of MusicGen: generates sound from prompts."""

import base64
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from yardbird.audio.wave import Waveform, write_wave
from yardbird.config import PARAMS
from yardbird.devices import best_device, prepare_torch
from yardbird.errors import ConfigError, InputError, YardbirdError
from yardbird.generation.prompted_sound import sing
from yardbird.generation.sound_orders import SingConfig, check_prompt
from yardbird.tracking.endpoint import Answer, Endpoint, RequestRow

MOST_SECONDS, MOST_SECONDS_IN_ALL = 30, 60  # a request must fit in the time of the server


def open_model(folder: Path) -> Answer:
    """Load a family's folder. The answer generates one sound for each prompt."""
    from yardbird.models.musicgen import MusicGenFamily  # loads transformers

    prepare_torch()
    family = MusicGenFamily.load(folder)
    family.model.to(best_device())  # type: ignore[arg-type]  # transformers wraps it so that its types are lost

    def answer(rows: Sequence[RequestRow], settings: Mapping[str, Any]) -> list[dict[str, Any]]:
        prompts = [row["prompt"] for row in rows]
        for number, prompt in enumerate(prompts, 1):
            check_prompt(prompt, f"prompt {number}")
        config = _as_config(settings, prompts)
        if config.seconds > MOST_SECONDS:
            expected, found = f"at most {MOST_SECONDS}", f"{config.seconds:g}"
            raise InputError("seconds", expected=expected, found=found, remedy="request a shorter sound")
        if config.seconds * len(prompts) > MOST_SECONDS_IN_ALL:
            expected = f"at most {MOST_SECONDS_IN_ALL} seconds in total"
            found = f"{config.seconds * len(prompts):g} in {len(prompts)} sounds"
            raise InputError("request", expected=expected, found=found, remedy="split it into several requests")
        sounds = sing(family, prompts, config, settings["seed"])
        return [
            {
                "wav": _as_base64(sound.waveform),
                "seconds": sound.waveform.seconds,
                "sample_rate": sound.waveform.sample_rate,
                "unknown_words": " ".join(sound.unknown_words),
            }
            for sound in sounds
        ]

    return answer


def _as_config(settings: Mapping[str, Any], prompts: Sequence[str]) -> SingConfig:
    asked = {name: settings[name] for name in ("seconds", "guidance", "temperature", "top_k")}
    try:
        return SingConfig(prompts=tuple(prompts), melody=None, melody_seconds=1.0, follow=False, **asked)
    except ConfigError as error:  # it names params.yaml, which the sender of a request does not see
        raise YardbirdError(str(error).removeprefix(f"{PARAMS}: sing.")) from None


def _as_base64(waveform: Waveform) -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sound.wav"
        write_wave(waveform, path)
        return base64.b64encode(path.read_bytes()).decode()


ENDPOINT = Endpoint(
    family="musicgen",
    file=Path(__file__).parent / "registered/load_musicgen.py",
    open_model=open_model,
    columns={"prompt": True},
    params={"seconds": "double", "guidance": "double", "temperature": "double", "top_k": "long", "seed": "long"},
    defaults={},
    answers={
        "wav": ("string", True),
        "seconds": ("double", True),
        "sample_rate": ("long", True),
        "unknown_words": ("string", True),
    },
    example=({"prompt": "Be-bop jazz solo in F"}, {"seconds": 1.0, "seed": 1}),
    about="Generates sound that fits the words of a prompt, as a WAV file.",
    use="""`MLFLOW_TRACKING_URI=sqlite:///mlflow.db MLFLOW_DISABLE_TELEMETRY=true mlflow models serve \
-m models:/musicgen@challenger --env-manager local -p 5003`, then

    curl -s 127.0.0.1:5003/invocations -H 'Content-Type: application/json' \\
      -d '{"dataframe_records": [{"prompt": "Be-bop jazz solo in F"}], "params": {"seconds": 8, "seed": 1}}' |
      jq -r '.predictions[0].wav' | base64 -d > solo.wav

In the response, `wav` is a WAV file in base64 with 16 bits and one channel, of a stereo checkpoint two. \
`unknown_words` are the words of the prompt that are not in the model's vocabulary.""",
    health={},
)
