"""What is wrong with an OData text, and where."""

from typing import Literal

Version = Literal[2, 4]
"""Protocol version: 2 (MS-ODATA 2.0) or 4 (OASIS 4.0/4.01)."""


class ODataError(Exception):
    """A text of the URL language, or a batch, that cannot be taken.

    ``position`` counts characters from 0 in the text of ``option`` (``$filter``, ``key``, ``$batch`` ...);
    ``name`` is the property or option that is not known, where that is the trouble.
    """

    def __init__(self, message: str, position: int, option: str = "$filter", name: str | None = None) -> None:
        super().__init__(f"{option}, position {position}: {message}")
        self.message = message
        self.position = position
        self.option = option
        self.name = name
