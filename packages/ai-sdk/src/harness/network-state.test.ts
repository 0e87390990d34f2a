import type { NetworkOptions } from "@emberbox/core/network";
import { expect, test } from "vitest";
import type { NetworkPolicy, RequestTransformation } from "./network-policy.ts";
import { NetworkState } from "./network-state.ts";

type Network = boolean | NetworkOptions;

function recording(...[access, rules]: ConstructorParameters<typeof NetworkState>) {
  const seen: Network[] = [];
  const sandbox = { updateNetwork: async (network: Network) => void seen.push(network) };
  const state = new NetworkState(access, rules);
  return {
    seen,
    policy: (policy: NetworkPolicy) => state.setPolicy(sandbox, policy),
    set: (...all: RequestTransformation[]) => state.setTransformations(sandbox, all),
    add: (...more: RequestTransformation[]) => state.addTransformations(sandbox, more),
  };
}

const key = (host: string, value: string, match: object = {}): RequestTransformation => ({
  match: { host, ...match },
  transform: { headers: { "x-key": value } },
});
const rule = (value: string, match?: object) => ({
  ...(match && { match }),
  transform: { headers: { "x-key": value } },
});

test.each<[NetworkPolicy, Network]>([
  [{ mode: "allow-all" }, true],
  [{ mode: "deny-all" }, false],
  [
    { mode: "custom", allowedHosts: ["a.example"], allowedCIDRs: ["8.8.8.0/24"] },
    { allowOut: ["a.example", "8.8.8.0/24"], denyOut: ["0.0.0.0/0"] },
  ],
  [
    { mode: "custom", allowedCIDRs: ["8.8.8.0/31"], deniedCIDRs: ["8.8.8.0", "10.0.0.0/8"] },
    { allowOut: ["8.8.8.1/32"], denyOut: ["0.0.0.0/0"] },
  ],
  // A host that is allowed by its name is not reached at addresses that are not public.
  [
    { mode: "custom", allowedHosts: ["a.example"], deniedCIDRs: ["169.254.0.0/16"] },
    { allowOut: ["a.example"], denyOut: ["0.0.0.0/0"] },
  ],
  // Not everything is denied, so hosts need not be named.
  [
    {
      mode: "custom",
      allowedHosts: ["*"],
      allowedCIDRs: ["0.0.0.0/0", "10.0.0.0/31", "9.9.9.9"],
      deniedCIDRs: ["8.8.8.0/24", "10.0.0.1"],
    },
    { allowOut: ["10.0.0.0/32"], denyOut: ["8.8.8.0/24", "10.0.0.1"] },
  ],
])("a policy of %j is %j", async (policy, network) => {
  const { seen, policy: set } = recording(true);
  await set(policy);
  expect(seen).toEqual([network]);
});

test("what cannot be enforced is refused, and changes nothing", async () => {
  const { seen, policy, add, set } = recording(true);
  const denied = {
    mode: "custom",
    allowedHosts: ["a.example"],
    deniedCIDRs: ["8.8.8.0/24"],
  } as const;
  await expect(policy(denied)).rejects.toMatchObject({ code: "unsupported" });
  await expect(policy({ mode: "some" } as never)).rejects.toThrow("`policy`");
  await expect(policy({ ...denied, deniedHosts: [] } as never)).rejects.toThrow("`policy`");
  await expect(add(key("a.example", "1", { path: { regex: "^/a" } }))).rejects.toThrow("regex");
  const secret = key("a.example", "s3cret", { body: { exact: "x" } });
  await expect(set(secret)).rejects.toThrow(
    expect.objectContaining({ message: expect.not.stringContaining("s3cret") }),
  );
  expect(seen).toEqual([]);
});

test("transformations are rules for their hosts, and stay when the policy changes", async () => {
  const { seen, policy, add, set } = recording(true);
  const match = {
    path: { startsWith: "/v1" },
    method: ["post"],
    queryString: [{ key: { exact: "q" } }],
    headers: [{ key: { exact: "X-Key" }, value: { exact: "placeholder" } }],
  };
  await add(key("a.example", "1", match), key("a.example", "2"));
  const first = rule("1", {
    path: { startsWith: "/v1" },
    methods: ["POST"],
    query: [{ name: { exact: "q" } }],
    headers: [{ name: { exact: "X-Key" }, value: { exact: "placeholder" } }],
  });
  expect(seen.at(-1)).toEqual({ rules: { "a.example": [first, rule("2")] } });
  await policy({ mode: "deny-all" });
  expect(seen.at(-1)).toBe(false);
  await policy({ mode: "custom", allowedHosts: ["a.example"] });
  const access = { allowOut: ["a.example"], denyOut: ["0.0.0.0/0"] };
  expect(seen.at(-1)).toEqual({ ...access, rules: { "a.example": [first, rule("2")] } });
  // What was added before is not there twice.
  await Promise.all([add(key("a.example", "2")), add(key("b.example", "3"))]);
  expect(seen.at(-1)).toEqual({
    ...access,
    rules: { "a.example": [first, rule("2")], "b.example": [rule("3")] },
  });
  await set();
  expect(seen.at(-1)).toEqual(access);
});

test("rules that the sandbox was created with come first, and stay", async () => {
  const { seen, set } = recording({ denyOut: ["8.8.8.8"] }, { "a.example": [rule("own")] });
  await set(key("a.example", "1"));
  expect(seen).toEqual([
    { denyOut: ["8.8.8.8"], rules: { "a.example": [rule("own"), rule("1")] } },
  ]);
});

test("a policy that nobody knows is not replaced by one that allows more", async () => {
  const { seen, policy, add } = recording(undefined);
  await expect(add(key("a.example", "1"))).rejects.toThrow("`setNetworkPolicy` first");
  expect(seen).toEqual([]);
  await policy({ mode: "allow-all" });
  await add(key("a.example", "1"));
  expect(seen).toEqual([true, { rules: { "a.example": [rule("1")] } }]);
});
