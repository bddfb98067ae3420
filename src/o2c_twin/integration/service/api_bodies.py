"""What all bodies of the operations API have in common."""

from pydantic import BaseModel, ConfigDict


class Body(BaseModel):
    """A body in which a misspelt field is an error, not nothing."""

    model_config = ConfigDict(extra="forbid")
