import type { Capabilities } from "@emberbox/core/provider";

/** One thing that a sandbox does, whichever provider it comes from. */
export interface Behaviour {
  /** What must hold, as the end of "a sandbox ...". */
  readonly holds: string;
  /** The capability that a provider must claim for it. */
  readonly capability?: keyof Capabilities;
  /** The capability that a provider must not claim for it: the behaviour is that it refuses. */
  readonly unclaimed?: keyof Capabilities;
  /**
   * The test of this repository that shows it, where the suite cannot: it needs a real machine, or a view from outside.
   */
  readonly shownBy?: { readonly file: string; readonly test: string };
}

type Shown = NonNullable<Behaviour["shownBy"]>;
const hostile = (test: string): Shown => ({ file: "test/hostile.test.ts", test });
const isolation = (test: string): Shown => ({ file: "test/isolation.test.ts", test });
const lifecycle = (test: string): Shown => ({ file: "test/lifecycle.test.ts", test });
const network = (test: string): Shown => ({ file: "test/network.test.ts", test });
const clones = (test: string): Shown => ({ file: "test/clones.test.ts", test });
const ports = (test: string): Shown => ({ file: "test/ports.test.ts", test });
const tools = (test: string): Shown => ({ file: "test/tools.test.ts", test });
const openaiSession = (test: string): Shown => ({
  file: "test/openai-agents/session.test.ts",
  test,
});
const langchain = (file: string, test: string): Shown => ({
  file: `packages/langchain/${file}.test.ts`,
  test,
});
const openaiAgent = (test: string): Shown => ({ file: "test/openai-agents/agents.test.ts", test });
const mcp = (file: string, test: string): Shown => ({ file: `test/mcp/${file}.test.ts`, test });
const kernels = (test: string): Shown => ({ file: "test/kernels.test.ts", test });
const plotly = (test: string): Shown => ({ file: "test/plotly.test.ts", test });
const r = (test: string): Shown => ({ file: "test/r.test.ts", test });
const setup = (test: string): Shown => ({ file: "test/setup-errors.test.ts", test });

