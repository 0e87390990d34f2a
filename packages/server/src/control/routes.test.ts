import { expect, test } from "vitest";
import { pretendedSandboxes } from "../testing/sandboxes.ts";
import { ask, startServer } from "../testing/server.ts";

/** What E2B's SDK 2.51.0 declares of the API, and what its documentation has besides. */
const routes = `
GET /sandboxes
POST /sandboxes
GET /sandboxes/x
DELETE /sandboxes/x
POST /sandboxes/x/connect
POST /sandboxes/x/fork
GET /sandboxes/x/logs
GET /sandboxes/x/metrics
PUT /sandboxes/x/network
POST /sandboxes/x/pause
POST /sandboxes/x/refreshes
POST /sandboxes/x/resume
POST /sandboxes/x/snapshots
POST /sandboxes/x/timeout
GET /sandboxes/metrics
GET /secrets
POST /secrets
GET /secrets/x
POST /secrets/x
DELETE /secrets/x
GET /snapshots
GET /teams
GET /teams/x/metrics
GET /teams/x/metrics/max
GET /templates
GET /templates/x
DELETE /templates/x
PATCH /templates/x
GET /templates/x/builds/y/logs
GET /templates/x/builds/y/status
GET /templates/x/files/y
GET /templates/x/tags
GET /templates/aliases/x
POST /templates/tags
DELETE /templates/tags
GET /v2/sandboxes
POST /v2/sandboxes
POST /v2/sandboxes/x/connect
GET /v2/sandboxes/x/logs
GET /v2/templates
PATCH /v2/templates/x
POST /v2/templates/x/builds/y
POST /v3/templates
GET /volumes
POST /volumes
GET /volumes/x
DELETE /volumes/x
GET /events/sandboxes
GET /events/sandboxes/x
GET /events/webhooks
POST /events/webhooks
GET /events/webhooks/x
PATCH /events/webhooks/x
DELETE /events/webhooks/x
`;

test("every route of E2B's is known, and no others are", async () => {
  const server = await startServer({ provider: pretendedSandboxes() });
  const unknown = async (line: string): Promise<boolean> => {
    const { status, json } = await ask(server, line, /^(GET|DELETE)/.test(line) ? undefined : {});
    return status === 404 && json.message.startsWith("there is no ");
  };
  const lines = routes.trim().split("\n");
  const found = await Promise.all(lines.map(async (line) => (await unknown(line)) && line));
  expect(found.filter(Boolean)).toEqual([]);
  for (const line of ["GET /events", "GET /teams/x", "POST /events/sandboxes", "GET /v9/sandboxes"])
    expect(await unknown(line), line).toBe(true);
});
