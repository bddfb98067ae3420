"""What the service does not do, and why."""


class Refused(Exception):
    """The operation was not done; ``status`` is what HTTP calls the reason."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
