import { afterAll, beforeAll, test } from "vitest";
import { createSandbox, provider } from "../support/sandboxes.ts";
import { temporaryDirectory } from "../support/server.ts";
import { CLI_VERSION, installCli, NoCli } from "./support/cli.ts";
import { type Served, startServed } from "./support/served.ts";
import { type CliContext, tryCommand } from "./table/cli-method.ts";
import { cliMethods } from "./table/cli-methods.ts";

// E2B's command line, as its registry has it, with exactly the variables that `emberbox serve --tls-self-signed` prints.
let served: Served;
let cli: CliContext | NoCli;
beforeAll(async () => {
  cli = await installCli(temporaryDirectory()).then(
    (program) => ({ program, variables: {}, directory: temporaryDirectory() }),
    (error: unknown) => {
      if (!(error instanceof NoCli)) throw error;
      console.warn(`SKIPPED: ${error.message}`);
      return error;
    },
  );
  if (cli instanceof NoCli) return;
  await (await createSandbox()).kill();
  served = await startServed(temporaryDirectory(), "--tls-self-signed");
  cli = { ...cli, variables: served.variables };
});
afterAll(() => served?.kill());

// Each goes on from where the one before it was.
test.for(cliMethods)(`$name, of ${CLI_VERSION}`, async (method, context) => {
  if (cli instanceof NoCli) return context.skip(cli.message);
  if (method.needs !== undefined && !provider.capabilities[method.needs])
    return context.skip(`the provider has no ${method.needs}`);
  await tryCommand(method, cli);
});
