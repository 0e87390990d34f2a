"""An agent of LangGraph with the tools of `emberbox mcp`, in a virtual machine that ends with the session.

needs: langchain-mcp-adapters
"""

import asyncio
import os
from typing import Any

from langchain.agents import create_agent
from langchain_core.language_models.fake_chat_models import FakeMessagesListChatModel
from langchain_core.messages import AIMessage, ToolMessage
from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_mcp_adapters.tools import load_mcp_tools


class ScriptedModel(FakeMessagesListChatModel):
    def bind_tools(self, tools: Any, **_: Any) -> "ScriptedModel":
        return self


def call(number: int, name: str, arguments: dict[str, Any]) -> AIMessage:
    return AIMessage("", tool_calls=[{"name": name, "args": arguments, "id": f"call-{number}"}])


# With a key: "openai:gpt-5-mini", or any other chat model.
model = ScriptedModel(
    responses=[
        call(0, "run_code", {"code": "prices = [3, 5, 8]\nsum(prices) / len(price)"}),
        call(1, "run_code", {"code": "round(sum(prices) / len(prices), 2)"}),
        call(2, "write_file", {"path": "prices.csv", "content": "a,3\nb,5\nc,8\n"}),
        call(3, "run_command", {"command": "wc -l prices.csv"}),
        AIMessage("The mean is 5.33, and prices.csv has the prices."),
    ]
)


async def main() -> None:
    server = {"transport": "stdio", "command": "npx", "args": ["emberbox", "mcp"], "env": dict(os.environ)}
    client = MultiServerMCPClient({"emberbox": server})
    # One session: without it, each call would have a server, and so a machine, of its own.
    async with client.session("emberbox") as session:
        tools = await load_mcp_tools(session)
        print("tools:", ", ".join(tool.name for tool in tools))
        agent = create_agent(model, tools)
        question = "What is the mean of 3, 5 and 8? Keep a list."
        state = await agent.ainvoke({"messages": [{"role": "user", "content": question}]})
    messages = state["messages"]
    outputs = [message.text for message in messages if isinstance(message, ToolMessage)]
    for output in outputs:
        print(output)
    print("the model:", messages[-1].content)
    assert "NameError" in outputs[0]
    assert "5.33" in outputs[1]
    assert "3 prices.csv" in outputs[3]


asyncio.run(main())
