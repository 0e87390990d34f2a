import { ENVD_PORT, INTERPRETER_PORT } from "@emberbox/core/envd";
import { expect, test } from "vitest";
import { answerOf } from "./answers.ts";
import { agentCall, factsOf } from "./requests.ts";
import { countFiles } from "./uploads.ts";

const part = (name: string, text: string): string =>
  `--b\r\nContent-Disposition: form-data; name="file"; filename="${name}"\r\n\r\n${text}\r\n`;

const frame = (message: unknown): Buffer => {
  const text = Buffer.from(typeof message === "string" ? message : JSON.stringify(message));
  const head = Buffer.alloc(5);
  head.writeUInt32BE(text.length, 1);
  return Buffer.concat([head, text]);
};

const envd = (line: string): unknown => {
  const [verb, path] = line.split(" ") as [string, string];
  return agentCall(ENVD_PORT, verb, path)?.method;
};

test("requests are known by what the agent makes of them; what is not known is recorded as it came", () => {
  expect(envd("POST /process.Process/Start")).toBe("commands.run");
  expect(envd("POST /process.Process/Start/and/more")).toBe("commands.run");
  expect(envd("POST /process.Process/constructor")).toBe("POST /process.Process/constructor");
  expect(envd("POST /process.Process/Update")).toBeUndefined();
  expect(envd("GET /health")).toBeUndefined();
  expect(envd("POST /emberbox/files/write")).toBe("POST /emberbox/files/write");
  expect(agentCall(INTERPRETER_PORT, "POST", "/users/root/execute")?.method).toBe("runCode");
  expect(agentCall(3000, "POST", "/files")).toBeUndefined();
});

test("a message that is none, or has fields of other kinds, is recorded by its digest", () => {
  const run = agentCall(ENVD_PORT, "POST", "/process.Process/Start")!;
  const asked = (message: unknown) => {
    const bytes = Buffer.from(`00000${JSON.stringify(message)}`);
    return factsOf(run, bytes, true);
  };
  const shell = { cmd: "/bin/bash", args: ["-l", "-c", "ls -l"], envs: { KEY: "hidden" } };
  expect(asked({ process: shell })).toMatchObject({
    ...{ method: "commands.run", facts: { command: { text: "ls -l" } } },
  });
  expect(JSON.stringify(asked({ process: shell }))).not.toContain("hidden");
  expect(asked({ process: { cmd: "ls", args: ["-l"] }, pty: {} })).toMatchObject({
    ...{ method: "pty.create", facts: { command: { text: "ls -l" } } },
  });
  expect(asked({ process: 7 })).toMatchObject({ facts: { command: { text: "undefined" } } });
  expect(asked([])).toMatchObject({ facts: { body: { text: "00000[]" } } });
});

test("each file of a form has a digest of its own; a broken form has one as a whole", async () => {
  const type = "multipart/form-data; boundary=b";
  const count = async (body: string): Promise<unknown> => {
    const passing = countFiles(undefined, { type, encoding: undefined });
    // However it is cut.
    for (const byte of Buffer.from(body)) passing.take(Buffer.from([byte]));
    return passing.facts();
  };
  expect(await count(`${part("a", "12345")}${part("b/c", "")}--b--\r\n`)).toMatchObject({
    files: [
      { path: "a", bytes: 5 },
      { path: "b/c", bytes: 0 },
    ],
  });
  expect(await count("no form")).toMatchObject({ files: [{ bytes: 7 }] });
  const torn = part("a", "12345");
  expect(await count(torn)).toMatchObject({ files: [{ bytes: torn.length }] });
});

test("an answer is read as it passes, whatever a guest makes of it", () => {
  const answer = answerOf("process", false)!;
  answer.take(frame({ event: { start: { pid: 7 } } }));
  answer.take(frame("{ no JSON"));
  answer.take(
    frame({ event: { data: { stdout: Buffer.from("ab").toString("base64"), other: 1 } } }),
  );
  answer.take(frame({ event: { end: { exitCode: { of: "another kind" } } } }));
  expect(answer.facts()).toMatchObject({ pid: 7, stdout: { bytes: 2 } });
  const code = answerOf("code", true)!;
  code.take(Buffer.from('{"type":"stdout","text":"a"}\n{"type":"error","name":"E"}\n{"type":'));
  expect(code.facts()).toMatchObject({ stdout: { bytes: 1, text: "a" }, exception: "E" });
});
