// R, or any other Jupyter kernel, by name. Build the template once: emberbox build r. Then: node examples/kernels.ts
import { writeFile } from "node:fs/promises";
import { type Execution, Sandbox } from "emberbox";

const sandbox = await Sandbox.create("r");

function answer({ error, text, logs }: Execution): string {
  if (error) throw new Error(error.traceback);
  return text ?? logs.stdout.join("").trimEnd();
}

// R starts with the first call, which may take a minute without KVM. Variables stay, as in every language.
const made = await sandbox.runCode(
  `
set.seed(7)
trips <- data.frame(
  hour = pmin(pmax(round(rnorm(20000, 16, 4)), 0), 23),
  minutes = round(rgamma(20000, shape = 2, scale = 7), 1)
)
nrow(trips)
`,
  { language: "r", timeoutMs: 300_000 },
);
console.log("rows:", answer(made));

// A data frame is returned as text, HTML and Markdown; a plot as PNG.
const { results, error } = await sandbox.runCode(
  `
head(aggregate(minutes ~ hour, trips, mean), 3)
hist(trips$hour, breaks = 0:24, main = "Trips by hour", xlab = "hour")
`,
  { language: "r" },
);
if (error) throw new Error(error.traceback);
console.log(results[0]?.markdown?.trim());
await writeFile("trips-by-hour.png", results[1]!.png!, "base64");
console.log("saved trips-by-hour.png");

// A kernel is found by its kernelspec, anywhere Jupyter looks; this one is Python's own, under another name.
await sandbox.files.write(
  ".local/share/jupyter/kernels/lab/kernel.json",
  JSON.stringify({
    argv: ["python3", "-m", "ipykernel_launcher", "-f", "{connection_file}"],
    language: "python",
  }),
);
const lab = await sandbox.createCodeContext({ language: "lab", cwd: "/tmp" });
const where = await sandbox.runCode("import os, sys; os.getcwd(), sys.version_info[:2]", {
  context: lab,
  timeoutMs: 300_000,
});
console.log(lab.language, "answers", answer(where));

// The error for an unknown language lists the ones that exist.
const refusal: unknown = await sandbox.runCode("1", { language: "cobol" }).catch((error) => error);
console.log((refusal as Error).message);

await sandbox.kill();
