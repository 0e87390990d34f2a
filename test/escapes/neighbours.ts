import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { removeStale } from "../../packages/microvm/src/image/scratch.ts";
import { openEngine } from "../../packages/microvm/src/provider/engine.ts";
import { receiveState } from "../../packages/microvm/src/template/save.ts";
import { asOrdinaryUser, ORDINARY_ID } from "../support/ordinary-user.ts";
import { machinesOf } from "../support/processes.ts";
import type { Attempt } from "./attempt.ts";
import type { Outcome } from "./world.ts";

const DEEDS = join(import.meta.dirname, "neighbour.ts");
/** As another user, whom nothing here belongs to. */
const neighbour = async (deed: string, ...args: unknown[]): Promise<string> =>
  String(await asOrdinaryUser(DEEDS, deed, args));

const FILES = 300;

/** A directory of files of our own that nobody else enters, and how many of them are left. */
function makePrivate(): { path: string; left(): string } {
  const path = mkdtempSync(join(tmpdir(), "emberbox-private-"));
  for (let index = 0; index < FILES; index++) writeFileSync(join(path, `${index}`), "private");
  return {
    path,
    left() {
      const left = readdirSync(path).length;
      rmSync(path, { recursive: true });
      return `${left} of ${FILES} files are left`;
    },
  };
}

const ALL_LEFT = new RegExp(`^${FILES} of ${FILES} files are left$`);

/** Homes that a program would use, each of which somebody else could change under it. */
const homes: readonly (readonly [name: string, make: (at: string) => void])[] = [
  ["owned", (at) => (mkdirSync(at), chownSync(at, ORDINARY_ID, ORDINARY_ID))],
  ["writable", (at) => (mkdirSync(at), chmodSync(at, 0o777))],
  ["group", (at) => (mkdirSync(at), chownSync(at, 0, ORDINARY_ID), chmodSync(at, 0o770))],
];

async function openHome(home: string): Promise<string> {
  try {
    openEngine({ home });
    return "GOT in";
  } catch (error) {
    return (error as Error).message.replaceAll(/\/\S*\//g, "");
  }
}

async function inScratch(work: (directory: string) => Promise<Outcome>): Promise<Outcome> {
  const directory = mkdtempSync(join(tmpdir(), "emberbox-neighbour-"));
  chmodSync(directory, 0o1777);
  try {
    return await work(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const by = (
  attempt: Omit<Attempt, "needsRoot" | "run">,
  run: (directory: string) => Promise<Outcome>,
): Attempt => ({ ...attempt, needsRoot: true, run: () => inScratch(run) });

/** By another user of the machine, who has no sandbox: really another account, against what this program does. */
export const neighbourAttempts: readonly Attempt[] = [
  by(
    {
      id: "user.tmp-link",
      tries:
        "have private files removed by a directory laid in /tmp, in which a link is swapped in",
      refused: ALL_LEFT,
      refusedBy: "scratch in a place of one's own",
    },
    async (directory) => {
      const own = makePrivate();
      const swapping = neighbour("swapLinks", own.path, 3000);
      let cleared = 0;
      for (const until = Date.now() + 2500; Date.now() < until; cleared++) {
        const receiver = await receiveState(join(directory, "state"), directory);
        await receiver[Symbol.asyncDispose]();
        openEngine({});
      }
      const swaps = await swapping;
      const delivered = swaps === "" ? "" : `${swaps} while we cleared up ${cleared} times`;
      return { delivered, seen: own.left() };
    },
  ),
  by(
    {
      id: "user.tmp-squat",
      tries:
        "take the name of a build's scratch that a cleaner of /var/tmp removed, and have it cleared",
      refused: /^the neighbour's directory is left alone; 300 of 300 files are left$/,
      refusedBy: "the owner's check",
    },
    async (directory) => {
      const own = makePrivate();
      const squat = await neighbour("squatScratch", own.path);
      const stale = join(directory, ".building-stale");
      mkdirSync(stale);
      symlinkSync(squat, join(stale, "scratch"));
      await removeStale(directory);
      const isLeft = existsSync(join(squat, "root"));
      const removed = await neighbour("clear", squat);
      return {
        delivered: existsSync(stale) ? "" : `${squat}, ${removed}`,
        seen: `the neighbour's directory is ${isLeft ? "left alone" : "CLEARED"}; ${own.left()}`,
      };
    },
  ),
  ...homes.map(([name, make]) =>
    by(
      {
        id: `user.home-${name}`,
        tries:
          "change images and templates in a home that belongs to another, or that others may write to",
        refused: /is not a safe place for sandboxes: .*(belongs to another user|others may write)/,
        refusedBy: "the check of places",
      },
      async (directory) => {
        const home = join(directory, "home");
        make(home);
        return { delivered: `${home} made`, seen: await openHome(home) };
      },
    ),
  ),
  by(
    {
      id: "user.home-link",
      tries: "lead a home, by a link in a directory for all, to a directory of our own",
      refused: /is not a safe place for sandboxes: .*a link of another user's/,
      refusedBy: "the check of places",
    },
    async (directory) => {
      const home = join(directory, "home");
      const own = makePrivate();
      const delivered = await neighbour("link", own.path, home);
      const seen = await openHome(join(home, "emberbox"));
      own.left();
      return { delivered, seen };
    },
  ),
  by(
    {
      id: "user.state-socket",
      tries: "connect to the socket that a template's state goes to, in QEMU's place",
      refused: /^EACCES$/,
      refusedBy: "the directory's mode",
    },
    async (directory) => {
      const place = join(directory, "place");
      mkdirSync(place, { mode: 0o700 });
      await using receiver = await receiveState(join(place, "state"), place);
      const socket = join(receiver.shared.path, "state");
      return {
        delivered: existsSync(socket) ? "the socket listens" : "",
        seen: await neighbour("connect", socket),
      };
    },
  ),
  by(
    {
      id: "user.machines",
      tries: "read, stop or kill a running machine, or go by its open files",
      refused: /^((mem|fd|root|environ|signal) (EACCES|EPERM)( |$))+$/,
      refusedBy: "the kernel",
    },
    async () => {
      const pids = machinesOf().map(({ pid }) => pid);
      const seen = await neighbour("touch", pids);
      return { delivered: pids.length === 0 ? "" : `${pids.length} machines`, seen };
    },
  ),
  by(
    {
      id: "user.files",
      tries: "read the image, the template and what sandboxes have on the disk",
      refused: /^(EACCES( |$))+$/,
      refusedBy: "the directories' modes",
    },
    async () => {
      const { paths } = openEngine({});
      const places = [paths.templates, paths.run, paths.state].filter((path) => existsSync(path));
      return {
        delivered: places.length === 0 ? "" : `${places.length} directories`,
        seen: await neighbour("list", places),
      };
    },
  ),
];
