import type { Attempt } from "../attempt.ts";

export const GATEWAY = "the gateway";

/** Refused for that reason, and nothing was got. */
export const because = (reason: string): RegExp => new RegExp(`^(?![^]*GOT)[^]*(${reason})`);

export const by = (
  which: "open" | "listed",
  id: string,
  tries: string,
  script: string,
  refused: RegExp,
): Attempt => ({
  id: `net.${id}`,
  tries,
  refusedBy: GATEWAY,
  run: async ({ outside }) => {
    const { run, [which]: sandbox } = await outside();
    return run(sandbox, script);
  },
  refused,
});
export const python = (code: string): string =>
  `python3 - <<'END'\nimport os, socket, ssl\n${code}\nEND`;

export const withSent = (id: string, tries: string, script: string, refused: RegExp): Attempt => ({
  id: `net.${id}`,
  tries,
  refusedBy: GATEWAY,
  async run({ outside }) {
    const { run, listed: sandbox, sent } = await outside();
    const from = sent.length;
    const outcome = await run(sandbox, script);
    return { ...outcome, seen: `${outcome.seen} sent: ${sent.slice(from).join(", ")}` };
  },
  refused,
});
