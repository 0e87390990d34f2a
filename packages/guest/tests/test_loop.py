import asyncio
import os

import emberbox_loop
import pytest


@pytest.fixture(autouse=True)
def installed():
    """A context's loop, as in a process that was just forked: its main thread had a loop once and has none now."""
    before = asyncio.create_task
    emberbox_loop.install()
    emberbox_loop.policy.drop()
    yield
    emberbox_loop.policy.drop()
    asyncio.set_event_loop_policy(None)
    asyncio.create_task = asyncio.tasks.create_task = before


@pytest.fixture
def connection():
    """Something to read, now or later."""
    read, write = os.pipe()
    yield read, write
    os.close(read)
    os.close(write)


async def work():
    await asyncio.sleep(0)
    return 5


def test_scripts_and_notebooks_in_any_order():
    for _ in range(2):
        emberbox_loop.begin()
        assert asyncio.get_event_loop().run_until_complete(work()) == 5
        assert asyncio.run(work()) == 5
        # `asyncio.run` leaves no current loop, and a loop may be closed.
        assert asyncio.get_event_loop().run_until_complete(work()) == 5
        asyncio.get_event_loop().close()
        assert asyncio.get_event_loop().run_until_complete(asyncio.ensure_future(work())) == 5
        task = asyncio.create_task(work(), name="mine")
        assert task.get_name() == "mine"
        assert asyncio.get_event_loop().run_until_complete(task) == 5
        own = asyncio.new_event_loop()
        asyncio.set_event_loop(own)
        assert own.run_until_complete(work()) == 5
        own.close()


def test_within_a_running_loop_a_task_is_that_loops():
    async def start():
        return await asyncio.create_task(work())

    assert asyncio.run(start()) == 5


def test_tasks_go_on_between_cells(connection):
    read, write = connection
    seen = []

    async def tick():
        for number in range(3):
            seen.append(number)
            await asyncio.sleep(0.001)
        os.write(write, b"x")

    emberbox_loop.begin()
    task = asyncio.create_task(tick())
    asyncio.run(work())
    emberbox_loop.idle(read)
    assert seen == [0, 1, 2]
    assert not task.cancelled()


def test_a_task_that_ends_programs_ends_no_other(connection):
    read, write = connection

    async def leave():
        raise SystemExit

    async def last():
        await asyncio.sleep(0.01)
        os.write(write, b"x")

    asyncio.ensure_future(leave())
    asyncio.ensure_future(last())
    emberbox_loop.idle(read)
    assert os.read(read, 9) == b"x"


def test_without_tasks_nothing_waits(connection):
    emberbox_loop.idle(connection[0])
    asyncio.get_event_loop()
    emberbox_loop.idle(connection[0])


def test_an_interrupt_cancels_what_was_waited_for():
    ended = []

    async def wait():
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(True)

    def interrupt():
        raise KeyboardInterrupt

    loop = asyncio.get_event_loop()
    loop.call_later(0.001, interrupt)
    with pytest.raises(KeyboardInterrupt):
        loop.run_until_complete(wait())
    loop.run_until_complete(work())
    assert ended


@pytest.mark.parametrize(
    "code, wanted",
    [
        ("loop = asyncio.get_running_loop()", True),
        ("if True:\n    with suppress(OSError):\n        print(get_running_loop().time())", True),
        ("try:\n    asyncio.get_running_loop()\nfinally:\n    pass", True),
        ("try:\n    asyncio.get_running_loop()\nexcept RuntimeError:\n    asyncio.run(main())", False),
        ("async def main():\n    asyncio.get_running_loop()\nasyncio.run(main())", False),
        ("ask = lambda: asyncio.get_running_loop()\nget_running_loop", False),
        ("asyncio.get_running_loop(", False),
        ("x = 1" + " + 1" * 5000 + "\nasyncio.get_event_loop()  # not get_running_loop()", False),
        ("1 + 1", False),
    ],
)
def test_which_cells_demand_a_running_loop(code, wanted):
    assert emberbox_loop.demands_loop(code) is wanted
