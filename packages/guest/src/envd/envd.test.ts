import { lstatSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { decodeEnvelope, encodeDataEnvelope, encodeEnvelope, RpcError } from "./connect.ts";
import { parseRange } from "./download.ts";
import { entryInfo, formatPermissions } from "./entry.ts";
import { parseCpuTimes, parseMemoryInfo } from "./metrics.ts";
import { fileError, resolvePath } from "./paths.ts";
import { describeSignal, parseSignal } from "./signals.ts";
import { parseSize, parseStartRequest } from "./start-request.ts";
import { parseNames, parsePasswd } from "./users.ts";

const user = { name: "user", uid: 1000, gid: 1000, home: "/home/user", shell: "/bin/bash" };

describe("envelopes", () => {
  it("come out as they went in", () => {
    expect(decodeEnvelope(encodeEnvelope(0, { text: "é\n" }))).toEqual({ text: "é\n" });
  });

  it("carry bytes as base64", () => {
    const bytes = Buffer.from([0, 255, 10, 34]);
    const message = decodeEnvelope(encodeDataEnvelope('{"data":"', bytes, '"}'));
    expect(Buffer.from(message["data"] as string, "base64")).toEqual(bytes);
  });

  it.each([
    ["an empty body", Buffer.alloc(0)],
    ["half a header", Buffer.alloc(4)],
    ["a length that lies", Buffer.from([0, 255, 255, 255, 255, 123, 125])],
    ["compression", Buffer.from([1, 0, 0, 0, 2, 123, 125])],
    ["an end of stream", Buffer.from([2, 0, 0, 0, 2, 123, 125])],
    ["what is not JSON", Buffer.from([0, 0, 0, 0, 2, 123, 123])],
    ["a list", Buffer.from([0, 0, 0, 0, 2, 91, 93])],
  ])("refuse %s", (_what, body) => {
    expect(() => decodeEnvelope(body)).toThrow(RpcError);
  });
});

describe("paths", () => {
  it.each([
    ["", "/home/user"],
    [undefined, "/home/user"],
    ["~", "/home/user"],
    ["~/a", "/home/user/a"],
    ["a/b", "/home/user/a/b"],
    ["/a//b/../c/", "/a/c"],
  ])("%j means %s", (path, meaning) => {
    expect(resolvePath(path, user)).toBe(meaning);
  });

  it.each([["a\0b"], ["/".padEnd(4096, "é")], ["~root/a"], [7]])("%j is refused", (path) => {
    expect(() => resolvePath(path, user)).toThrow(
      expect.objectContaining({ code: "invalid_argument" }),
    );
  });

  it.each([
    ["ENOENT", "not_found"],
    ["ENOTDIR", "not_found"],
    ["EISDIR", "invalid_argument"],
    ["ENAMETOOLONG", "invalid_argument"],
    ["ENOTCONN", "invalid_argument"],
    ["ENOSPC", "resource_exhausted"],
    ["EIO", "internal"],
  ])("%s is %s", (code, expected) => {
    expect(fileError(Object.assign(new Error("failed"), { code }), "/a").code).toBe(expected);
  });
});

describe("accounts", () => {
  const passwd =
    "root:x:0:0:root:/root:/bin/bash\nbroken\n:x:1:1::/:\nbad:x:-1:1::/:\nuser:x:1000:1001:,,,::/bin/sh\n";

  it("are read from passwd", () => {
    expect([...parsePasswd(passwd).keys()]).toEqual(["root", "user"]);
    expect(parsePasswd(passwd).get("user")).toEqual({
      name: "user",
      uid: 1000,
      gid: 1001,
      home: "/",
      shell: "/bin/sh",
    });
  });

  it("have the first name that their number has", () => {
    expect(parseNames("a:x:1:\nb:x:1:\n").get(1)).toBe("a");
  });
});

describe("entries", () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "envd-"));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it.each([
    [0o100644, "-rw-r--r--"],
    [0o040755, "drwxr-xr-x"],
    [0o041777, "dtrwxrwxrwx"],
    [0o120777, "Lrwxrwxrwx"],
    [0o104755, "urwxr-xr-x"],
    [0o020666, "Dcrw-rw-rw-"],
    [0o010600, "prw-------"],
  ])("mode %o reads %s", (mode, text) => {
    expect(formatPermissions(mode)).toBe(text);
  });

  it("describe a file, and a link by what it leads to", () => {
    const file = join(directory, "file");
    const link = join(directory, "link");
    writeFileSync(file, "12345", { mode: 0o640 });
    symlinkSync("file", link);
    expect(entryInfo(file)).toMatchObject({
      name: "file",
      type: "FILE_TYPE_FILE",
      size: "5",
      mode: 0o640,
    });
    expect(entryInfo(file).modifiedTime).toBe(lstatSync(file).mtime.toISOString());
    expect(entryInfo(link)).toMatchObject({
      type: "FILE_TYPE_FILE",
      mode: 0o640,
      symlinkTarget: file,
    });
  });

  it.each(["nowhere", "link"])("describe a link to %s, which leads nowhere", (target) => {
    const link = join(directory, "link");
    symlinkSync(target, link);
    expect(entryInfo(link)).toMatchObject({ type: "FILE_TYPE_SYMLINK", symlinkTarget: target });
  });
});

