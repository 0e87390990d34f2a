import type { Attempt } from "./attempt.ts";
import { ask, keys, server } from "./server.ts";

const NAME = "escape-key";
const VALUE = "value-that-only-the-gateway-knows";
const rules = (host: string) => ({
  rules: { [host]: [{ transform: { headers: { "X-Key": `\${e2b.secrets.${NAME}}` } } }] },
});

/** By whoever has a key of a server that keeps secrets. */
export const secretAttempts: readonly Attempt[] = [
  server(
    {
      id: "server.foreign-secret",
      tries: "see, change, remove or use another tenant's secret, by its id and its name",
      refused: /^404 404 404 404 404 404 400 400, and it is as it was$/,
    },
    async ({ server }) => {
      const made = await ask(server, "POST /secrets", keys.owner, { name: NAME, value: VALUE });
      const { secretID } = JSON.parse(made.body) as { secretID: string };
      const own = await ask(server, "POST /v2/sandboxes", keys.stranger, { templateID: "base" });
      const { sandboxID } = JSON.parse(own.body) as { sandboxID: string };
      const seen: number[] = [];
      const tryOut = async (line: string, body?: unknown): Promise<void> => {
        seen.push((await ask(server, line, keys.stranger, body)).status);
      };
      for (const id of [secretID, NAME]) {
        await tryOut(`GET /secrets/${id}`);
        await tryOut(`POST /secrets/${id}`, { value: "another" });
        await tryOut(`DELETE /secrets/${id}`);
      }
      const network = rules("a.example");
      await tryOut("POST /v2/sandboxes", { templateID: "base", network });
      await tryOut(`PUT /sandboxes/${sandboxID}/network`, network);
      await ask(server, `DELETE /sandboxes/${sandboxID}`, keys.stranger);
      const after = await ask(server, `GET /secrets/${secretID}`, keys.owner);
      await ask(server, `DELETE /secrets/${secretID}`, keys.owner);
      const same = after.body === made.body ? "it is as it was" : "it was changed";
      return {
        delivered: made.status === 201 && own.status === 201 ? "there is a secret" : "",
        seen: `${seen.join(" ")}, and ${same}`,
      };
    },
  ),
  server(
    {
      id: "server.secret-back",
      tries: "have the server tell a secret's value to whoever has set it",
      refused: /^nothing has it$/,
    },
    async ({ server }) => {
      const made = await ask(server, "POST /secrets", keys.owner, { name: NAME, value: VALUE });
      const network = rules("a.example");
      const create = { templateID: "base", network };
      const created = await ask(server, "POST /v2/sandboxes", keys.owner, create);
      const { sandboxID } = JSON.parse(created.body) as { sandboxID: string };
      const answers = [made, created];
      for (const [line, body] of [
        ["GET /secrets"],
        [`GET /secrets/${NAME}`],
        [`POST /secrets/${NAME}`, { value: VALUE }],
        ["POST /secrets", { name: NAME, value: VALUE }],
        ["POST /secrets", { name: "{}", value: VALUE }],
        [`GET /sandboxes/${sandboxID}`],
        ["GET /v2/sandboxes"],
        [`GET /sandboxes/${sandboxID}/logs`],
        [`PUT /sandboxes/${sandboxID}/network`, rules("not a host")],
        [`PUT /sandboxes/${sandboxID}/network`, { ...network, allowOut: ["no wildcard *"] }],
      ] as [string, unknown?][])
        answers.push(await ask(server, line, keys.owner, body));
      answers.push(await ask(server, "GET /metrics", keys.operator));
      await ask(server, `DELETE /sandboxes/${sandboxID}`, keys.owner);
      await ask(server, `DELETE /secrets/${NAME}`, keys.owner);
      const telling = answers.filter(({ body }) => body.includes(VALUE));
      return {
        delivered: created.status === 201 ? `${answers.length} answers` : "",
        seen: telling.map(({ body }) => body.slice(0, 200)).join("\n") || "nothing has it",
      };
    },
  ),
];
