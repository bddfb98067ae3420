"""Virtual time: SimPy's processes and asyncio's coroutines on one clock of integer microseconds."""

from o2c_twin.twin.time.asgi import virtual_time_app
from o2c_twin.twin.time.bridge import CoroEvent
from o2c_twin.twin.time.clock import TwinClock, epoch
from o2c_twin.twin.time.environment import TwinEnvironment
from o2c_twin.twin.time.errors import CoroFailed, Deadlock, Escape, Livelock, VirtualTimeError
from o2c_twin.twin.time.guard import guard, lifted
from o2c_twin.twin.time.handles import TICKS_PER_SECOND
from o2c_twin.twin.time.lag import Lag
from o2c_twin.twin.time.paced_loop import PacedLoop
from o2c_twin.twin.time.simpy_loop import SimPyLoop
from o2c_twin.twin.time.tasks import SimTask
from o2c_twin.twin.time.tick_loop import TickLoop

__all__ = [
    "TICKS_PER_SECOND",
    "CoroEvent",
    "CoroFailed",
    "Deadlock",
    "Escape",
    "Lag",
    "Livelock",
    "PacedLoop",
    "SimPyLoop",
    "SimTask",
    "TickLoop",
    "TwinClock",
    "TwinEnvironment",
    "VirtualTimeError",
    "epoch",
    "guard",
    "lifted",
    "virtual_time_app",
]
