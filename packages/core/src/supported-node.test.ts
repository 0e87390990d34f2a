import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { requireNode } from "./supported-node.ts";

const packages = join(import.meta.dirname, "../..");
const read = (file: string): string => readFileSync(join(packages, file), "utf8");

test.each(["18.20.8", "20.19.4", "22.18.0"])("Node %s is refused, with what is needed", (version) =>
  expect(() => requireNode(version)).toThrow(
    `Emberbox needs Node 22.19 or newer; this is ${version}`,
  ),
);

test.each(["22.19.0", "23.0.0", "24.1.0", process.versions.node])(
  "Node %s is accepted",
  (version) => expect(() => requireNode(version)).not.toThrow(),
);

test.each(globSync("*/package.json", { cwd: packages }))("%s says the same", (file) => {
  const { engines } = JSON.parse(read(file)) as { engines: { node: string } };
  expect(engines.node).toBe(">=22.19");
});

test.each([
  ["core/src/index.ts", "./supported-node.ts"],
  ["core/src/tools/index.ts", "../supported-node.ts"],
  ["core/src/entry-points/provider.ts", "../supported-node.ts"],
  ["microvm/src/index.ts", "@emberbox/core"],
  ["server/src/index.ts", "@emberbox/core"],
])("%s looks at the version first", (file, first) => {
  expect(/^(?:import|export) [^;]*?"(.*?)";/m.exec(read(file))?.[1]).toBe(first);
});

// Such a program would not even be loaded, and the version not looked at.
test("nothing is imported by name that an old Node does not have", () => {
  const files = globSync("{core,emberbox,ingress,mcp,microvm,server,wire}/src/**/*.ts", {
    cwd: packages,
    exclude: (name) => name.endsWith(".test.ts") || name === "testing",
  });
  const newer =
    /^import (?!type ).*\b(?:createZstd(?:Dec|C)ompress|getCACertificates)\b|^import (?!type ).*"node:sqlite"/m;
  expect(files.filter((file) => newer.test(read(file)))).toEqual([]);
});

// Bun puts a module of its own in the place of `undici`, which takes no dispatchers.
test("undici's own client is imported, by the name of its file", () => {
  const files = globSync("{core,emberbox,ingress,mcp,microvm,server}/src/**/*.ts", {
    cwd: packages,
    exclude: (name) => name.endsWith(".test.ts") || name === "testing",
  });
  const byName = /^(?:import (?!type )|export )[^;]*? from "undici";/m;
  expect(files.filter((file) => byName.test(read(file)))).toEqual([]);
});
