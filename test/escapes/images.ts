import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Template } from "@emberbox/core";
import { fetch } from "undici";
import { tar, writeLayout } from "../../packages/microvm/src/container/testing/layout.ts";
import type { Attempt } from "./attempt.ts";
import { finish, begin } from "./builds.ts";
import { server } from "./server.ts";

/** By whoever chooses the container image that a template begins with, or makes it. */
export const imageAttempts: readonly Attempt[] = [
  server(
    {
      id: "server.build-image",
      tries: "have the server fetch from its own machine, or read its files, as a container image",
      refused: /^(error: \S.*; ){4}nothing was asked$/,
    },
    async ({ server }) => {
      let asked = 0;
      const inside = createServer((_request, response) => void response.end(String(++asked)));
      inside.listen(0, "127.0.0.1");
      await once(inside, "listening");
      try {
        const { port } = inside.address() as AddressInfo;
        const reached = await (await fetch(`http://127.0.0.1:${port}/v2/`)).text();
        const images = [
          ...[`127.0.0.1:${port}/it`, `localhost:${port}/it`],
          ...["oci:/etc", "docker-archive:/etc/passwd"],
        ];
        let seen = "";
        for (const fromImage of images) {
          const outcome = await finish(server, await begin(server), [], { fromImage });
          seen += `${outcome.replaceAll(/[;\n]/g, ",")}; `;
        }
        const more = asked - Number(reached);
        return {
          delivered: reached === "1" ? "it answers others" : "",
          seen: `${seen}${more === 0 ? "nothing was asked" : `${more} requests came`}`,
        };
      } finally {
        inside.close();
        inside.closeAllConnections();
      }
    },
  ),
  {
    id: "host.image-layers",
    tries: "have the host's files written by layers of a container image, with `..` and links",
    refusedBy: "the machine, in which layers are unpacked",
    refused:
      /^(template_build_failed|unsupported) (template_build_failed|unsupported), and nothing was written$/,
    async run({ provider }) {
      const directory = mkdtempSync(join(tmpdir(), "emberbox-escapes-"));
      try {
        const outside = mkdtempSync(join(directory, "outside-"));
        const images = [
          [tar([[`${"../".repeat(20)}${outside.slice(1)}/marker`, "x"]])],
          [tar([["out", "", outside]]), tar([["out/marker", "x"]])],
        ];
        const codes = [];
        for (const layers of images) {
          const image = `oci:${writeLayout(mkdtempSync(join(directory, "image-")), { layers })}`;
          const built = Template.build(Template().fromImage(image), { name: "escape", provider });
          codes.push(
            await built.then(
              () => "built",
              (error: { code?: string }) => String(error.code),
            ),
          );
        }
        const written = readdirSync(outside).length > 0;
        return {
          delivered: codes.includes("tool_missing") ? "" : "the layers were unpacked",
          seen: `${codes.join(" ")}, and ${written ? "a file" : "nothing"} was written`,
        };
      } finally {
        rmSync(directory, { recursive: true, force: true });
      }
    },
  },
];
