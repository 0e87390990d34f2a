import type { Capabilities } from "@emberbox/core";

/** One thing that a sandbox does, whoever provides it. */
export interface Behaviour {
  /** What must hold, as the end of "a sandbox ...". */
  readonly holds: string;
  /** The capability that a provider must claim for it; without the claim, the call must be refused. */
  readonly capability?: keyof Capabilities;
  /** The test of a whole system that shows it, where the suite cannot: it needs a real machine, or a view from outside. */
  readonly shownBy?: { readonly file: string; readonly test: string };
}

type Shown = NonNullable<Behaviour["shownBy"]>;
const hostile = (test: string): Shown => ({ file: "test/hostile.test.ts", test });
const isolation = (test: string): Shown => ({ file: "test/isolation.test.ts", test });
const lifecycle = (test: string): Shown => ({ file: "test/lifecycle.test.ts", test });
const clones = (test: string): Shown => ({ file: "test/clones.test.ts", test });
const setup = (test: string): Shown => ({ file: "test/setup-errors.test.ts", test });

/** Everything that is promised of a sandbox, by id. Tests cite the ids, and each id is cited. */
export const behaviours: Readonly<Record<string, Behaviour>> = {
  "code.result": { holds: "gives the value of the last expression, and counts executions" },
  "code.state-kept": { holds: "keeps variables, imports and functions between calls" },
  "code.output": { holds: "gives what was printed on both streams, apart and in order" },
  "code.output-streamed": { holds: "hands output to callbacks while the code still runs" },
  "code.callback-order": { holds: "waits for one callback's promise before it calls the next" },
  "code.callback-throws": {
    holds: "stops the code when a callback throws, and rejects with what it threw",
  },
  "code.exception": { holds: "reports an exception as a result, with name, value and traceback" },
  "code.syntax-error": { holds: "reports a syntax error as a result" },
  "code.rich-display": {
    holds: "gives every representation of what is displayed, in order, the main result marked",
  },
  "code.picture": { holds: "gives a figure as PNG" },
  "code.data-frame": { holds: "gives a data frame as text and HTML" },
  "code.figure-once": { holds: "shows a figure that is also the cell's value once" },
  "code.data": {
    holds: "gives a data frame's columns as data, dates as ISO 8601, and says what was cut",
  },
  "code.large-result": {
    holds: "replaces a result over the limit by a note, and saves it to a file that the note names",
  },
  "code.plotly": { holds: "gives a plotly figure as JSON" },
  "code.files": { holds: "reports the files that code made and changed, when asked" },
  "chart.line": { holds: "describes a line chart: labels, units, ticks, scales and points" },
  "chart.scatter": { holds: "describes a scatter chart, one series for each name" },
  "chart.bar": { holds: "describes bars by label, group and value, upright or on their side" },
  "chart.pie": { holds: "describes a pie chart by angles" },
  "chart.box": { holds: "describes box plots by quartiles, whiskers and outliers" },
  "chart.several": { holds: "describes several charts in one figure" },
  "chart.unknown": { holds: "calls a chart that it cannot describe unknown, and still shows it" },
  "chart.scales": { holds: "tells dates, categories and logarithmic scales apart" },
  "chart.bounded": { holds: "thins out the points of a large chart, and says how many there were" },
  "code.magics": { holds: "runs magics and shell escapes" },
  "code.top-level-await": { holds: "awaits at the top level" },
  "code.envs": { holds: "sets variables for one run only" },
  "code.unicode": { holds: "carries any text in and out unchanged" },
  "code.home": { holds: "starts code in the user's home directory, as that user" },
  "code.no-input": { holds: "answers a request for input with an error instead of waiting" },
  "code.timeout-keeps-kernel": {
    holds: "interrupts code at its time limit, with the output so far, and keeps its variables",
  },
  "code.timeout-restarts-kernel": {
    holds: "replaces an interpreter that ignores the interrupt, and says so",
  },
  "code.no-time-limit": { holds: "takes a time limit of 0 for none" },
  "code.aborted-before": { holds: "sends nothing when the signal is aborted already" },
  "code.aborted-during": { holds: "stops code whose signal is aborted, and keeps its variables" },
  "code.one-at-a-time": { holds: "runs the calls of one context one after the other, in order" },
  "code.interpreter-dies": {
    holds: "says that the interpreter ended, and has a fresh one for the next call",
  },
  "code.much-output": {
    holds:
      "keeps the beginning and the end of much output, says its full size, and shows callbacks all of it",
  },
  "code.unknown-language": {
    holds: "refuses a language that it does not have, naming those it has",
  },
  "code.options-checked": {
    holds: "refuses options that it does not know or that exclude each other",
  },
  "javascript.state-kept": {
    holds: "keeps JavaScript's declarations between calls, and lets them be made again",
  },
  "javascript.await-and-import": {
    holds:
      "awaits and imports at the top level of JavaScript, packages of the working directory too",
  },
  "javascript.output": { holds: "gives JavaScript's console, displays and last value" },
  "javascript.error": { holds: "reports JavaScript's errors with a stack of the code's own lines" },
  "javascript.timeout-keeps-kernel": {
    holds: "interrupts JavaScript in loops and in waiting, and keeps its variables",
  },
  "javascript.interpreter-dies": { holds: "replaces a JavaScript interpreter that exits" },
  "javascript.envs": { holds: "sets variables for one run of JavaScript only" },
  "javascript.clones": {
    holds: "draws numbers in JavaScript that no clone of its template draws",
    shownBy: clones("clones agree on no random number of JavaScript"),
  },
  "typescript.types": { holds: "runs TypeScript, its types taken away" },
  "bash.state-kept": { holds: "keeps bash's variables, functions and directory between calls" },
  "bash.status": { holds: "reports a piece of bash that ends with a status other than 0" },
  "bash.timeout-keeps-kernel": { holds: "interrupts bash, and keeps its variables" },
  "bash.envs": { holds: "sets variables for one run of bash only" },
  "context.separate": { holds: "keeps the names of contexts apart" },
  "context.parallel": { holds: "runs contexts beside each other" },
  "context.cwd": { holds: "starts a context in the directory asked for" },
  "context.list": { holds: "lists contexts" },
  "context.remove": { holds: "removes a context, after which it is not found" },
  "context.restart": { holds: "restarts a context: its id stays, its variables go" },
  "files.text": { holds: "writes and reads text" },
  "files.binary": { holds: "writes and reads any bytes, from any kind of data and as any kind" },
  "files.stream": { holds: "writes from and reads as a stream" },
  "files.batch-write": { holds: "writes many files in one call" },
  "files.parents": { holds: "makes the directories on the way to a written file" },
  "files.replace": { holds: "replaces a file that is written again" },
  "files.relative": { holds: "takes relative paths from the home directory" },
  "files.names": { holds: "takes names with spaces, quotes and any script" },
  "files.list": { holds: "lists a directory to the depth asked for" },
  "files.info": { holds: "tells size, type, mode, owner and time" },
  "files.make-dir": { holds: "makes directories, and says when one was there" },
  "files.rename": { holds: "moves files and directories" },
  "files.remove": { holds: "removes files and whole directories" },
  "files.exists": { holds: "tells whether a path exists" },
  "files.not-found": { holds: "says that a file is not there" },
  "files.user": { holds: "acts as the user asked for, and with no more rights" },
  "files.bad-path": { holds: "refuses paths that are empty, too long, or hold `..` or NUL" },
  "files.aborted": { holds: "rejects with the reason of an aborted signal" },
  "files.seen-by-code": { holds: "shows code and commands the same files" },
  "commands.output": { holds: "gives exit code and output of a command" },
  "commands.exit-code": { holds: "reports a non-zero exit code as a result" },
  "commands.streamed": { holds: "hands a command's output to callbacks while it runs" },
  "commands.cwd-envs-user": {
    holds: "runs a command where, with what and as whom it was asked to",
  },
  "commands.bad-cwd": { holds: "refuses a directory that is not there" },
  "commands.timeout": {
    holds: "kills a command and what it started at its time limit, with the output so far",
  },
  "commands.aborted": {
    holds: "kills a command whose signal is aborted, with all that it started",
  },
  "commands.background": { holds: "hands out a running command, which can be waited for" },
  "commands.stdin": { holds: "writes to a command's standard input, and ends it" },
  "commands.list": { holds: "lists running commands" },
  "commands.connect": { holds: "connects to a running command again" },
  "commands.kill": { holds: "kills a command, and says when there was none" },
  "commands.killed-by-signal": { holds: "says which signal ended a command" },
  "commands.unicode": { holds: "decodes output across any boundary" },
  "commands.much-output": {
    holds: "keeps the beginning and the end of much output and says its full size",
  },
  "pty.shell": {
    holds: "opens a terminal of the size asked for, which can be typed into and resized",
  },
  "pty.kill": { holds: "ends a terminal" },
  "sandbox.info": { holds: "tells what it is made of" },
  "sandbox.metrics": { holds: "tells how busy it is" },
  "sandbox.envs": { holds: "shows its variables to code and commands" },
  "sandbox.connect": { holds: "can be connected to by its id" },
  "sandbox.list": { holds: "is listed while it runs" },
  "sandbox.set-timeout": {
    holds: "has an end of life that can be moved",
    capability: "setTimeout",
  },
  "sandbox.kill": { holds: "can be killed, once; afterwards calls say that it is closed" },
  "sandbox.kill-during": { holds: "rejects running calls when it is killed" },
  "sandbox.not-found": { holds: "says that an unknown id is not found" },
  "sandbox.dispose": { holds: "is killed at the end of an `await using` scope" },
  "sandbox.bad-options": { holds: "is refused with an explanation when an option is wrong" },
  "sandbox.create-aborted": { holds: "is not created when the signal is aborted" },
  "isolation.no-host-env": { holds: "sees no variable of the host" },
  "isolation.separate": { holds: "sees no file or process of another sandbox" },
  "isolation.no-host-file": {
    holds: "sees no file of the host",
    shownBy: isolation("no file of the host is there"),
  },
  "isolation.no-network": {
    holds: "reaches no network",
    shownBy: isolation("no network but its own loopback is there"),
  },
  "isolation.no-device": {
    holds: "has no device but its machine's",
    shownBy: isolation("no device but the machine's own is there"),
  },
  "clones.randomness": {
    holds: "draws other random numbers than any clone of its template",
    shownBy: clones("clones of one template agree on no random number"),
  },
  "clones.clock": {
    holds: "has the host's time within a second",
    shownBy: clones("the clock is the host's"),
  },
  "hostile.out-of-memory": {
    holds: "says that memory ran out, with the limit, and answers again or says that it does not",
    shownBy: hostile("uses all memory gets an error that names the limit"),
  },
  "hostile.fork-bomb": {
    holds: "survives a fork bomb or is reported dead; others are unaffected",
    shownBy: hostile("runs a fork bomb answers again or is reported dead"),
  },
  "hostile.threads": {
    holds: "survives 10 000 threads",
    shownBy: hostile("starts 10 000 threads gets an error"),
  },
  "hostile.removes-all": {
    holds: "survives the removal of all files or is reported dead",
    shownBy: hostile("removes every file answers or is reported dead"),
  },
  "hostile.kills-all": {
    holds: "survives the end of all its processes or is reported dead",
    shownBy: hostile("kills all of its processes gets its kernel back"),
  },
  "hostile.fills-disk": {
    holds: "says that its disk is full, and answers",
    shownBy: hostile("fills the disk gets an error that says so"),
  },
  "hostile.prints-much": {
    holds: "costs the host bounded memory whatever it prints",
    shownBy: hostile("1 GB printed takes bounded memory on the host"),
  },
  "hostile.slow-reader": {
    holds: "is slowed down by a slow callback",
    shownBy: hostile("a slow callback slows the code down"),
  },
  "lifecycle.died": {
    holds: "that died says so at once in running calls, with its console's last lines",
    shownBy: lifecycle("calls in flight reject at once when QEMU is killed"),
  },
  "lifecycle.lifetime": {
    holds: "ends at the end of its lifetime",
    shownBy: lifecycle("it comes at the end of its lifetime"),
  },
  "lifecycle.no-leftovers": {
    holds: "leaves nothing behind, also when its program is killed",
    shownBy: lifecycle("a program killed with kill -9 leaves nothing"),
  },
  "setup.missing-parts": {
    holds: "says what is missing on the machine, and leaves nothing half-made",
    shownBy: setup("without the guest image"),
  },
};
