"""What governance refuses: one small tree; each message names what was asked and the remedy."""


class GovernanceError(Exception):
    """Something governance does not allow."""


class NotAllowed(GovernanceError):
    """A role may not do an operation."""


class ApprovalError(GovernanceError):
    """An approval cannot be given or used as asked."""


class Erased(GovernanceError):
    """The subject was erased: what was sealed for it cannot be read again, and nothing new is kept of it."""


class NotReadable(GovernanceError):
    """A sealed text was changed, moved to another place, or sealed under another master key."""


class CardNumber(GovernanceError):
    """A text holds a card number, which may not be stored."""


class SecretMissing(GovernanceError):
    """A secret is in none of the places where it is looked for."""
