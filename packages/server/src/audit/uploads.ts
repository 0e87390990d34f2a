import { Busboy, type BusboyInstance } from "@fastify/busboy";
import { PassingDigest } from "@emberbox/core/audit";
import { within } from "@emberbox/core/concurrency";
import { texts } from "./requests.ts";

type Facts = Readonly<Record<string, unknown>>;

/** Counts what passes on its way to an agent. */
export interface Passing {
  readonly take: (piece: Buffer) => void;
  /** What has passed, once it is over. */
  readonly facts: () => Facts | Promise<Facts>;
}

/** A body of which nothing else is known. */
export function countBody(name: "body" | "input"): Passing {
  const digest = new PassingDigest();
  return { take: (piece) => digest.take(piece), facts: () => ({ [name]: digest.soFar() }) };
}

/** More files of one form are counted, and not named. */
const MAX_FILES = 10_000;

/** The files in an upload: of a form each by itself. `path` is the request's. */
export function countFiles(
  path: string | undefined,
  { type, encoding }: { readonly type: string; readonly encoding: string | undefined },
): Passing {
  const whole = new PassingDigest();
  const inWhole = (): Facts => ({
    files: [{ ...texts({ path }), ...whole.soFar(), ...texts({ encoding }) }],
  });
  const isForm = type.startsWith("multipart/form-data") && encoding === undefined;
  const form = isForm ? formOf(type, path) : undefined;
  return {
    take(piece) {
      whole.take(piece);
      form?.write(piece);
    },
    facts: async () => (await form?.facts()) ?? inWhole(),
  };
}

function formOf(type: string, path: string | undefined) {
  const files: { readonly name: string | undefined; readonly digest: PassingDigest }[] = [];
  let isBroken = false;
  let count = 0;
  const parser = openParser(type);
  if (parser === undefined) return undefined;
  const { promise: over, resolve: end } = Promise.withResolvers<void>();
  const fail = (): void => {
    isBroken = true;
    end();
  };
  parser.on("error", fail);
  parser.on("finish", end);
  parser.on("file", (_field, part, name) => {
    const digest = new PassingDigest();
    count += 1;
    if (files.length < MAX_FILES) files.push({ name, digest });
    part.on("error", fail);
    part.on("data", (piece: Buffer) => digest.take(piece));
  });
  return {
    write: (piece: Buffer): void => void (isBroken || parser.write(Buffer.from(piece))),
    /** `undefined` for what is no such form. */
    async facts(): Promise<Facts | undefined> {
      if (!isBroken) parser.end();
      await within(LAST_PARTS_MS, over, fail);
      if (isBroken) return undefined;
      const named = files.map(({ name, digest }) =>
        Object.assign({}, texts({ path: path ?? name }), digest.soFar()),
      );
      return { files: named, ...(count > named.length && { more: count - named.length }) };
    },
  };
}

/** All of it is there: a parser that does not come to its end is given up. */
const LAST_PARTS_MS = 2_000;

function openParser(type: string): BusboyInstance | undefined {
  try {
    return new Busboy({
      headers: { "content-type": type },
      preservePath: true,
      isPartAFile: (field, _type, name) => field === "file" || name !== undefined,
    });
  } catch {
    return undefined;
  }
}
