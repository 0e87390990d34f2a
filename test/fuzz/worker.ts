// One target: its seeds first, then as many inputs as asked for, made of those that reached something new.
import { existsSync, openSync, readdirSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { getHeapStatistics } from "node:v8";
import { countBranches, takeCoverage } from "./instrument.ts";
import { mutate, randomFrom } from "./mutate.ts";
import { Wrong, type Target } from "./target.ts";

export interface Job {
  readonly target: string;
  readonly runs: number;
  readonly seed: number;
  /** One input alone. */
  readonly input?: string;
  /** A file for the input that is tried now, after its number and its length: it is there when this program is not. */
  readonly now: string;
}

export interface Report {
  readonly runs: number;
  readonly corpus: number;
  readonly edges: number;
  readonly milliseconds: number;
  /** Inputs that reached something new, by what they are. */
  readonly found: readonly Uint8Array[];
  readonly failure?: { readonly input: Uint8Array; readonly what: string };
}

/** What any input may cost; the compiler and the collector of garbage are in it. */
const MICROSECONDS = 50_000;
const HEAP_BYTES = 8 * 1024 * 1024;
/** A cost that another look does not confirm was not the input's. */
const LOOKS = 4;

const job = JSON.parse(process.argv[2]!) as Job;
const now = openSync(job.now, "r+");
const nowHead = Buffer.alloc(8);
let tried = 0;
const words = new Set<string>();
countBranches(words);
const { target } = (await import(`./targets/${job.target}.ts`)) as { target: Target };
const maxBytes = target.maxBytes ?? 4096;
const perByte = {
  microseconds: target.microsecondsPerByte ?? 2,
  heap: target.heapBytesPerByte ?? 256,
};
// What is thrown where nobody waits for it is the input's, too.
const stray: unknown[] = [];
process.on("uncaughtException", (error) => void stray.push(error));
process.on("unhandledRejection", (error) => void stray.push(error));

interface Cost {
  readonly microseconds: number;
  readonly heap: number;
}

/** Why what came of an input is wrong. */
async function attempt(input: Buffer): Promise<{ what?: string; cost: Cost }> {
  nowHead.writeUInt32LE(++tried, 0);
  nowHead.writeUInt32LE(input.length, 4);
  writeSync(now, Buffer.concat([nowHead, input]), 0, undefined, 0);
  const heap = heapBytes();
  const cpu = process.threadCpuUsage();
  let what: string | undefined;
  try {
    const running = target.run(input);
    if (running !== undefined) await running;
  } catch (error) {
    if (error instanceof Wrong || !target.refuses(error)) what = describe(error);
  }
  const { user, system } = process.threadCpuUsage(cpu);
  if (stray.length > 0) what ??= `nobody waits for: ${describe(stray.shift())}`;
  const cost = { microseconds: user + system, heap: heapBytes() - heap };
  return { cost, ...(what !== undefined && { what }) };
}

function heapBytes(): number {
  const { used_heap_size, external_memory } = getHeapStatistics();
  return used_heap_size + external_memory;
}

function describe(error: unknown): string {
  if (error instanceof Wrong) return error.message;
  return `threw ${error instanceof Error ? error.stack : String(error)}`;
}

const limits = (length: number): Cost => ({
  microseconds: MICROSECONDS + perByte.microseconds * length,
  heap: HEAP_BYTES + perByte.heap * length,
});

async function failureOf(input: Buffer): Promise<string | undefined> {
  const first = await attempt(input);
  if (first.what !== undefined) return first.what;
  const most = limits(input.length);
  let { microseconds, heap } = first.cost;
  for (let look = 0; look < LOOKS; look++) {
    if (microseconds <= most.microseconds && heap <= most.heap) return undefined;
    const { cost } = await attempt(input);
    microseconds = Math.min(microseconds, cost.microseconds);
    heap = Math.min(heap, cost.heap);
  }
  return `${input.length} bytes cost ${microseconds} µs of processor time and ${heap} bytes of memory; the limits are ${most.microseconds} and ${most.heap}`;
}

function seedsOf(name: string): Buffer[] {
  const directory = join(import.meta.dirname, "seeds", name);
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .toSorted()
    .map((file) => readFileSync(join(directory, file)));
}

async function fuzz(): Promise<Report> {
  const started = performance.now();
  const random = randomFrom(job.seed);
  const seen = new Set<number>();
  const edges = new Set<number>();
  const corpus: Buffer[] = [];
  const found: Buffer[] = [];
  const seeds = job.input ? [readFileSync(job.input)] : [Buffer.alloc(0), ...seedsOf(job.target)];
  let runs = 0;
  const report = (failure?: Report["failure"]): Report => ({
    runs,
    corpus: corpus.length,
    edges: edges.size,
    milliseconds: performance.now() - started,
    found,
    ...(failure && { failure }),
  });
  const one = async (input: Buffer, isSeed: boolean): Promise<string | undefined> => {
    runs++;
    const what = await failureOf(input);
    let isNew = isSeed;
    for (const step of takeCoverage()) {
      if (seen.has(step)) continue;
      isNew = true;
      seen.add(step);
      edges.add(step >> 4);
    }
    if (isNew) corpus.push(input);
    if (isNew && !isSeed) found.push(input);
    return what;
  };
  for (const seed of seeds) {
    const what = await one(seed, true);
    if (what !== undefined) return report({ input: seed, what });
  }
  if (job.input) return report();
  const material = {
    words: [...words, ...(target.words ?? [])].map((word) => Buffer.from(word)),
    corpus,
    maxBytes,
  };
  // Half the time one of the newest, which are nearest to what is not reached yet; and the shorter of two, which is tried sooner.
  const pick = (): Buffer => {
    const from = random(2) === 0 ? Math.max(0, corpus.length - 16) : 0;
    return corpus[from + random(corpus.length - from)]!;
  };
  while (runs < job.runs * (target.share ?? 1)) {
    const [first, other] = [pick(), pick()];
    const input = mutate(first.length <= other.length ? first : other, material, random);
    const what = await one(input, false);
    if (what !== undefined) return report({ input, what });
  }
  return report();
}

const report = await fuzz();
// Streams that a target left open do not keep it.
process.send!(report, () => process.exit());
