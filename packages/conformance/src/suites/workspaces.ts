import { execFileSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Sandbox } from "@emberbox/core";
import type { Harness } from "../harness.ts";

const numbers = (count: number): string =>
  Array.from({ length: count }, (_, index) => `${index + 1}\n`).join("");

/** A folder of the host's that is gone afterwards. */
async function inFolder(use: (host: string) => Promise<void>): Promise<void> {
  const place = realpathSync(mkdtempSync(join(tmpdir(), "emberbox-workspace-")));
  const host = join(place, "the work");
  mkdirSync(join(host, "src"), { recursive: true });
  writeFileSync(join(host, "src/numbers"), numbers(20));
  writeFileSync(join(host, "src/moved"), "it moves\n");
  writeFileSync(join(host, "run"), "#!/bin/sh\necho it runs\n", { mode: 0o755 });
  writeFileSync(Buffer.concat([Buffer.from(join(host, "latin-")), Buffer.of(0xe4)]), "odd");
  writeFileSync(join(host, ".env"), "KEY=secret");
  symlinkSync("src/numbers", join(host, "link"));
  execFileSync("touch", ["-h", "-d", "@1000000000.25", join(host, "run"), join(host, "link")]);
  try {
    await use(host);
  } finally {
    rmSync(place, { recursive: true });
  }
}

/** What a provider does with folders of the host, brought along by itself or uploaded. */
export function describeWorkspaces({ expect, behaviour, failure, create }: Harness): void {
  const sh = async (sandbox: Sandbox, command: string): Promise<string> => {
    const cwd = sandbox.workspace.guest;
    const { stdout, stderr, exitCode } = await sandbox.commands.run(command, { cwd });
    expect(exitCode, stderr).toBe(0);
    return stdout;
  };

  behaviour("workspace.copy", () =>
    inFolder(async (host) => {
      await using sandbox = await create({ workspace: host });
      const { workspace } = sandbox;
      expect([workspace.host, workspace.guest]).toEqual([host, "/home/user/the-work"]);
      expect(
        await sh(sandbox, "./run; cat link | wc -l; stat -c '%a %U %Y' run; cat latin-*"),
      ).toBe("it runs\n20\n755 user 1000000000\nodd");
      expect(await sh(sandbox, "ls -A1 | grep -v latin")).toBe("link\nrun\nsrc\n");
      expect(workspace.leftOut.map(({ path, reason }) => [path, reason])).toEqual([
        [".env", "secret"],
      ]);
      expect((await workspace.changes()).changes).toEqual([]);
    }),
  );

  behaviour("workspace.review", () =>
    inFolder(async (host) => {
      await using sandbox = await create({ workspace: { host, guest: "/home/user/repo" } });
      const { workspace } = sandbox;
      await sh(
        sandbox,
        "sed -i s/^3$/three/ src/numbers && mv src/moved moved && chmod 644 run && rm link && mkdir new && echo n > new/file && printf odder > latin-*",
      );
      const { changes, digest } = await workspace.changes();
      expect(changes.map(({ kind, path }) => `${kind} ${path}`)).toEqual([
        "changed latin-\udce4",
        "removed link",
        "renamed moved",
        "added new",
        "added new/file",
        "mode run",
        "changed src/numbers",
      ]);
      const diff = await workspace.diff({ path: "src" });
      expect(diff.text).toContain("\n 2\n-3\n+three\n 4\n");
      expect(readFileSync(join(host, "src/numbers"), "utf8")).toBe(numbers(20));
      await sh(sandbox, "echo more >> new/file");
      await failure(workspace.apply({ digest }), "workspace_changed");
      const { digest: now } = await workspace.changes();
      await workspace.apply({ digest: now });
      expect(readFileSync(join(host, "src/numbers"), "utf8")).toBe(
        numbers(20).replace("3\n", "three\n"),
      );
      expect(readFileSync(join(host, "new/file"), "utf8")).toBe("n\nmore\n");
      expect([existsSync(join(host, "link")), existsSync(join(host, "src/moved"))]).toEqual([
        false,
        false,
      ]);
      expect(lstatSync(join(host, "run")).mode & 0o777).toBe(0o644);
      expect((await workspace.changes()).changes).toEqual([]);
    }),
  );

  behaviour("workspace.conflict", () =>
    inFolder(async (host) => {
      await using sandbox = await create({ workspace: host });
      const { workspace } = sandbox;
      await sh(sandbox, "sed -i s/^3$/three/ src/numbers && echo x > src/moved");
      writeFileSync(join(host, "src/numbers"), numbers(19));
      const { details } = await failure(workspace.apply(), "workspace_conflict");
      expect(details).toMatchObject({ conflicts: [{ path: "src/numbers" }] });
      expect(readFileSync(join(host, "src/moved"), "utf8")).toBe("it moves\n");
      await sh(sandbox, "ln -s ../../../etc/passwd out");
      await failure(workspace.apply({ onConflict: "overwrite" }), "workspace_refused");
      expect(existsSync(join(host, "out"))).toBe(false);
    }),
  );

  behaviour("workspace.discard", () =>
    inFolder(async (host) => {
      await using sandbox = await create({ workspace: host });
      const { workspace } = sandbox;
      await sh(sandbox, "rm -r src && echo x > run && ln -sfn run link && echo kept > kept");
      const { changes } = await workspace.discard(["src", "run", "link"]);
      expect(changes.map(({ path }) => path)).toEqual(["kept"]);
      expect(await sh(sandbox, "./run; cat link | wc -l; stat -c %U run src/moved")).toBe(
        "it runs\n20\nuser\nuser\n",
      );
    }),
  );

  behaviour("workspace.refresh", () =>
    inFolder(async (host) => {
      await using sandbox = await create({ workspace: host });
      const { workspace } = sandbox;
      await sh(sandbox, "echo inside > run");
      writeFileSync(join(host, "run"), "outside\n");
      writeFileSync(join(host, "src/new"), "new\n");
      rmSync(join(host, "src/moved"));
      const { updated, conflicts } = await workspace.refresh();
      expect({ updated, conflicts }).toEqual({
        updated: ["src/moved", "src/new"],
        conflicts: ["run"],
      });
      expect(await sh(sandbox, "cat run; ls src; cat src/new")).toBe("inside\nnew\nnumbers\nnew\n");
      const { changes } = await workspace.changes();
      expect(changes.map(({ path }) => path)).toEqual(["run"]);
    }),
  );
}
