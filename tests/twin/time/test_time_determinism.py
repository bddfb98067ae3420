"""The same program tells the same story in every process, whatever the hash seed and the memory layout."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

STORY = """
import asyncio, random, sys
import simpy
from o2c_twin.twin.chance import Chance
from o2c_twin.twin.time import TwinEnvironment, guard

def used_memory(seed):
    # Leaves holes where the tasks of another world have been: later tasks get scattered addresses.
    dice = random.Random(seed)
    with TwinEnvironment() as env:
        tasks = [env.spawn(asyncio.sleep(1)) for _ in range(2000)]
        env.run()
    return [task for task in tasks if dice.random() < 0.5]

noise = used_memory(int(sys.argv[1]))
chance = Chance(11)
lines = []

def note(env, *what):
    lines.append(f"{env.now} " + " ".join(map(str, what)))

async def child(env, name, queue):
    try:
        await asyncio.sleep(chance.exponential(30.0, "work", name))
        await queue.put(name)
        await asyncio.sleep(1000)
    except asyncio.CancelledError:
        note(env, "cancelled", name)
        raise

async def group(env, number, queue):
    try:
        async with asyncio.TaskGroup() as tasks:
            for at in range(40):
                tasks.create_task(child(env, f"{number}-{at}", queue))
            await asyncio.sleep(100)
            raise LookupError(number)
    except* LookupError:
        note(env, "aborted", number)

def customer(env, desk, name):
    with desk.request(priority=chance.integer(1, 3, "priority", name)) as turn:
        yield turn
        note(env, "served", name)
        yield env.sleep(chance.lognormal(20.0, 0.5, "service", name))

def main():
    with guard(), TwinEnvironment() as env:
        queue = asyncio.Queue()
        desk = simpy.PriorityResource(env, 2)
        async def reader():
            while True:
                note(env, "read", await queue.get())
        env.spawn(reader())
        for number in range(3):
            env.spawn(group(env, number, queue))
        for number in range(30):
            env.process(customer(env, desk, f"C{number}"))
        env.run()

main()
print("\\n".join(lines))
"""


def _tell(hash_seed: int) -> str:
    done = subprocess.run(
        [sys.executable, "-c", STORY, str(hash_seed)],
        env={**os.environ, "PYTHONHASHSEED": str(hash_seed)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_the_story_is_the_same_under_every_hash_seed() -> None:
    with ThreadPoolExecutor(2) as pool:
        stories = list(pool.map(_tell, range(6)))
    lines = stories[0].splitlines()
    assert sum(" cancelled " in line for line in lines) == 120
    assert sum(" aborted " in line for line in lines) == 3
    assert sum(" served " in line for line in lines) == 30
    assert len(set(stories)) == 1
