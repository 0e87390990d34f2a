import { AIMessage, HumanMessage, ToolMessage } from "@langchain/core/messages";
import { expect, test } from "vitest";
import { isInToolCall, PLACE, placeOf } from "./place.ts";

const position = (checkpointId: string, savedAt: number) => ({
  sandboxId: "sb",
  checkpointId,
  savedAt,
});
const answered = (more: Partial<ToolMessage>): ToolMessage =>
  new ToolMessage({ content: "", tool_call_id: "1", ...more });
const asked = new AIMessage({
  content: "",
  tool_calls: ["1", "2"].map((id) => ({ id, name: "run_code", args: {} })),
});

test("a state says where its thread is, by its field or by the last of its messages", () => {
  const messages = [
    new HumanMessage("Go."),
    asked,
    answered({ artifact: { data: { position: position("b", 2) } } }),
    answered({ additional_kwargs: { emberbox: position("c", 3) } }),
    answered({ artifact: { data: { position: { ...position("d", 4), checkpointId: "../d" } } } }),
  ];
  const place = { step: "1\n2", trusted: true };
  expect(placeOf({ state: { messages } })).toEqual({ ...place, at: position("c", 3) });
  const later = { messages, [PLACE]: position("e", 5) };
  expect(placeOf({ state: later })).toEqual({ ...place, at: position("e", 5) });
  expect(placeOf({ state: { messages: [asked], [PLACE]: null } })).toEqual({ ...place, at: null });
  expect(placeOf({ state: { messages: [asked] } })).toBeUndefined();
  expect(placeOf({})).toBeUndefined();
});

test("an agent that a tool asks goes on wherever the machine is; a graph's node is no such agent", () => {
  const state = { messages: [asked], [PLACE]: null };
  for (const [checkpoint_ns, inside] of [
    ["tools:1", false],
    ["agent:1|tools:2", false],
    ["tools:1|tools:2", true],
    ["tools:1|agent:2|model_request:3", true],
  ] as const) {
    expect(isInToolCall({ checkpoint_ns })).toBe(inside);
    expect(placeOf({ configurable: { checkpoint_ns }, state }) === undefined).toBe(inside);
  }
});
