"""Stands in for a model: makes the calls of a script, as OpenAI's chat API has them, and then says the last words."""

import json
from typing import Any

Message = dict[str, Any]


class ScriptedModel:
    def __init__(self, calls: list[tuple[str, dict[str, Any]]], last_words: str) -> None:
        self.calls = calls
        self.last_words = last_words

    def answer(self, messages: list[Message], tools: list[Message]) -> Message:
        """Answers with the next call, once the result of the previous one has arrived."""
        turn = sum(message["role"] == "assistant" for message in messages)
        assert turn == 0 or messages[-1]["tool_call_id"] == f"call-{turn - 1}"
        if turn == len(self.calls):
            return {"role": "assistant", "content": self.last_words}
        name, arguments = self.calls[turn]
        assert name in [tool["function"]["name"] for tool in tools]
        function = {"name": name, "arguments": json.dumps(arguments)}
        call = {"id": f"call-{turn}", "type": "function", "function": function}
        return {"role": "assistant", "content": None, "tool_calls": [call]}
