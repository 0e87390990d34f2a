import { Sandbox, Template } from "@emberbox/core";
import type { Harness } from "../harness.ts";

/** A provider refuses what it does not claim with `unsupported`: nothing is half done or ignored. */
export function describeUnclaimed({ behaviour, failure, provider, create }: Harness): void {
  behaviour("sandbox.set-timeout-unclaimed", async (sandbox) => {
    await failure(sandbox.setTimeout(600_000), "unsupported");
  });

  behaviour("pause.unclaimed", async (sandbox) => {
    await failure(sandbox.pause(), "unsupported");
    await failure(create({ lifecycle: { onTimeout: "pause" } }), "unsupported");
  });

  behaviour("pause.kept-for-unclaimed", async () => {
    await failure(create({ lifecycle: { pausedTtlMs: 3_600_000 } }), "unsupported");
    await failure(create({ lifecycle: { pausedTtlMs: false } }), "unsupported");
  });

  behaviour("snapshot.unclaimed", async (sandbox) => {
    await failure(sandbox.createSnapshot(), "unsupported");
    await failure(Sandbox.listSnapshots({ provider: provider() }), "unsupported");
    await failure(Sandbox.deleteSnapshot("any", { provider: provider() }), "unsupported");
  });

  behaviour("template.unclaimed", async () => {
    const by = { provider: provider() };
    await failure(Template.build(Template(), { name: "any", ...by }), "unsupported");
    await failure(Template.list(by), "unsupported");
    await failure(Template.delete("any", by), "unsupported");
    await failure(Template.assignTags("any", "tag", by), "unsupported");
    await failure(Template.removeTags("any", "tag", by), "unsupported");
    await failure(Template.getTags("any", by), "unsupported");
  });

  behaviour("fork.unclaimed", async (sandbox) => {
    await failure(sandbox.fork(), "unsupported");
  });

  behaviour("checkpoint.unclaimed", async (sandbox) => {
    await failure(sandbox.checkpoint(), "unsupported");
    await failure(sandbox.history(), "unsupported");
    await failure(sandbox.rollback("any"), "unsupported");
    await failure(sandbox.branch("any"), "unsupported");
    await failure(sandbox.deleteCheckpoint("any"), "unsupported");
    await failure(sandbox.changesBetween("any", "now"), "unsupported");
  });

  behaviour("network.unclaimed", async () => {
    await failure(create({ network: false }), "unsupported");
    await failure(create({ network: { denyOut: ["0.0.0.0/0"] } }), "unsupported");
    const secrets = { KEY: { value: "a-value-of-some-length", hosts: ["api.example.com"] } };
    await failure(create({ secrets }), "unsupported");
  });

  behaviour("workspace.unclaimed", async () => {
    for (const mode of ["live", "readonly"] as const)
      await failure(create({ workspace: { host: ".", mode } }), "unsupported");
  });

  behaviour("network.update-unclaimed", async (sandbox) => {
    await failure(sandbox.updateNetwork(false), "unsupported");
  });
}
