"""What this part of the stand-in is started with."""

from pydantic import BaseModel, ConfigDict, Field


class MqttSettings(BaseModel):
    """`topic` is what the platform listens to; `+` stands for one level of it, `#` for all that follow."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    username: str = Field(default="standin", min_length=1)
    password: str = Field(default="standin-mqtt-password", repr=False, min_length=1)
    topic: str = Field(default="efento/+/measurements", min_length=1)
