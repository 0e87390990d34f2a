"""Several sandboxes at once, each with its own variables."""

import asyncio

from e2b_code_interpreter import AsyncSandbox


async def work(number: int) -> str | None:
    async with await AsyncSandbox.create(timeout=300, envs={"NUMBER": str(number)}) as sandbox:
        await sandbox.run_code("import os\nnumber = int(os.environ['NUMBER'])")
        squared, listed = await asyncio.gather(
            sandbox.run_code("number ** 2"),
            sandbox.commands.run("echo $NUMBER"),
        )
        print(f"sandbox {number}: {squared.text}, and a command beside it printed {listed.stdout.strip()}")
        assert listed.stdout.strip() == str(number)
        return squared.text


async def main() -> None:
    squares = await asyncio.gather(*(work(number) for number in (2, 3)))
    print("squares:", squares)
    assert squares == ["4", "9"]


asyncio.run(main())
