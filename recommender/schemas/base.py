"""The words that all of these are made of: ids, names, prices."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

BASE = "/recommender/v1"

SceneName = Literal["orders", "offers", "destinations"]
Id = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f]+$")]
Word = Annotated[str, StringConstraints(max_length=64, pattern=r"^[^\x00-\x1f]*$")]
EventId = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[!-~]+$")]
Mark = Annotated[str, StringConstraints(max_length=64, pattern=r"^[!-~]*$")]
Text = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f]*$")]
Price = Annotated[int, Field(ge=0, le=10**9, strict=True)]
Lat = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
Lon = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
Daypart = Literal["breakfast", "lunch", "afternoon", "dinner", "night"]


class Strict(BaseModel):
    """Unknown fields are an error: a misspelt one would be lost in silence."""

    model_config = ConfigDict(extra="forbid")
