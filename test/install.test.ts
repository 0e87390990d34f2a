import { describeInstall } from "./support/install.ts";
import { everything } from "./support/pack.ts";

describeInstall("emberbox", {
  packages: everything,
  beside: {},
  program: `
    import { execFileSync } from "node:child_process";
    import { EmberboxError, Sandbox } from "emberbox";

    await using sandbox = await Sandbox.create();
    const { text } = await sandbox.runCode("6 * 7");
    const refused = await sandbox.runCode("1", { language: "cobol" }).catch((error: unknown) => error);
    const help = execFileSync("node_modules/.bin/emberbox", ["--help"], { encoding: "utf8" });
    if (text !== "42" || !EmberboxError.isInstance(refused) || !help.includes("emberbox run"))
      throw new Error([text, refused, help].join());
  `,
  names: {
    emberbox: [
      ...[
        "EmberboxError",
        "Execution",
        "Result",
        "Sandbox",
        "Template",
        "Volume",
        "e2b",
        "microvm",
      ],
      ...["waitForFile", "waitForPort", "waitForProcess", "waitForTimeout", "waitForURL"],
    ],
  },
});
