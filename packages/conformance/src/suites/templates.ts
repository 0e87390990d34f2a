import { Sandbox, Template, waitForPort } from "@emberbox/core";
import type { TemplateLog } from "@emberbox/core/template";
import type { Harness } from "../harness.ts";

/** Different in each run, so that nothing of it was built before. */
const run = `conformance-${process.pid}-${Date.now()}`;

const variant = (text: string) => Template().runCmd(`echo ${text} > variant`);

export function describeTemplates({ expect, behaviour, failure, provider }: Harness): void {
  behaviour("template.build", async () => {
    const cached: boolean[] = [];
    const onBuildLogs = (log: TemplateLog): void => {
      if (log.type === "step") cached.push(log.isCached);
    };
    const options = { name: run, provider: provider(), onBuildLogs };
    const template = Template()
      .fromBaseImage()
      .setEnvs({ GREETING: "it's here", RUN: run })
      .makeDir("/srv/made", { user: "root", mode: 0o777 })
      .setWorkdir("/srv/made")
      .runCmd(`echo "$GREETING, ${run}" > file.txt`)
      .setStartCmd("python3 -m http.server 8124", waitForPort(8124));
    try {
      await Template.build(template, options);
      expect(cached).toEqual([false, false, false, false]);
      await Template.build(template, options);
      expect(cached.slice(4)).toEqual([true, true, true, true]);
      expect(await Template.exists(run, { provider: provider() })).toBe(true);
      await using sandbox = await Sandbox.create(run, { provider: provider() });
      const asked = "pwd; echo $GREETING; curl -s localhost:8124/file.txt";
      const { stdout } = await sandbox.commands.run(asked);
      expect(stdout).toBe(`/srv/made\nit's here\nit's here, ${run}\n`);
    } finally {
      await Template.delete(run, { provider: provider() });
    }
    expect(await Template.exists(run, { provider: provider() })).toBe(false);
    await failure(Sandbox.create(run, { provider: provider() }), "unknown_template");
  });

  behaviour("template.tags", async () => {
    const on = { provider: provider() };
    const variantOf = async (template: string): Promise<string> => {
      await using sandbox = await Sandbox.create(template, on);
      return (await sandbox.commands.run("cat variant")).stdout.trim();
    };
    try {
      const first = await Template.build(variant("first"), { name: `${run}:one`, ...on });
      expect([first.name, first.tags]).toEqual([run, ["one"]]);
      expect(await Template.exists(run, on)).toBe(false);
      const shared = await Template.assignTags(`${run}:one`, ["two"], on);
      expect([shared.buildId, shared.tags]).toEqual([first.buildId, ["one", "two"]]);
      const second = await Template.build(variant("second"), { name: run, tags: ["one"], ...on });
      expect(await variantOf(`${run}:two`)).toBe("first");
      expect(await variantOf(`${run}:one`)).toBe("second");
      const tags = await Template.getTags(run, on);
      expect(tags.map(({ tag, buildId }) => [tag, buildId])).toEqual([
        ["one", second.buildId],
        ["two", first.buildId],
      ]);
      expect(await Template.removeTags(run, "two", on)).toBe(true);
      await failure(Sandbox.create(`${run}:two`, on), "unknown_template");
      expect(await Template.exists(`${run}:one`, on)).toBe(true);
    } finally {
      await Template.delete(run, on);
    }
    await failure(Template.assignTags(`${run}:one`, ["two"], on), "unknown_template");
  });

  behaviour("template.failure", async () => {
    const template = Template().runCmd(`echo said ${run} >&2; exit 3`);
    const error = await failure(
      Template.build(template, { name: run, provider: provider() }),
      "template_build_failed",
    );
    expect(error.message).toContain(`said ${run}`);
    expect(await Template.exists(run, { provider: provider() })).toBe(false);
  });
}
