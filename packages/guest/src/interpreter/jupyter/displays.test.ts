import { expect, test } from "vitest";
import { Displays } from "./displays.ts";

const shown = (text: string, id?: string): Record<string, unknown> => ({
  data: { "text/plain": text },
  transient: id === undefined ? {} : { display_id: id },
});
const parse = (line: Buffer | undefined): unknown => line && JSON.parse(line.toString());

test("an update names its result", () => {
  const displays = new Displays();
  displays.result(shown("a"), false);
  displays.result({ data: {} }, false);
  displays.result(shown("b", "id"), false);
  expect(parse(displays.update(shown("c", "id")))).toEqual({
    type: "result_update",
    index: 1,
    text: "c",
    is_main_result: false,
  });
  expect(displays.update({ data: {}, transient: { display_id: "id" } })).toBe(undefined);
});

test("an update of what an earlier execution displayed is a result", () => {
  const displays = new Displays();
  expect(parse(displays.update(shown("a", "id")))).toMatchObject({ type: "result", text: "a" });
  expect(parse(displays.update(shown("b", "id")))).toMatchObject({ index: 0, text: "b" });
  expect(parse(displays.update({ ...shown("c"), transient: null }))).toMatchObject({ text: "c" });
});

test("what is cleared can be updated no more", () => {
  const displays = new Displays();
  expect(displays.clear()).toBe(undefined);
  displays.result(shown("a", "id"), false);
  expect(parse(displays.clear())).toEqual({ type: "clear_results" });
  expect(displays.clear()).toBe(undefined);
  expect(parse(displays.update(shown("b", "id")))).toMatchObject({ type: "result", text: "b" });
});
