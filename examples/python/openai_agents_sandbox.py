"""An agent of OpenAI's Agents SDK, whose sandbox client for E2B gives it a virtual machine here.

needs: openai-agents
"""

import asyncio

from agents import RunConfig, Runner, set_tracing_disabled
from agents.extensions.sandbox.e2b import E2BSandboxClient, E2BSandboxClientOptions, E2BSandboxType
from agents.sandbox import Manifest, SandboxAgent, SandboxRunConfig
from agents.sandbox.entries import File
from agents.testing import ScriptedModel, assistant_message, function_call

BEST = "sort -t, -k2 -n -r sales.csv | head -1 | tee best.csv"
# With a key, leave out `model`, and the next line.
set_tracing_disabled(True)
model = ScriptedModel(
    [
        [function_call("exec_command", {"cmd": "ls; wc -l < sales.csv"}, call_id="call-0")],
        [function_call("exec_command", {"cmd": BEST}, call_id="call-1")],
        [function_call("exec_command", {"cmd": "pwd; cat best.csv; cat none"}, call_id="call-2")],
        [assistant_message("The best month was the third, with 31.")],
    ]
)
agent = SandboxAgent(
    name="Analyst",
    model=model,
    instructions="Answer from the files in the workspace.",
    default_manifest=Manifest(entries={"sales.csv": File(content=b"month,sold\n1,12\n2,19\n3,31\n")}),
)


async def main() -> None:
    options = E2BSandboxClientOptions(sandbox_type=E2BSandboxType.CODE_INTERPRETER, timeout=300)
    sandbox = SandboxRunConfig(client=E2BSandboxClient(), options=options)
    result = await Runner.run(
        agent, "Which month was the best?", run_config=RunConfig(sandbox=sandbox)
    )
    outputs = [str(item.output) for item in result.new_items if item.type == "tool_call_output_item"]
    for output in outputs:
        print(output, "\n")
    print(result.final_output)
    assert "sales.csv" in outputs[0]
    assert "3,31" in outputs[1]
    assert "No such file" in outputs[2]


asyncio.run(main())
