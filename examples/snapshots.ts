// Prepare once, then start from there as often as you like. Run it with: node examples/snapshots.ts
import { EmberboxError, Sandbox } from "emberbox";

const sandbox = await Sandbox.create();

// The slow part: a year of trips, read, cleaned and joined.
await sandbox.runCode(`
import numpy as np, pandas as pd
rng = np.random.default_rng(7)
trips = pd.DataFrame({
    "start": pd.Timestamp("2025-01-01") + pd.to_timedelta(rng.integers(0, 365 * 24 * 60, 40_000), unit="min"),
    "minutes": rng.gamma(2.2, 6, 40_000).round(1),
    "zone": rng.choice(["north", "south", "centre", "harbour"], 40_000, p=[.2, .25, .4, .15]),
})
trips = trips[trips.minutes.between(1, 90)].set_index("start").sort_index()
`);

// A fork is a copy of the running sandbox, including variables and processes. From then on, each goes its own way.
const questions = [
  "trips.groupby('zone').minutes.median().idxmax()",
  "trips.groupby(trips.index.month_name()).size().idxmax()",
  "trips.groupby(trips.index.hour).size().idxmin()",
];
const forks = await sandbox.fork({ count: questions.length });
const answers = await Promise.all(
  forks.map(async (fork, index) => {
    if (fork instanceof EmberboxError) return fork.message;
    const { text } = await fork.runCode(questions[index]!);
    await fork.kill();
    return text;
  }),
);
console.log(questions.map((question, index) => `${question}  ->  ${answers[index]}`).join("\n"));

// A snapshot is saved to disk under a name, and outlives the program. Sandboxes created from it start where it was
// taken.
const snapshot = await sandbox.createSnapshot({ name: "trips-prepared" });
const later = await Sandbox.create("trips-prepared");
console.log("rows in the sandbox made of it:", (await later.runCode("len(trips)")).text);
console.log(`beyond the template it takes ${Math.round(snapshot.sizeBytes! / 1e6)} MB`);

// A snapshot of a sandbox that came from a snapshot only stores what changed since.
await later.runCode("by_zone = trips.groupby('zone').minutes.describe()");
const next = await later.createSnapshot();
console.log("the next one is smaller:", next.sizeBytes! < snapshot.sizeBytes!);

// A paused sandbox uses no memory and no processor. Its processes, open files and variables are kept.
await later.pause();
console.log("paused:", (await later.getInfo()).state);
await later.connect();
console.log("and resumed:", (await later.runCode("by_zone.shape")).text);

// Snapshots that are no longer needed can be deleted, in any order.
for (const { snapshotId } of [snapshot, next]) await Sandbox.deleteSnapshot(snapshotId);

await later.kill();
await sandbox.kill();
