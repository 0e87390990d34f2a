import type { NetworkCeiling, NetworkOptions } from "@emberbox/core/network";
import { describe, expect, test } from "vitest";
import { Access } from "./access.ts";

type Network = boolean | NetworkOptions;
const only = (...allowOut: string[]): { allowOut: string[]; denyOut: string[] } => ({
  allowOut,
  denyOut: ["0.0.0.0/0"],
});

const ask = (network: Network, networkCeiling: NetworkCeiling): Access =>
  Access.ask({ network, networkCeiling });
const reaches = ({ policy }: Access, name: string | undefined, address: string): boolean =>
  (name === undefined || policy.refusesName(name) === undefined) &&
  policy.decide(name, [address]).allowed;

test.each<[NetworkCeiling, string]>([
  ...["127.0.0.1", "127.0.0.0/8", "10.1.2.3", "169.254.169.254", "::1", "::ffff:127.0.0.1"].map(
    (entry): [NetworkCeiling, string] => [true, entry],
  ),
  ...["64:ff9b::7f00:1", "2002:7f00:1::", "fd00::/8", "168.63.129.16", "100.64.0.0/10"].map(
    (entry): [NetworkCeiling, string] => [true, entry],
  ),
  [{ allowOut: ["0.0.0.0/0"] }, "127.0.0.1"],
  [{ allowOut: ["10.0.0.1"] }, "10.0.0.0/8"],
  [{ denyOut: ["8.8.0.0/16"] }, "8.8.8.8"],
  [{ denyOut: ["8.8.8.8"] }, "8.0.0.0/8"],
  [only("a.example"), "b.example"],
  [only("a.example"), "*.example"],
  [only("a.example"), "8.8.8.8"],
  [false, "a.example"],
  [false, "8.8.8.8"],
])("below %j, to name %s is refused", (ceiling, entry) => {
  const asked = { code: "invalid_argument", message: expect.stringContaining(`\`${entry}\``) };
  const error = catching(() => ask(only(entry), ceiling));
  expect(error).toMatchObject(asked);
  expect(error).toMatchObject({ message: expect.stringContaining("beyond the network's ceiling") });
  expect(catching(() => ask(true, ceiling).with(only(entry)))).toMatchObject(asked);
});

function catching(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}

describe("what is asked for without naming it is within the ceiling", () => {
  const everything: Network[] = [true, {}, { allowOut: ["0.0.0.0/0", "::/0"] }, only("*")];
  test.each(everything)("%j", (network) => {
    const open = ask(network, true);
    expect(reaches(open, "a.example", "8.8.8.8")).toBe(true);
    expect(reaches(open, "a.example", "127.0.0.1")).toBe(false);
    expect(reaches(open, undefined, "127.0.0.1")).toBe(false);
    const named = ask(network, only("a.example"));
    expect(reaches(named, "a.example", "8.8.8.8")).toBe(true);
    expect(named.policy.decide("a.example", ["8.8.8.8"])).toMatchObject({ byName: true });
    expect(reaches(named, "b.example", "8.8.8.8")).toBe(false);
    expect(reaches(named, undefined, "8.8.8.8")).toBe(false);
    expect(ask(network, false).policy.isOff).toBe(true);
  });
});

test("both must name what is not public", () => {
  const ceiling = { allowOut: ["127.0.0.1"] };
  expect(reaches(ask(true, ceiling), undefined, "127.0.0.1")).toBe(false);
  expect(reaches(ask(only("127.0.0.1"), ceiling), undefined, "127.0.0.1")).toBe(true);
  expect(reaches(ask(only("a.example", "127.0.0.1"), ceiling), "a.example", "127.0.0.1")).toBe(
    true,
  );
});

test("it stays with a sandbox that is changed, kept and made anew; who resumes it may set another", () => {
  const saved = JSON.parse(JSON.stringify(ask({ denyOut: ["9.9.9.9"] }, true))) as Access;
  const kept = Access.kept(saved);
  expect(() => kept.with(only("127.0.0.1"))).toThrow("ceiling");
  expect(reaches(kept, undefined, "9.9.9.9")).toBe(false);
  const lower = Access.kept(saved, only("a.example"));
  expect(reaches(lower, undefined, "8.8.8.8")).toBe(false);
  expect(() => lower.with(only("b.example"))).toThrow("ceiling");
  const higher = Access.kept(saved, { allowOut: ["127.0.0.1"] });
  expect(reaches(higher.with(only("127.0.0.1")), undefined, "127.0.0.1")).toBe(true);
  expect(() => Access.kept(saved, "off" as never)).toThrow("`networkCeiling`");
});

test("without one, whoever asks decides", () => {
  expect(reaches(Access.ask({ network: only("127.0.0.1") }), undefined, "127.0.0.1")).toBe(true);
});

test("what rules set is not written down; their hosts are refused until it is given again", () => {
  const network = {
    ...only("a.example", "b.example"),
    rules: { "a.example": [{ transform: { headers: { "X-Key": "correct-horse" } } }] },
  };
  const text = JSON.stringify(Access.ask({ network }));
  expect(text).not.toContain("correct");
  const kept = Access.kept(JSON.parse(text));
  expect(kept.policy.refusesName("a.example")).toMatch(/not kept on disk/);
  expect(kept.policy.refusesName("b.example")).toBeUndefined();
  // Saved once more, it still knows that there were some.
  expect(Access.kept(JSON.parse(JSON.stringify(kept))).lostRules).toEqual(["a.example"]);
  expect(kept.below(true).policy.refusesName("a.example")).toMatch(/not kept on disk/);
  expect(kept.with(network).policy.refusesName("a.example")).toBeUndefined();
});
