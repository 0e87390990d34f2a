import { AIMessage, HumanMessage, ToolMessage, type BaseMessage } from "@langchain/core/messages";
import { expect, test } from "vitest";
import { withPictures } from "./pictures.ts";
import { withAnsweredCalls } from "./repair.ts";

const calls = (...ids: string[]): AIMessage =>
  new AIMessage({
    content: "",
    tool_calls: ids.map((id) => ({ id, name: "run_code", args: {}, type: "tool_call" as const })),
  });
const result = (id: string, ...pictures: string[]): ToolMessage =>
  new ToolMessage({
    content: id,
    name: "run_code",
    tool_call_id: id,
    artifact: { pictures: pictures.map((base64) => ({ base64, mimeType: "image/png" })) },
  });
const show = (messages: readonly BaseMessage[]): string[] =>
  messages.map((message) => {
    const urls = message.content as { image_url?: { url: string } }[];
    if (typeof urls === "string") return `${message.type} ${message.text}`.trim();
    return `pictures ${urls.flatMap(({ image_url }) => image_url?.url.split(",")[1] ?? []).join(" ")}`;
  });

test("pictures follow all results of their turn, and the rest stays as it is", () => {
  const messages = [
    new HumanMessage("draw"),
    calls("1", "2"),
    result("1", "A", "B"),
    result("2", "C"),
    new AIMessage("done"),
    calls("3"),
    new ToolMessage({ content: "3", tool_call_id: "3", artifact: { pictures: "none of ours" } }),
  ];
  const before = show(messages);
  expect(show(withPictures(messages, 8))).toEqual([
    ...before.slice(0, 4),
    "pictures A B C",
    ...before.slice(4),
  ]);
  expect(show(messages)).toEqual(before);
});

test("the latest pictures are shown, up to the limit", () => {
  const messages = [calls("1"), result("1", "A", "B"), calls("2"), result("2", "C", "D")];
  const pictures = (limit: number): string[] =>
    show(withPictures(messages, limit)).filter((line) => line.startsWith("pictures"));
  expect(pictures(3)).toEqual(["pictures B", "pictures C D"]);
  expect(pictures(1)).toEqual(["pictures D"]);
  expect(pictures(0)).toEqual([]);
});

test("calls without a result get one", () => {
  const messages = [
    calls("1", "2", "3"),
    result("2"),
    new HumanMessage("go on"),
    calls("4"),
    result("4"),
  ];
  const repaired = withAnsweredCalls(messages);
  expect(
    repaired.map((message) =>
      ToolMessage.isInstance(message) ? message.tool_call_id : message.type,
    ),
  ).toEqual(["ai", "1", "3", "2", "human", "ai", "4"]);
  expect(withAnsweredCalls(repaired)).toEqual(repaired);
});
