"""What a listener sends, to the server or in a file: a profile, then answers."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictInt

from yardbird.blindtest.votes import MAX_WHY, TRIALS, Expertise


class Profile(BaseModel):
    """The data that a listener gives before the first question."""

    model_config = ConfigDict(extra="forbid")
    consent: Literal[True]
    expertise: Expertise
    headphones: Annotated[StrictInt, Field(ge=0, le=TRIALS)] | None = None


class Answer(BaseModel):
    """One answer to a question; the question is identified by its first clip."""

    model_config = ConfigDict(extra="forbid")
    question: str = Field(pattern=r"^[0-9a-f]{16}$")
    answer: str = Field(max_length=8)
    why: str = Field(default="", max_length=MAX_WHY)
