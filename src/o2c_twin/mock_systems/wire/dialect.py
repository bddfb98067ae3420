"""What a vendor's dialect gives the wire layers: routes, login, limits and its own error bodies."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from o2c_twin.mock_systems.wire.capability import Promise
from o2c_twin.mock_systems.wire.faults import FaultPlan
from o2c_twin.mock_systems.wire.limits import Limiter, LimitPolicy, Verdict
from o2c_twin.mock_systems.wire.message import Request, Response
from o2c_twin.mock_systems.wire.route import Operation, Principal

if TYPE_CHECKING:
    from o2c_twin.mock_systems.wire.server import MockServer


class Dialect(ABC):
    """One vendor's way of speaking about a role core.

    A dialect belongs to one world and keeps its state in the core and in itself, never in a module.
    """

    vendor: ClassVar[str]
    family: ClassVar[str]
    routes: ClassVar[tuple[Operation, ...]]
    steps: ClassVar[tuple[str, ...]] = ()
    """What a system that works without HTTP does by itself, as a fault may name it: ``file.take``."""
    promises: ClassVar[tuple[Promise, ...]] = ()
    """What the vendor promises about its writes: the capability sheet the control plane publishes."""
    policy: LimitPolicy
    limiter: Limiter
    faults: FaultPlan | None = None
    """The fault plan of the server that serves this dialect, for what it sends by itself; None until one does."""

    @abstractmethod
    def authenticate(self, request: Request, now: int) -> Principal:
        """Who calls. Raises `Refused` with the vendor's own login error."""

    @abstractmethod
    def not_modelled(self, request: Request, allowed: set[str] | None) -> Response:
        """The vendor's not-found answer; with ``allowed`` methods, its method-not-allowed answer."""

    @abstractmethod
    def malformed(self, request: Request, detail: str) -> Response:
        """The vendor's answer to a body that cannot be read as the operation wants it."""

    @abstractmethod
    def throttled(self, verdict: Verdict | None, now: int) -> Response:
        """The vendor's throttling reply; None when a fault throttles without any limit reached."""

    @abstractmethod
    def failed(self, status: int) -> Response:
        """The vendor's answer when it fails itself (5xx)."""

    def served(self, server: "MockServer") -> None:  # noqa: B027 - most do nothing until they are called
        """The dialect has a server: a system that works by itself begins."""

    def decorate(self, response: Response, principal: Principal, now: int) -> None:  # noqa: B027 - most add nothing
        """Add what every answer of this vendor carries, such as the quota header."""

    @abstractmethod
    def snapshot(self) -> bytes:
        """The whole state of core and dialect."""

    @abstractmethod
    def restore(self, snapshot: bytes) -> None:
        """Go back to that state."""

    def facts(self) -> dict[str, Any]:
        """Figures for the control plane: plan, number of records by kind."""
        return {"vendor": self.vendor, "plan": self.policy.plan}