describe("requests to start", () => {
  it("keep what matters", () => {
    expect(parseStartRequest({ process: { cmd: "ls" } })).toEqual({
      config: { cmd: "ls", args: [], envs: {} },
      tag: undefined,
      stdin: false,
      size: undefined,
    });
  });

  it.each([
    [{}],
    [{ process: { cmd: "" } }],
    [{ process: { cmd: "a\0" } }],
    [{ process: { cmd: "ls", args: "x" } }],
    [{ process: { cmd: "ls", args: ["\0"] } }],
    [{ process: { cmd: "ls", envs: { a: 1 } } }],
    [{ process: { cmd: "ls", envs: { "a=b": "c" } } }],
    [{ process: { cmd: "ls" }, pty: { size: { cols: -1, rows: 1 } } }],
  ])("%j is refused", (message) => {
    expect(() => parseStartRequest(message)).toThrow(
      expect.objectContaining({ code: "invalid_argument" }),
    );
  });

  it.each([1.5, -1, 65536, "80", Number.NaN])("a terminal is not %j wide", (cols) => {
    expect(() => parseSize({ size: { cols, rows: 24 } })).toThrow(RpcError);
  });
});

it("a terminal's size may be unknown, which JSON leaves out", () => {
  expect(parseSize({ size: { cols: 0, rows: 24 } })).toEqual({ columns: 0, rows: 24 });
  expect(parseSize({ size: {} })).toEqual({ columns: 0, rows: 0 });
});

describe("signals", () => {
  it.each([["SIGNAL_SIGKILL"], ["SIGKILL"], [9]])("%j is SIGKILL", (value) => {
    expect(parseSignal(value)).toBe("SIGKILL");
  });

  it.each([["SIGNAL_UNSPECIFIED"], ["toString"], [0], [99], [undefined]])("%j is none", (value) => {
    expect(() => parseSignal(value)).toThrow(RpcError);
  });

  it("are described in Go's words", () => {
    expect(describeSignal("SIGTERM")).toBe("terminated");
    expect(describeSignal("SIGWINCH")).toBe("signal 28");
  });
});

describe("ranges", () => {
  it.each([
    ["bytes=0-3", { start: 0, end: 3 }],
    ["bytes=5-", { start: 5, end: 9 }],
    ["bytes=-4", { start: 6, end: 9 }],
    ["bytes=0-99", { start: 0, end: 9 }],
    ["bytes=10-", "unsatisfiable"],
    ["bytes=-0", "unsatisfiable"],
    ["bytes=3-2", undefined],
    ["bytes=-", undefined],
    ["bytes=0-1,3-4", undefined],
    ["lines=1-2", undefined],
    [undefined, undefined],
  ])("%s of ten bytes", (header, range) => {
    expect(parseRange(header, 10)).toEqual(range);
  });
});

describe("metrics", () => {
  it("count waiting as idle", () => {
    expect(parseCpuTimes("cpu  10 1 5 80 4 0 0 0 0 0\ncpu0 1 1 1 1 1\n")).toEqual({
      busy: 16,
      total: 100,
    });
  });

  it("read sizes in bytes", () => {
    expect(parseMemoryInfo("MemTotal:       16 kB\nHugePages_Total:   0\n")).toEqual({
      MemTotal: 16384,
    });
  });
});
