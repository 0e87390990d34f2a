import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fetch } from "undici";
import type { EmberboxServer } from "@emberbox/server";
import type { Attempt } from "./attempt.ts";
import { ask, keys, server } from "./server.ts";

const NAME = "escape-build";

interface Asked {
  readonly templateID: string;
  readonly buildID: string;
}

export async function begin(of: EmberboxServer, key: string = keys.operator): Promise<Asked> {
  return JSON.parse((await ask(of, "POST /v3/templates", key, { name: NAME })).body) as Asked;
}

/** Where a build's files are to be sent. */
async function urlFor(of: EmberboxServer, hash: string): Promise<string> {
  const { body } = await ask(of, `GET /templates/${NAME}/files/${hash}`, keys.operator);
  return (JSON.parse(body) as { url: string }).url;
}

async function send(url: string, archive: Buffer): Promise<number> {
  const answer = await fetch(url, { method: "PUT", body: archive });
  await answer.text();
  return answer.status;
}

/** Runs a build to its end, and tells how that was and what it printed. */
export async function finish(
  of: EmberboxServer,
  { buildID }: Asked,
  steps: unknown[],
  from: object = { fromImage: "e2bdev/base" },
): Promise<string> {
  await ask(of, `POST /v2/templates/${NAME}/builds/${buildID}`, keys.operator, {
    ...{ ...from, force: true, steps },
  });
  for (;;) {
    const { body } = await ask(
      of,
      `GET /templates/${NAME}/builds/${buildID}/status?logsOffset=0`,
      keys.operator,
    );
    const { status, logEntries } = JSON.parse(body) as {
      status: string;
      logEntries: { message: string }[];
    };
    if (status === "ready" || status === "error")
      return `${status}: ${logEntries.map(({ message }) => message).join(" | ")}`;
    await sleep(200);
  }
}

/** By whoever may build templates of a server, or would like to. */
export const buildAttempts: readonly Attempt[] = [
  server(
    {
      id: "server.build-foreign",
      tries: "as one of several tenants, build a template that all use, tag, hide or delete one",
      refused: /^403 403 403 403 403 403, and it is still there$/,
    },
    async ({ server }) => {
      const asked = await begin(server, keys.operator);
      const built = await finish(server, asked, [{ type: "RUN", args: ["echo own", "user"] }]);
      const { buildID } = await begin(server, keys.operator);
      const refused = [
        await ask(server, "POST /v3/templates", keys.stranger, { name: NAME }),
        await ask(server, `POST /v2/templates/${NAME}/builds/${buildID}`, keys.stranger, {
          ...{ fromImage: "e2bdev/base", force: true, steps: [] },
        }),
        await ask(server, `DELETE /templates/${NAME}`, keys.stranger),
        await ask(server, "POST /templates/tags", keys.stranger, { target: NAME, tags: ["mine"] }),
        await ask(server, "DELETE /templates/tags", keys.stranger, {
          ...{ name: NAME, tags: ["default"] },
        }),
        await ask(server, `PATCH /v2/templates/${NAME}`, keys.stranger, { public: false }),
      ];
      const { status } = await ask(server, `GET /templates/aliases/${NAME}`, keys.owner);
      await ask(server, `DELETE /templates/${NAME}`, keys.operator);
      const still = status === 200 ? "it is still there" : "it is gone";
      return {
        delivered: built.startsWith("ready") ? "there is a template" : "",
        seen: `${refused.map((answer) => answer.status).join(" ")}, and ${still}`,
      };
    },
  ),
  server(
    {
      id: "server.build-upload",
      tries: "send files that no build waits for, or to a place of one's own choosing",
      refused: /^(400|403|404)( (400|403|404))*, and nothing was written$/,
    },
    async ({ server }) => {
      await begin(server, keys.operator);
      const hash = "a".repeat(64);
      const url = await urlFor(server, hash);
      const marker = join(tmpdir(), `emberbox-escape-${process.pid}.tar.gz`);
      const other = url.replace(/token=\w+/, `token=${"0".repeat(64)}`);
      const places = [
        marker.replace(/\.tar\.gz$/, ""),
        `../../../../../..${marker}`,
        "b".repeat(64),
      ];
      const urls = [
        other,
        url.replace(/\?.*/, ""),
        ...places.map((place) => url.replace(hash, encodeURIComponent(place))),
      ];
      const statuses = [];
      for (const each of urls) statuses.push(await send(each, Buffer.from("x")));
      const written = existsSync(marker) ? "a file was written" : "nothing was written";
      return {
        delivered: (await send(url, Buffer.from("x"))) === 200 ? "the right one is taken" : "",
        seen: `${statuses.join(" ")}, and ${written}`,
      };
    },
  ),
  server(
    {
      id: "server.build-archive",
      tries: "have the host's files written or read by an archive with `..` and links",
      refusedBy: "the machine, in which archives are unpacked",
      refused: /^the machine's own file, and nothing was written$/,
    },
    async ({ server }) => {
      const directory = mkdtempSync(join(tmpdir(), "emberbox-escapes-"));
      try {
        const marker = join(directory, "marker");
        const tree = join(directory, "tree");
        mkdirSync(tree);
        symlinkSync("/etc/hostname", join(tree, "link"));
        symlinkSync(directory, join(tree, "out"));
        const archive = join(directory, "archive");
        const rename = `--transform=s,^marker$,out/marker,`;
        execFileSync("touch", [marker]);
        execFileSync("tar", [
          "-czPf",
          archive,
          "-C",
          tree,
          "link",
          "out",
          "-C",
          directory,
          rename,
          "marker",
        ]);
        rmSync(marker);
        const bytes = readFileSync(archive);
        const hash = createHash("sha256").update(bytes).digest("hex");
        const asked = await begin(server, keys.operator);
        const status = await send(await urlFor(server, hash), bytes);
        const outcome = await finish(server, asked, [
          { type: "COPY", args: ["link", "/srv/", "", ""], filesHash: hash },
          { type: "RUN", args: ["cat /srv/link", "user"] },
        ]);
        await ask(server, `DELETE /templates/${NAME}`, keys.operator);
        const hosts = readFileSync("/etc/hostname", "utf8").trim();
        const read = outcome.includes(hosts) ? "the host's file" : "the machine's own file";
        const written = existsSync(marker) ? "a file was written" : "nothing was written";
        return {
          delivered: status === 200 && /^(ready|error)/.test(outcome) ? outcome : "",
          seen: `${read}, and ${written}`,
        };
      } finally {
        rmSync(directory, { recursive: true, force: true });
      }
    },
  ),
];