/** Everything that a sandbox promises, by id. Tests cite the ids, and every id is cited. */
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
  "code.plotly-picture": {
    holds:
      "gives a picture of a plotly figure of a common kind beside its JSON, and none of another",
    shownBy: plotly("code.plotly-picture: a picture beside the JSON, of a value and of show()"),
  },
  "code.files": { holds: "reports the files that code made and changed, when asked" },
  "code.files-any-language": {
    holds: "reports changed files for JavaScript, TypeScript and bash too",
  },
  "python.event-loop": {
    holds:
      "runs event loops as scripts do, and tasks as notebooks do, in any order and with nest_asyncio",
  },
  "python.magics": {
    holds:
      "gives the whole output of programs that magics and `!` start, whatever its bytes and however long the line",
  },
  "python.displays": {
    holds: "gives the last state of displays that are updated or cleared, however often that is",
  },
  "python.print": { holds: "never ends a message within what one print writes" },
  "python.text": {
    holds:
      "gives a string's text as its repr without single quotes, numpy's numbers as numbers, and any other repr as it is",
  },
  "python.exact-values": {
    holds: "gives integers that JSON would round as text, and missing values of every type as null",
  },
  "python.pictures": {
    holds: "shows pictures that are saved or shown, and figures whichever backend is chosen",
  },
  "chart.line": { holds: "describes a line chart: labels, units, ticks, scales and points" },
  "chart.scatter": { holds: "describes a scatter chart, one series for each name" },
  "chart.bar": { holds: "describes bars by label, group and value, upright or on their side" },
  "chart.pie": { holds: "describes a pie chart by angles" },
  "chart.box": { holds: "describes box plots by quartiles, whiskers and outliers" },
  "chart.several": { holds: "describes several charts in one figure" },
  "chart.unknown": { holds: "calls a chart that it cannot describe unknown, and still shows it" },
  "chart.names": { holds: "names the series of error bars and stems" },
  "chart.levels": {
    holds: "describes a line across bars or dots as a series, unless it is the axis itself",
  },
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
  "interrupt.python": {
    holds: "interrupts Python in sleep, compute, native code and the programs it waits for",
  },
  "interrupt.python-in-finalizers": {
    holds: "interrupts Python also where the interpreter itself forgets an interrupt",
  },
  "interrupt.javascript": {
    holds: "interrupts JavaScript in callbacks of timers, endless awaits and programs it waits for",
  },
  "interrupt.javascript-left-over": {
    holds:
      "interrupts what an earlier piece of JavaScript left behind, when it keeps the next from starting",
  },
  "interrupt.javascript-abandoned": {
    holds: "stops the timers of interrupted JavaScript, and never shows its output in a later call",
  },
  "interrupt.bash": { holds: "interrupts bash and the programs it runs" },
  "stream.terminal-codes": { holds: "keeps carriage returns and terminal codes as they are" },
  "stream.order": { holds: "keeps the order between both streams and results" },
  "stream.as-it-comes": { holds: "hands over output of JavaScript and bash while it is made" },
  "stream.slow-consumer": { holds: "makes JavaScript and bash wait for a slow callback" },
  "stream.much-in-bash": { holds: "hands over all output of programs that bash runs" },
  "failure.syntax": { holds: "shows the place of a syntax error, in every language" },
  "failure.cause": { holds: "shows what caused an exception, its notes, and a group's members" },
  "failure.long-traceback": { holds: "keeps both ends of very long errors" },
  "failure.recursion": { holds: "survives recursion without end, in every language" },
  "failure.exit": {
    holds: "says with which code an interpreter ended itself; Python lives on after `exit()`",
  },
  "failure.interrupt-raised": { holds: "survives interrupts that code sends to itself" },
  "failure.crash": { holds: "says which signal ended an interpreter, and has a fresh one" },
  "failure.heap": {
    holds: "answers commands while JavaScript fills its heap, and says that memory ran out",
  },
  "failure.large-value": {
    holds: "shows a value of 200 MB by a note, or says that memory ran out",
  },
  "failure.large-print": { holds: "survives a text of 80 MB that is printed at once" },
  "javascript.large-print": { holds: "survives a text of 80 MB that JavaScript prints at once" },
  "failure.invalid-utf8": {
    holds: "puts replacement characters where output is not UTF-8, and carries nothing over",
  },
  "failure.large-code": { holds: "runs code of 5 MB, and refuses code over a limit that it names" },
  "failure.no-input": { holds: "answers every way to ask for input at once, in every language" },
  "failure.removed-context": { holds: "says that a removed context is not there" },
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
  "javascript.missing-export": {
    holds: "refuses to import a name that a module does not have",
  },
  "javascript.declared-again": {
    holds: "lets JavaScript declare a name again in any way, also after it failed",
  },
  "javascript.not-awaited": {
    holds: "waits for what a piece of JavaScript started and did not wait for",
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
  "typescript.whole": { holds: "runs TypeScript's namespaces and decorators" },
  "bash.state-kept": { holds: "keeps bash's variables, functions and directory between calls" },
  "bash.script": {
    holds:
      "runs bash as a script, with `set -e`, `exit` and a trap for the end, and keeps the shell",
  },
  "bash.status": { holds: "reports a piece of bash that ends with a status other than 0" },
  "bash.timeout-keeps-kernel": { holds: "interrupts bash, and keeps its variables" },
  "bash.envs": { holds: "sets variables for one run of bash only" },
  "kernel.by-name": {
    holds:
      "runs any Jupyter kernel that is installed, by the name of its kernelspec or of its language",
    shownBy: kernels("kernel.by-name: a kernelspec is all that a language needs"),
  },
  "kernel.results": {
    holds: "gives what a Jupyter kernel emits: every MIME type, in order, the main result marked",
    shownBy: kernels("kernel.results: what a kernel emits, in its order"),
  },
  "kernel.error": {
    holds: "reports a Jupyter kernel's exceptions as results, and refuses its requests for input",
    shownBy: kernels(
      "kernel.error: an exception is a result, and what asks for input gets the usual answer",
    ),
  },
  "kernel.envs": {
    holds: "sets variables for one call in kernels of known languages, and refuses elsewhere",
    shownBy: kernels("kernel.envs: variables for one call, where the language is known"),
  },
  "kernel.timeout": {
    holds: "interrupts a Jupyter kernel as its kernelspec says, and keeps it",
    shownBy: kernels("kernel.timeout: an interrupt keeps the kernel, by signal or by message"),
  },
  "kernel.dies": {
    holds: "tells how a Jupyter kernel ended, and starts another",
    shownBy: kernels("kernel.dies: its end is told, and a fresh one takes its place"),
  },
  "kernel.large": {
    holds: "replaces results of a Jupyter kernel that are too large by a note",
    shownBy: kernels("kernel.large: results over the limit become a note, and the next call works"),
  },
  "kernel.slow-reader": {
    holds: "slows a Jupyter kernel to the pace of its reader",
    shownBy: kernels("kernel.slow-reader: who reads slowly slows the kernel, and loses nothing"),
  },
  "kernel.broken": {
    holds: "says why a Jupyter kernel cannot be started",
    shownBy: kernels(
      "kernel.broken: a kernel that cannot start says why, and what is no kernel is none",
    ),
  },
  "kernel.private": {
    holds: "keeps the keys of Jupyter kernels' connections from others",
    shownBy: kernels(
      "kernel.private: what connects to a kernel is for its user alone, and goes with it",
    ),
  },
  "kernel.user": {
    holds: "runs kernels of every kind as the user asked for, within the limits of the usual one",
    shownBy: kernels(
      "kernel.user: runs as who is asked for, with what is theirs and within the same limits",
    ),
  },
  "kernel.user-home": {
    holds: "gives Python the packages, settings and groups of the user asked for",
    shownBy: kernels(
      "kernel.user-home: Python's packages, settings and groups are the user's, who may have no home",
    ),
  },
  "r.values": {
    holds: "runs R: values, printed output, messages; variables stay",
    shownBy: r("r.values: values, printed output and messages; variables stay"),
  },
  "r.table": {
    holds: "gives R's data frames as text, HTML and Markdown",
    shownBy: r("r.table: a data frame as text, HTML and Markdown"),
  },
  "r.plot": {
    holds: "gives R's plots as PNG, SVG and PDF",
    shownBy: r("r.plot: plots as PNG, and as SVG and PDF when those are asked for"),
  },
  "r.error": {
    holds: "reports R's errors as results, and refuses requests for input",
    shownBy: r(
      "r.error: a condition and a mistake in the syntax are results; a request for input is refused",
    ),
  },
  "r.timeout": {
    holds: "interrupts R and keeps its variables",
    shownBy: r("r.timeout: an interrupt keeps the variables"),
  },
  "r.envs": {
    holds: "sets variables for one call in R",
    shownBy: r("r.envs: variables for one call only"),
  },
  "r.packages": {
    holds: "lets the user install packages of R",
    shownBy: r("r.packages: packages can be installed by the user"),
  },
  "context.separate": { holds: "keeps the names of contexts apart" },
  "context.parallel": { holds: "runs contexts beside each other" },
  "context.envs": { holds: "sets variables for one call in one context only, in every language" },
  "context.crash-alone": { holds: "loses one context's variables when it crashes, and no other's" },
  "context.queue": { holds: "runs the calls of one context in order, in every language" },
  "context.cwd": { holds: "starts a context in the directory asked for" },
  "context.list": { holds: "lists contexts" },
  "context.remove": { holds: "removes a context, after which it is not found" },
  "context.restart": { holds: "restarts a context: its id stays, its variables go" },
  "context.user": {
    holds: "runs code as the user asked for, in every language, with contexts of their own",
  },
  "context.user-stays": {
    holds: "runs code as its context's user after interrupts, crashes and restarts",
  },
  "context.user-refused": {
    holds: "refuses code of users that are not there, and directories that a user cannot enter",
  },
  "files.text": { holds: "writes and reads text" },
  "files.binary": { holds: "writes and reads any bytes, from any kind of data and as any kind" },
  "files.stream": { holds: "writes from and reads as a stream" },
  "files.batch-write": { holds: "writes many files in one call" },
  "files.batch-read": { holds: "reads many files in one call, or says which it cannot read" },
  "files.parents": { holds: "makes the directories on the way to a written file" },
  "files.replace": { holds: "replaces a file that is written again" },
  "files.relative": { holds: "takes relative paths from the home directory" },
  "files.names": { holds: "takes names with spaces, quotes and any script" },
  "files.user-links": {
    holds: "follows a link of its user's only to where that user may go",
    shownBy: isolation("a link of the user's does not lead the files API further than the user"),
  },
  "files.list": { holds: "lists a directory to the depth asked for" },
  "files.info": { holds: "tells size, type, mode, owner and time" },
  "files.make-dir": { holds: "makes directories, and says when one was there" },
  "files.rename": { holds: "moves files and directories" },
  "files.remove": { holds: "removes files and whole directories" },
  "files.exists": { holds: "tells whether a path exists" },
  "files.not-found": { holds: "says that a file is not there" },
  "files.write-linked": {
    holds: "writes through a link to another user's file that everybody may write to",
  },
  "files.user": { holds: "acts as the user asked for, and with no more rights" },
  "files.bad-path": { holds: "refuses paths that are empty, too long, or hold `..` or NUL" },
  "files.aborted": { holds: "rejects with the reason of an aborted signal" },
  "files.upload-dir": {
    holds:
      "takes a folder of the host: names, modes, times, links, empty directories; whole or not",
  },
  "files.download-dir": {
    holds: "gives a folder to the host as it is, but nothing that is unsafe there or too much",
  },
  "workspace.copy": {
    holds: "works on a copy of a folder of the host, without what looks like a secret",
  },
  "workspace.review": {
    holds: "says what it changed of a folder, and applies what was shown and nothing else",
  },
  "workspace.conflict": {
    holds: "never overwrites unasked what changed in the folder, and writes nothing outside of it",
  },
  "workspace.discard": { holds: "undoes what it changed of a folder" },
  "workspace.refresh": { holds: "gets what changed in a folder, and keeps its own changes" },
  "workspace.unclaimed": {
    holds: "refuses to work on a folder itself",
    unclaimed: "workspaces",
  },
  "files.seen-by-code": { holds: "shows code and commands the same files" },
  "files.metadata": { holds: "keeps metadata with a file, and replaces it with the file" },
  "files.url": {
    holds: "gives URLs for files that need no other credential, and end when they shall",
  },
  "files.watch": {
    holds: "reports what is created, written, renamed, removed and given other permissions",
  },
  "files.watch-replaced": {
    holds: "tells of a file that is replaced in a directory that was just made or moved in",
  },
  "files.watch-recursive": {
    holds: "reports changes below a directory when asked, in new directories too",
  },
  "files.watch-removed": { holds: "reports that a watched directory was removed" },
  "files.watch-entry": { holds: "tells size and mode with a change when asked" },
  "files.watch-stop": {
    holds: "reports nothing after a watch was stopped, at its time limit or by hand",
  },
  "files.watch-callback-throws": { holds: "ends a watch whose callback throws, and says so" },
  "files.watch-not-found": { holds: "refuses to watch what is not there or no directory" },
  "commands.output": { holds: "gives exit code and output of a command" },
  "commands.exit-code": { holds: "reports a non-zero exit code as a result" },
  "commands.streamed": { holds: "hands a command's output to callbacks while it runs" },
  "commands.any-text": {
    holds: "runs a command line whatever it begins with, and however long it is",
  },
  "commands.envs-win": { holds: "gives a command the PATH and LANG that it is asked to give" },
  "commands.devices": { holds: "has the devices that scripts and programs look for" },
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
  "commands.bytes": { holds: "hands out a command's output as the bytes it is" },
  "commands.list": { holds: "lists running commands" },
  "commands.connect": { holds: "connects to a running command again" },
  "commands.kill-tree": {
    holds: "kills what a command started, also what has left its session",
  },
  "commands.connect-late": { holds: "tells for a while how a command ended" },
  "commands.kill": { holds: "kills a command, and says when there was none" },
  "commands.killed-by-signal": { holds: "says which signal ended a command" },
  "commands.unicode": { holds: "decodes output across any boundary" },
  "commands.much-output": {
    holds: "keeps the beginning and the end of much output and says its full size",
  },
  "pty.shell": {
    holds: "opens a terminal of the size asked for, which can be typed into and resized",
  },
  "pty.connect": { holds: "connects to a terminal again, which has lived on" },
  "pty.command": { holds: "runs one command in a terminal" },
  "pty.pasted": {
    holds: "goes on with everything else while a terminal's program does not read what is typed",
  },
  "pty.unknown-size": { holds: "opens a terminal whose size is not known" },
  "pty.kill": { holds: "ends a terminal" },
  "ports.http": {
    holds: "is reached by HTTP at a port, also where its server listens on its own loopback only",
  },
  "ports.events": { holds: "passes on a server's events as they come" },
  "ports.websocket": { holds: "passes on WebSockets" },
  "ports.closed": { holds: "answers 502 at a port on which nothing listens" },
  "ports.bad-port": { holds: "refuses a port that is none" },
  "ports.token": {
    holds: "answers at its ports only those who have its traffic token, where it is not public",
  },
  "ports.masked-host": { holds: "shows its servers the host that it was created with" },
  "ports.any-protocol": {
    holds: "passes on any protocol over TCP, whoever speaks first and whoever ends first",
    shownBy: ports("a server that speaks first"),
  },
  "ports.end": {
    holds: "has no open port after its end",
    shownBy: ports("a port is closed with its sandbox"),
  },
  "network.ordinary-programs": {
    holds: "reaches what is allowed from programs that know nothing of it, on any port",
    capability: "network",
    shownBy: network("programs that know nothing of proxies reach what is allowed, on any port"),
  },
  "network.refused": {
    holds: "fails at once to reach what its policy refuses, and says why",
    capability: "network",
    shownBy: network("what is refused fails at once, and programs are told why"),
  },
  "network.server-name": {
    holds: "speaks TLS only for the name that it asked for, where names are allowed",
    capability: "network",
    shownBy: network("TLS for another host than was asked for is cut"),
  },
  "network.udp": {
    holds: "is refused UDP at once",
    capability: "network",
    shownBy: network("UDP and IPv6 are refused at once"),
  },
  "network.observed": {
    holds: "tells every decision about its network, and what was refused",
    capability: "network",
    shownBy: network("every decision is told, and what was refused is listed"),
  },
  "network.update": {
    holds: "has a network that can be changed, which cuts connections",
    capability: "updateNetwork",
    shownBy: network("a changed policy cuts what it no longer allows, and applies to what comes"),
  },
  "network.off": {
    holds: "reaches nothing with its network off, and asks for nothing",
    capability: "network",
    shownBy: network("with the network off nothing is reached, and nothing is asked for"),
  },
  "network.host": {
    holds: "does not reach its host's own services",
    shownBy: network("the host's own services are not reached by default"),
  },
  "network.large": {
    holds: "carries large transfers whole",
    shownBy: network("large transfers pass whole, in both directions"),
  },
  "network.npm": {
    holds: "installs from a registry where it is allowed",
    shownBy: network("npm installs from the registry where it is allowed"),
  },
  "network.secret": {
    holds: "uses a secret that it never has",
    capability: "network",
    shownBy: network("a secret reaches its host and never enters the sandbox"),
  },
  "network.secret-refused": {
    holds: "is not made with a secret for a host that it may not reach",
    capability: "network",
    shownBy: network("a secret for a host that the policy refuses is an error"),
  },
  "network.closed": {
    holds: "that was made with its network off, or with everything denied, reaches nothing",
    capability: "network",
  },
  "network.closed-later": {
    holds: "whose network is turned off while it runs reaches nothing from then on",
    capability: "updateNetwork",
  },
  "network.unclaimed": {
    holds: "is not made where what it may reach cannot be restricted as asked",
    unclaimed: "network",
  },
  "network.update-unclaimed": {
    holds: "refuses a change of its network where that cannot be made",
    unclaimed: "updateNetwork",
  },
  "sandbox.info": { holds: "tells what it is made of" },
  "sandbox.template": { holds: "has what its provider says that its template has" },
  "sandbox.metrics": { holds: "tells how busy it is" },
  "sandbox.envs": { holds: "shows its variables to code and commands" },
  "sandbox.identity": {
    holds: "tells programs its id and template, by variables and in files where E2B has them",
  },
  "sandbox.connect": { holds: "can be connected to by its id" },
  "sandbox.list": { holds: "is listed while it runs" },
  "sandbox.set-timeout": {
    holds: "has an end of life that can be moved",
    capability: "setTimeout",
  },
  "sandbox.set-timeout-unclaimed": {
    holds: "refuses to have its end moved where that cannot be done",
    unclaimed: "setTimeout",
  },
  "sandbox.kill": { holds: "can be killed, once; afterwards calls say that it is closed" },
  "sandbox.kill-during": { holds: "rejects running calls when it is killed" },
  "sandbox.not-found": { holds: "says that an unknown id is not found" },
  "sandbox.dispose": { holds: "is killed at the end of an `await using` scope" },
  "sandbox.bad-options": { holds: "is refused with an explanation when an option is wrong" },
  "sandbox.hostile-arguments": {
    holds:
      "is not harmed by arguments of the wrong form, whichever of its provider's methods gets them",
  },
  "sandbox.create-aborted": { holds: "is not created when the signal is aborted" },
  "pause.goes-on": {
    holds: "goes on after a pause where it was: variables, processes, open files, servers",
    capability: "pause",
  },
  "pause.calls": {
    holds: "that is paused rejects calls, and those that ran",
    capability: "pause",
  },
  "pause.listed": {
    holds: "that is paused is listed as such, and can be killed",
    capability: "pause",
  },
  "pause.set-right": {
    holds: "has the right time and fresh randomness after a pause",
    capability: "pause",
  },
  "pause.disk-only": {
    holds: "that was paused without its memory boots from its disk",
    capability: "pause",
  },
  "pause.on-timeout": {
    holds: "is paused at the end of its time when asked to be, and resumed by the next call",
    capability: "pause",
  },
  "pause.unclaimed": {
    holds: "refuses to be paused where that cannot be done, now or at the end of its time",
    unclaimed: "pause",
  },
  "pause.kept-for": {
    holds: "says until when it is kept once it is paused, if it was created with such a time",
    capability: "pausedTtl",
  },
  "pause.kept-for-unclaimed": {
    holds: "refuses a time after which it is removed when paused, where there is none",
    unclaimed: "pausedTtl",
  },
  "snapshot.create": {
    holds: "can be created from a snapshot any number of times",
    capability: "snapshots",
  },
  "snapshot.listed": {
    holds: "lists its snapshots, newest first, whose names move, and which can be deleted",
    capability: "snapshots",
  },
  "snapshot.unclaimed": {
    holds: "refuses all that is done with snapshots where there are none",
    unclaimed: "snapshots",
  },
  "template.build": {
    holds: "can be created from a template of one's own, with what its steps did, set and started",
    capability: "templates",
  },
  "template.failure": {
    holds: "has no template whose build failed; what failed says why",
    capability: "templates",
  },
  "template.tags": {
    holds:
      "can be created from the build of a template that has a tag, until that is taken from it",
    capability: "templates",
  },
  "template.unclaimed": {
    holds: "refuses all that is done with templates of one's own where there are none",
    unclaimed: "templates",
  },
  "fork.unclaimed": {
    holds: "refuses to be forked where that cannot be done",
    unclaimed: "fork",
  },
  "fork.copies": {
    holds: "is copied while it runs, and unharmed by it; no copy repeats another's randomness",
    capability: "fork",
  },
  "checkpoint.unclaimed": {
    holds: "refuses all that is done with checkpoints where there are none",
    unclaimed: "checkpoints",
  },
  "checkpoint.rollback": {
    holds: "goes back to a checkpoint in place: files, variables and processes are as they were",
    capability: "checkpoints",
  },
  "checkpoint.calls": {
    holds:
      "that goes back rejects calls, terminals and watches that were under way, with what they had",
    capability: "checkpoints",
  },
  "checkpoint.history": {
    holds: "has a tree of checkpoints, of which any can be deleted; they go when it is killed",
    capability: "checkpoints",
  },
  "checkpoint.unchanged": {
    holds: "gets another checkpoint whenever something changed, in the background, too",
    capability: "checkpoints",
  },
  "checkpoint.branch": {
    holds: "is not changed by branches of its checkpoints, which are sandboxes of their own",
    capability: "checkpoints",
  },
  "checkpoint.changes": {
    holds: "tells which files and variables differ between two checkpoints, or from now",
    capability: "checkpoints",
  },
  "tools.run-code": { holds: "has tools that run code: output, value and state from call to call" },
  "tools.languages": {
    holds: "has tools that run other languages, and name them when one is unknown",
  },
  "tools.run-command": {
    holds: "has tools that run commands: both streams apart, the exit code in words",
  },
  "tools.files": { holds: "has tools that write, read, edit and list files, by lines where asked" },
  "tools.line-ends": {
    holds: "has tools that find text whatever its line ends, and leave those as they are",
  },
  "tools.presentable": {
    holds:
      "has tools that give models nothing that a provider refuses: NUL, half characters, empty text, damaged pictures",
  },
  "tools.as-models-write": {
    holds: "has tools that take arguments as models write them, where the meaning is plain",
  },
  "tools.progress-bars": {
    holds: "has tools that show lines as a terminal would, without what was overwritten",
  },
  "tools.error-corrected": {
    holds: "has tools whose errors come as text, after which the next call works",
  },
  "tools.picture": { holds: "has tools that give pictures apart from the text: figures and files" },
  "tools.large-picture": {
    holds:
      "has tools that show a copy of a picture over the limit, and name the file that has all of it",
  },
  "tools.bad-arguments": {
    holds: "has tools that say which argument is wrong, and what is expected",
  },
  "tools.unknown-path": {
    holds: "has tools that say when a path is not there, is a directory or is not text",
  },
  "tools.large-output": {
    holds:
      "has tools that cut 10 MB of output, keep its ends, and name the file that has all of it",
  },
  "tools.timeout": { holds: "has tools that say when time ran out, with the output so far" },
  "tools.streamed": { holds: "has tools that hand output on while the work still runs" },
  "tools.abort": {
    holds: "has tools that reject within a second of an abort, the command gone from the machine",
  },
  "tools.abort-code": {
    holds: "has tools whose code is stopped by an abort, and the next call works",
  },
  "tools.aborted-already": {
    holds: "has tools that do nothing when the signal is aborted already",
  },
  "tools.in-order": {
    holds: "has tools that change things one after the other, and read beside them",
  },
  "tools.threads": { holds: "has tools that give each conversation a sandbox of its own" },
  "tools.dead-sandbox": {
    holds: "has tools that replace a sandbox that is gone, and say that its state is lost",
  },
  "tools.one-creation": {
    holds: "is made once for parallel first calls, and survives the abort of one of them",
    shownBy: tools("parallel first calls make one sandbox"),
  },
  "tools.idle": {
    holds: "is ended when its conversation was idle for long, and replaced when it goes on",
    shownBy: tools("an idle conversation's sandbox ends"),
  },
  "tools.idle-pause": {
    holds: "is paused when its conversation was idle for long, if asked, and goes on where it was",
    capability: "pause",
    shownBy: tools("an idle conversation's sandbox is paused when asked"),
  },
  "tools.max-sandboxes": {
    holds: "makes room when as many run as may",
    shownBy: tools("no more sandboxes run than may"),
  },
  "tools.ownership": {
    holds: "stays when it was given to tools, and ends with them when they made it",
    shownBy: tools("what was given stays"),
  },
  "tools.no-engine": {
    holds: "that cannot be made is text for the model, and the developer hears the error",
    shownBy: tools("without an engine"),
  },
  "tools.progress": {
    holds: "has tools whose progress stays small, whatever is printed",
    shownBy: tools("progress is small"),
  },
  "tools.native": {
    holds: "has executors for the shell, bash, editor and patch tools that models know",
    shownBy: tools("native executors"),
  },
  "mcp.session": {
    holds: "serves any client of MCP over standard input and output, whatever it negotiates",
    shownBy: mcp("stdio", "serves a client that negotiates as"),
  },
  "mcp.clean-output": {
    holds: "writes nothing but messages to the standard output of its server",
    shownBy: mcp("stdio", "standard output has nothing but messages"),
  },
  "mcp.killed": {
    holds: "is gone when the client that started its server is killed, and when the server is",
    shownBy: mcp("stdio", "kill -9 of the %s leaves no machine"),
  },
  "mcp.apart": {
    holds: "is seen by its own MCP session only, and ends with it",
    shownBy: mcp("http", "two sessions do not see each other"),
  },
  "mcp.token": {
    holds: "is out of reach over HTTP without the token",
    shownBy: mcp("http", "with a token, requests without it are refused"),
  },
  "mcp.rebinding": {
    holds: "is out of reach of web pages, by whatever name they come",
    shownBy: mcp("http", "pages of other sites are kept out"),
  },
  "langchain.agent": {
    holds: "lets an agent of LangChain go on from an error, with state, a picture and a file",
    shownBy: langchain(
      "test/tools",
      "goes on from an error, keeps state, gets a picture and a file",
    ),
  },
  "langchain.streamed": {
    holds: "gives its output on both streaming channels of LangGraph",
    shownBy: langchain("test/tools", "streams output as it comes"),
  },
  "langchain.wire": {
    holds: "has tools, text and pictures in the form that each provider of LangChain sends",
    shownBy: langchain("src/wire", "OpenAI's responses"),
  },
  "langchain.pictures": {
    holds: "has its pictures shown to LangChain's model, also from a checkpoint",
    shownBy: langchain("test/middleware", "the model sees pictures, also from a checkpoint"),
  },
  "langchain.aborted-run": {
    holds: "stays for a LangChain conversation whose run was aborted, and the conversation goes on",
    shownBy: langchain("test/middleware", "a conversation goes on after its run was aborted"),
  },
  "langchain.run-scope": {
    holds: "ends with the run of a LangChain agent, if asked",
    shownBy: langchain("test/middleware", "a sandbox for each run ends with it"),
  },
  "langchain.native": {
    holds: "executes the shell, patch, bash and editor tools of LangChain's providers",
    shownBy: langchain("test/native", "provider tools work in the sandbox of their thread"),
  },
  "deepagents.protocol": {
    holds: "does what the standard tests of deepagents ask of a backend",
    shownBy: langchain("test/deepagents", "Emberbox"),
  },
  "deepagents.bytes": {
    holds: "keeps bytes and names as they are when a deep agent works with its files",
    shownBy: langchain(
      "test/deepagents",
      "bytes that are not text, and names that are odd, survive",
    ),
  },
  "deepagents.deadline": {
    holds:
      "stops a deep agent's command when its time is over, with the output so far as the result",
    shownBy: langchain("test/deepagents", "a command that runs for too long is stopped"),
  },
  "deepagents.abort": {
    holds: "stops a deep agent's command when its run is aborted",
    shownBy: langchain(
      "test/deepagents",
      "stops the command in the machine when its run is aborted",
    ),
  },
  "deepagents.dead": {
    holds: "is replaced under a deep agent when it is gone, and the agent is told",
    shownBy: langchain(
      "test/deepagents",
      "a sandbox that is gone is replaced, and the agent hears of it",
    ),
  },
  "openai.workspace": {
    holds: "begins with the files, users and variables of an OpenAI agent's manifest",
    shownBy: openaiSession("has the manifest's workspace, users and variables"),
  },
  "openai.yield": {
    holds:
      "lets an OpenAI agent's command run on after the yield time, to be read, written to and interrupted",
    shownBy: openaiSession("leaves a command running after the yield time"),
  },
  "openai.terminal": {
    holds: "gives an OpenAI agent's command a terminal",
    shownBy: openaiSession("has terminals"),
  },
  "openai.deadline": {
    holds: "ends an OpenAI agent's command at its time limit, and says so",
    shownBy: openaiSession("ends a command at its time limit"),
  },
  "openai.files": {
    holds: "shows an OpenAI agent its files, directories and pictures",
    shownBy: openaiSession("reads files, directories and pictures"),
  },
  "openai.editor": {
    holds: "takes an OpenAI agent's patches, and says why one does not fit",
    shownBy: openaiSession("edits files"),
  },
  "openai.ports": {
    holds: "opens ports for an OpenAI agent",
    shownBy: openaiSession("opens ports"),
  },
  "openai.archive": {
    holds: "goes on from an OpenAI session's archive, and never begins empty instead",
    shownBy: openaiSession("goes on from an archive when its sandbox is gone"),
  },
  "openai.no-leak": {
    holds: "is not left behind when an OpenAI session cannot be made ready",
    shownBy: openaiSession("a session that cannot be made ready leaves no sandbox"),
  },
  "openai.loop": {
    holds: "serves an OpenAI agent's loop: state, an error it corrects, a picture and a file",
    shownBy: openaiAgent("works in its sandbox over several calls"),
  },
  "openai.abort": {
    holds: "ends an OpenAI agent's command within a second of an abort",
    shownBy: openaiAgent("an abort ends a 60-second command within a second"),
  },
  "openai.approval": {
    holds: "is still there when an OpenAI agent waits for approval and its program is killed",
    shownBy: openaiAgent("waits for approval while the program is killed"),
  },
  "openai.reuse": {
    holds: "goes on in the same sandbox after an OpenAI agent's approval, and ends then",
    shownBy: openaiAgent("goes on in the same sandbox after an approval"),
  },
  "isolation.no-host-env": { holds: "sees no variable of the host" },
  "isolation.separate": { holds: "sees no file or process of another sandbox" },
  "isolation.no-host-file": {
    holds: "sees no file of the host",
    shownBy: isolation("no file of the host is there"),
  },
  "isolation.no-network-card": {
    holds: "has no network card",
    shownBy: isolation("no network card is there"),
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
    shownBy: hostile("300 MB printed take bounded memory on the host"),
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
