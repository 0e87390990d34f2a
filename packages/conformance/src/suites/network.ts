import type { Sandbox } from "@emberbox/core";
import type { Harness } from "../harness.ts";

/** A public address and a name. Nothing is requested from them: they must not be reached. */
const TARGETS = ["http://1.1.1.1/", "https://example.com/"];

/** What a provider that claims `network` must do even without an outside to reach. */
export function describeNetwork({ expect, behaviour, create }: Harness): void {
  /** Also fails when the network answers in place of what it refuses. */
  const reachesNothing = async (sandbox: Sandbox): Promise<void> => {
    for (const target of TARGETS) {
      const { exitCode } = await sandbox.commands.run(`curl -sSf -o /dev/null -m 20 ${target}`);
      expect(exitCode, `curl reached ${target}`).toBeGreaterThan(0);
    }
  };

  behaviour("network.closed", async () => {
    for (const network of [false, { denyOut: ["0.0.0.0/0"] }]) {
      await using sandbox = await create({ network });
      await reachesNothing(sandbox);
    }
  });

  behaviour("network.closed-later", async () => {
    await using sandbox = await create();
    await sandbox.updateNetwork(false);
    await reachesNothing(sandbox);
  });
}
