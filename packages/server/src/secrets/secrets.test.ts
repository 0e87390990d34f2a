import { chmodSync, existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, onTestFinished, test } from "vitest";
import { prepareTables } from "../schema.ts";
import { openSecretRows } from "./rows.ts";
import { Secrets } from "./secrets.ts";
import { openVault } from "./vault.ts";

function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), "emberbox-secrets-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return directory;
}

function setUp() {
  const directory = scratch();
  const database = new DatabaseSync(":memory:");
  prepareTables(database);
  const secrets = new Secrets(openSecretRows(database), openVault(directory));
  return { directory, database, secrets };
}

const VALUE = "correct-horse-battery-staple";
const rules = (value: string) => ({
  "api.test": [{ transform: { headers: { Authorization: value, "X-Other": "other" } } }],
});
const ruled = (value: string) => ({ rules: rules(value) });

test("what was sealed is opened by the same key, for the same thing, and by nothing else", () => {
  const directory = scratch();
  const sealed = openVault(directory).seal("this", VALUE);
  expect(Buffer.from(sealed).includes(VALUE)).toBe(false);
  const vault = openVault(directory);
  expect(vault.open("this", sealed)).toBe(VALUE);
  expect(vault.seal("this", VALUE)).not.toEqual(sealed);
  expect(() => vault.open("that", sealed)).toThrow(/cannot be read/);
  expect(() => openVault(scratch()).open("this", sealed)).toThrow(/cannot be read/);
  for (const at of [0, 12, 28])
    expect(() =>
      vault.open(
        "this",
        sealed.map((byte, index) => byte ^ Number(index === at)),
      ),
    ).toThrow(/cannot be read/);
  expect(() => vault.open("this", sealed.subarray(0, 5))).toThrow(/cannot be read/);
});

test("the key is the server's own, made on first use, and read by nobody else", () => {
  const directory = scratch();
  const file = join(directory, "secrets.key");
  const vault = openVault(directory);
  expect(existsSync(file)).toBe(false);
  vault.seal("this", VALUE);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  chmodSync(file, 0o644);
  expect(() => openVault(directory).seal("this", VALUE)).toThrow(/mode 0600/);
  chmodSync(file, 0o600);
  writeFileSync(file, "short");
  expect(() => openVault(directory).seal("this", VALUE)).toThrow(/no key/);
});

test("each tenant has its own, by name and id; nothing told of them has a value", () => {
  const { database, secrets } = setUp();
  const made = secrets.create("red", { name: "key", value: VALUE, metadata: { team: "a" } });
  expect(made).toMatchObject({ name: "key", version: 1, metadata: { team: "a" } });
  expect(() => secrets.create("red", { name: "key", value: VALUE, metadata: {} })).toThrow(
    /already/,
  );
  expect(() => secrets.get("blue", "key")).toThrow(/no secret/);
  expect(() => secrets.remove("blue", made.secretId)).toThrow(/no secret/);
  secrets.create("blue", { name: "key", value: "another", metadata: {} });
  const updated = secrets.update("red", made.secretId, {
    value: `${VALUE}-2`,
    metadata: undefined,
  });
  expect(updated).toMatchObject({ version: 2, metadata: { team: "a" } });
  expect(secrets.get("red", "KEY")).toEqual(updated);
  expect(JSON.stringify([secrets.list("red"), updated])).not.toContain(VALUE);
  const stored = database.prepare("SELECT * FROM secrets").all();
  expect(stored).toHaveLength(2);
  for (const { sealed } of stored)
    expect(Buffer.from(sealed as Uint8Array).includes(VALUE)).toBe(false);
  secrets.remove("red", "key");
  expect(secrets.list("red")).toEqual([]);
  expect(secrets.list("blue")).toHaveLength(1);
});

test("placeholders in rules become values; unknown names and what is too long are refused", () => {
  const { secrets } = setUp();
  secrets.create("red", { name: "key", value: "$& value", metadata: {} });
  secrets.create("blue", { name: "hidden", value: "x", metadata: {} });
  const network = {
    allowOut: ["api.test"],
    ...ruled("Bearer ${e2b.secrets.KEY}/${e2b.secrets.key}"),
  };
  expect(secrets.fill("red", network)).toEqual({
    allowOut: ["api.test"],
    ...ruled("Bearer $& value/$& value"),
  });
  expect(secrets.fill("red", ruled("plain"))).toEqual(ruled("plain"));
  for (const name of ["none", "hidden", "__proto__", ""])
    expect(() => secrets.fill("red", ruled(`\${e2b.secrets.${name}}`))).toThrow(
      `there is no secret '${name}'`,
    );
  const long = "${e2b.secrets.long}".repeat(3);
  secrets.create("red", { name: "long", value: VALUE.repeat(30), metadata: {} });
  expect(() => secrets.fill("red", ruled(long))).toThrow(/longer than 2048/);
  expect(() => secrets.fill("red", ruled(long))).not.toThrow(VALUE);
});

test("a sandbox's rules are kept sealed while it lives, and filled in with what is there then", () => {
  const { database, secrets } = setUp();

  database
    .prepare(
      "INSERT INTO sandboxes (sandboxId, server, template, state) VALUES (?, '', '', 'running')",
    )
    .run("i1");
  secrets.create("red", { name: "key", value: "one", metadata: {} });
  secrets.keepRules("i1", ruled("Bearer ${e2b.secrets.key}"));
  secrets.copyRules("i1", "i2");
  secrets.keepRules("i3", ruled("Bearer literal"));
  secrets.copyRules("i3", "i4");
  const kept = database.prepare("SELECT sandboxId, sealed FROM sandboxRules").all();
  expect(kept.map(({ sandboxId }) => sandboxId)).toEqual(["i1", "i2"]);
  for (const { sealed } of kept)
    expect(Buffer.from(sealed as Uint8Array).includes("other")).toBe(false);
  secrets.update("red", "key", { value: "two", metadata: undefined });
  for (const id of ["i1", "i2"])
    expect(secrets.refill("red", id)).toEqual({ rules: rules("Bearer two"), gone: [] });
  expect(secrets.refill("red", "i3")).toBeUndefined();
  secrets.remove("red", "key");
  expect(secrets.refill("red", "i1")).toEqual({ rules: rules("Bearer "), gone: ["key"] });
  secrets.keepRules("i2", {});
  expect(secrets.refill("red", "i2")).toBeUndefined();
  database.exec("UPDATE sandboxes SET state = 'gone'");
  expect(secrets.refill("red", "i1")).toBeUndefined();
});
