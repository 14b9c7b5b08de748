"""What this part of the stand-in is started with."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class BackupSettings(BaseModel):
    """`directory` None: beside the database, or a temporary one. The agreement asks for one backup a day; the default
    is quick, so that a demo shows it. Restored copies that nobody deletes are removed after `restores_expire_seconds`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    every_seconds: float = Field(default=5.0, gt=0, allow_inf_nan=False)
    keep: int = Field(default=5, ge=1)
    directory: Path | None = None
    home_location: str = "standin-home"
    location: str = "standin-other-site"
    token: str = Field(default="standin-backup-token", repr=False, exclude=True, min_length=1)
    restores_expire_seconds: float = Field(default=600.0, gt=0, allow_inf_nan=False)
