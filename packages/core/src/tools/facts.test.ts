import { expect, test } from "vitest";
import type { SandboxProvider, TemplateInfo } from "../provider.ts";
import { createSandboxTools } from "./create-tools.ts";

const templates: TemplateInfo[] = [
  { name: "default", languages: ["python"], libraries: {} },
  {
    name: "science",
    languages: ["julia", "javascript", "bash"],
    libraries: { julia: ["Plots", "DataFrames"], javascript: ["d3"] },
    system: "Fedora 44",
    notes: "Packages cannot be added.",
  },
];

function providerWith(templates?: () => TemplateInfo[]): SandboxProvider {
  return {
    capabilities: {},
    create: () => expect.fail(),
    templates,
  } as unknown as SandboxProvider;
}

function described(source: Parameters<typeof createSandboxTools>[0]): Record<string, string> {
  const { tools } = createSandboxTools(source, { include: ["run_code", "run_command"] });
  return Object.fromEntries(tools.map(({ kind, description }) => [kind, description]));
}

test("a model is told what the provider says of the template", () => {
  const provider = providerWith(() => templates);
  const { run_code, run_command } = described({ provider, template: "science" });
  expect(run_code).toMatch(/^Runs code in Julia, JavaScript or bash in an isolated/);
  expect(run_code).toContain(
    "as a picture. Julia has Plots and DataFrames. JavaScript has d3. Packages cannot be added. Code starts in",
  );
  expect(run_command).toContain("in an isolated Linux machine (Fedora 44), as a user");
});

test("nothing is claimed that the provider does not say", () => {
  const { run_code, run_command } = described(providerWith(() => templates));
  expect(run_code).toMatch(/^Runs code in Python in an isolated/);
  expect(run_code).toContain("as a picture. Code starts in");
  expect(run_command).toContain("in an isolated Linux machine, as a user");
});

test("without its word, the default template has what every provider must have", () => {
  for (const source of [undefined, providerWith()]) {
    const { run_code } = described(source);
    expect(run_code).toMatch(/^Runs code in Python, JavaScript, TypeScript or bash in/);
    expect(run_code).toContain("Python has numpy, pandas and matplotlib.");
  }
});

test("of a snapshot, only its name is known", () => {
  const provider = providerWith(() => templates);
  const { run_code } = described({ provider, template: "snap-1" });
  expect(run_code).toMatch(/^Runs code in Python, JavaScript, TypeScript or bash in/);
  expect(run_code).toContain("The machine is made from `snap-1`, which may have more languages");
  expect(run_code).not.toContain("pandas");
});

test("a model is told where the user's folders are, and what becomes of changes", () => {
  const provider = { ...providerWith(() => templates), capabilities: { workspaces: ["review"] } };
  const source = {
    provider: provider as unknown as SandboxProvider,
    workspaces: [
      { host: "/tmp/it's mine" },
      { host: "/tmp", guest: "/srv/data", mode: "readonly" as const },
    ],
  };
  const said =
    "A folder of the user is at /home/user/it-s-mine: changes there reach the user's folder once they are reviewed " +
    "and applied. A folder of the user is at /srv/data: it cannot be written.";
  for (const { description } of createSandboxTools(source).tools)
    expect(description.endsWith(said)).toBe(true);
  expect(described({ provider: source.provider })["run_code"]).not.toContain("folder of the user");
});
