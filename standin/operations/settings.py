"""What this part of the stand-in is started with."""

from pydantic import BaseModel, ConfigDict


class OperationsSettings(BaseModel):
    """Nothing to set yet: the interface takes the tokens of the REST API."""

    model_config = ConfigDict(extra="forbid", frozen=True)
