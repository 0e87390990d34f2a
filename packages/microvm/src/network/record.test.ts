import { expect, test } from "vitest";
import { NetworkRecord } from "./record.ts";

test("a listener that throws, or rejects, ends nothing and hears of what comes", () => {
  const record = new NetworkRecord("itest");
  const heard: string[] = [];
  record.listener = ({ host }) => {
    heard.push(host);
    throw new Error("mine");
  };
  record.refuse("a.test", 443, "not allowed");
  record.refuse("b.test", 443, "not allowed");
  record.listener = async ({ host }) => {
    heard.push(host);
    throw new Error("mine");
  };
  record.refuse("c.test", undefined, "not allowed");
  record.listener = undefined;
  record.refuse("d.test", 443, "not allowed");
  expect(heard).toEqual(["a.test", "b.test", "c.test"]);
  expect(record.read([]).refused).toBe(4);
});
