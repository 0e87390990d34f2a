import { expect, test } from "vitest";
import { knownSources, readConfig } from "./config.ts";

const read = (servers: object, environment: Record<string, string> = {}) =>
  readConfig(JSON.stringify(servers), environment);

test("servers are given in four ways, or by a known name", () => {
  expect(
    read({
      filesystem: { paths: ["/home/user", "/tmp"] },
      a: { npm: "@scope/server@1.2.3", args: ["--fast"], envs: { A: "1" } },
      b: { pypi: "server==1.0" },
      "github/some-one/server": { installCmd: "npm install", runCmd: "node ." },
      c: { command: "/bin/server", cwd: "/srv" },
    }),
  ).toEqual([
    {
      name: "filesystem",
      source: { kind: "npm", spec: "@modelcontextprotocol/server-filesystem" },
      args: ["/home/user", "/tmp"],
      envs: {},
    },
    {
      name: "a",
      source: { kind: "npm", spec: "@scope/server@1.2.3" },
      args: ["--fast"],
      envs: { A: "1" },
    },
    { name: "b", source: { kind: "pypi", spec: "server==1.0" }, args: [], envs: {} },
    {
      name: "github/some-one/server",
      source: {
        kind: "github",
        repository: "some-one/server",
        installCmd: "npm install",
        runCmd: "node .",
      },
      args: [],
      envs: {},
    },
    {
      name: "c",
      source: { kind: "command", command: "/bin/server", cwd: "/srv" },
      args: [],
      envs: {},
    },
  ]);
});

test("a value can be what a variable of the sandbox holds", () => {
  const github = { personalAccessToken: "${TOKEN}" };
  const [plan] = read({ github }, { TOKEN: "placeholder" });
  expect(plan!.envs).toEqual({ GITHUB_PERSONAL_ACCESS_TOKEN: "placeholder" });
  expect(() => read({ github })).toThrow("needs the variable TOKEN, which is not set");
  const envs = { A: "${TOKEN} and more", B: "$TOKEN" };
  expect(read({ a: { command: "x", envs } }, { TOKEN: "t" })[0]!.envs).toEqual(envs);
});

test("a name that is not known is refused with those that are", () => {
  expect(() => read({ exa: { apiKey: "x" } })).toThrow(
    /no MCP server `exa` here: known are brave, .*time/,
  );
  expect(() => knownSources(["exa"])).toThrow("no MCP server `exa`");
});

test("wrong settings are named, and never shown", () => {
  expect(() => read({ filesystem: {} })).toThrow("filesystem.paths");
  const secret = { github: { personalAccessToken: ["sesame"] } };
  expect(() => read(secret)).toThrow("github.personalAccessToken");
  expect(() => read(secret)).not.toThrow("sesame");
  expect(() => read({ memory: { more: true } })).toThrow("memory");
});

test.each([
  ["a flag as a package", { a: { npm: "--global" } }],
  ["an address as a package", { a: { npm: "https://example.com/x.tgz" } }],
  ["a path as a package", { a: { pypi: "../x" } }],
  ["a field that is not there", { a: { command: "x", shell: true } }],
  ["a repository elsewhere", { "gitlab/a/b": { runCmd: "x" } }],
  ["a repository's command without one", { a: { runCmd: "x" } }],
  ["a repository without a command", { "github/a/b": {} }],
  ["a name with a slash", { "a/b": { command: "x" } }],
  ["text", { a: "x" }],
  [
    "too many",
    Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`s${i}`, { command: "x" }])),
  ],
])("%s is refused", (_what, servers) => {
  expect(() => read(servers)).toThrow("Expected the configuration to be");
});
