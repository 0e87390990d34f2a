"""A model that works with a sandbox by tools: makes a mistake, reads the error, and recovers from it."""

import json
from typing import Any

from e2b_code_interpreter import CommandExitException, Sandbox
from scripted_model import Message, ScriptedModel


def tool(name: str, description: str, parameter: str) -> Message:
    parameters = {
        "type": "object",
        "properties": {parameter: {"type": "string"}},
        "required": [parameter],
    }
    function = {"name": name, "description": description, "parameters": parameters}
    return {"type": "function", "function": function}


TOOLS = [
    tool("run_code", "Runs Python. Variables persist.", "code"),
    tool("run_command", "Runs a command in bash.", "command"),
]
# With a key: OpenAI().chat.completions.create(model=..., messages=messages, tools=TOOLS).choices[0].message
model = ScriptedModel(
    [
        ("run_code", {"code": "prices = [3, 5, 8]\nsum(prices) / len(price)"}),
        ("run_code", {"code": "round(sum(prices) / len(prices), 2)"}),
        ("run_code", {"code": "open('prices.csv', 'w').write('a,3\\nb,5\\nc,8\\n')"}),
        ("run_command", {"command": "wc -l prices.csv"}),
        ("run_command", {"command": "cat missing.csv"}),
    ],
    "The mean is 5.33, and prices.csv has the prices.",
)


def call_tool(sandbox: Sandbox, name: str, arguments: dict[str, Any]) -> str:
    if name == "run_command":
        try:
            return sandbox.commands.run(arguments["command"]).stdout
        except CommandExitException as error:
            return f"exit code {error.exit_code}: {error.stderr}"
    execution = sandbox.run_code(arguments["code"])
    if execution.error is not None:
        return f"{execution.error.name}: {execution.error.value}"
    return "".join(execution.logs.stdout) + (execution.text or "")


messages: list[Message] = [{"role": "user", "content": "What is the mean of 3, 5 and 8? Keep a list."}]
with Sandbox.create(timeout=300) as sandbox:
    while True:
        message = model.answer(messages, TOOLS)
        messages.append(message)
        if "tool_calls" not in message:
            break
        for call in message["tool_calls"]:
            function = call["function"]
            result = call_tool(sandbox, function["name"], json.loads(function["arguments"]))
            print(f"{function['name']}: {result.strip()}")
            messages.append({"role": "tool", "tool_call_id": call["id"], "content": result})

print("the model:", messages[-1]["content"])
results = [message["content"] for message in messages if message["role"] == "tool"]
assert "NameError" in results[0]
assert results[1] == "5.33"
assert results[3] == "3 prices.csv\n"
assert results[4].startswith("exit code 1: ")
