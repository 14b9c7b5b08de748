"""What this part of the stand-in is started with."""

from pydantic import BaseModel, ConfigDict, Field


class WebSettings(BaseModel):
    """All of it is invented: how the real application signs people in is not public."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    session_cookie: str = Field(default="standin_session", pattern=r"^[A-Za-z0-9_-]+$")
