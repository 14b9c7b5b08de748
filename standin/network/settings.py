"""What this part of the stand-in is started with."""

from pydantic import BaseModel, ConfigDict, Field


class NetworkSettings(BaseModel):
    """`zone` is what the name server knows about and what the front door's certificate is for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    zone: str = Field(default="cloud.uptime.example", pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)+$", max_length=200)
