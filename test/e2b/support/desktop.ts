import type { Sandbox } from "@e2b/desktop";
import { expect } from "vitest";

/** Everything that E2B's SDK for desktops does to one. Each step shows what came of it in the sandbox. */
export async function driveDesktop(desktop: Sandbox): Promise<void> {
  const run = async (command: string): Promise<string> =>
    (await desktop.commands.run(command, { timeoutMs: 0 })).stdout;
  const until = (command: string): Promise<string> =>
    run(`until ${command}; do sleep 0.5; done 2> /dev/null`);

  expect(await desktop.getScreenSize()).toEqual({ width: 1024, height: 768 });
  await desktop.moveMouse(100, 200);
  expect(await desktop.getCursorPosition()).toEqual({ x: 100, y: 200 });

  // A window that says what reaches it.
  await desktop.commands.run("stdbuf -oL xev -geometry 400x300+200+150 > /tmp/xev", {
    background: true,
    timeoutMs: 0,
  });
  await until("xdotool search --onlyvisible --name 'Event Tester'");
  const window = await run("xdotool search --name 'Event Tester' getwindowgeometry --shell");
  const [x, y] = ["X", "Y"].map(
    (name) => Number(new RegExp(`^${name}=(\\d+)$`, "m").exec(window)![1]) + 150,
  );
  // Each time another one: xdotool waits for long where nothing moves.
  const at = (step: number): [x: number, y: number] => [x! + 5 * step, y!];
  const arrived = (kind: string, what: string) =>
    until(`grep -A 3 '^${kind} event' /tmp/xev | grep -q '${what}'`);
  await desktop.leftClick(...at(0));
  await arrived("ButtonRelease", "button 1,");
  await desktop.rightClick(...at(1));
  await arrived("ButtonRelease", "button 3,");
  await desktop.middleClick(...at(2));
  await arrived("ButtonRelease", "button 2,");
  await desktop.doubleClick(...at(3));
  await desktop.scroll("up", 2);
  await arrived("ButtonPress", "button 4,");
  await desktop.scroll();
  await arrived("ButtonPress", "button 5,");
  await desktop.drag(at(4), [x! + 60, y! + 40]);
  await arrived("MotionNotify", "state 0x100");
  expect(await desktop.getCursorPosition()).toEqual({ x: x! + 60, y: y! + 40 });
  await desktop.press(["ctrl", "a"]);
  await arrived("KeyPress", "(keysym 0x61, a)");
  await run("pkill xev");

  // Windows, and a terminal that runs what is typed.
  await desktop.launch("xfce4-terminal");
  await until("xdotool search --onlyvisible --class xfce4-terminal");
  const [terminal] = await desktop.getApplicationWindows("xfce4-terminal");
  expect(await desktop.getWindowTitle(terminal!)).toMatch(/^Terminal/);
  await run(`xdotool windowactivate ${terminal}`);
  await until("xdotool getwindowfocus getwindowname | grep -q ^Terminal");
  const current = await desktop.getCurrentWindowId();
  expect(await desktop.getWindowTitle(current)).toMatch(/^Terminal/);
  await desktop.write("echo 'tÿped' > ~/typed");
  await desktop.press("enter");
  await until("test -s ~/typed");
  expect(await desktop.files.read("typed")).toBe("tÿped\n");
  await desktop.files.write("some.txt", "to be read");
  await desktop.open("/home/user/some.txt");
  await until("xdotool search --onlyvisible --name some.txt");

  const picture = Buffer.from(await desktop.screenshot());
  expect(picture.toString("latin1", 1, 4)).toBe("PNG");
  expect([picture.readUInt32BE(16), picture.readUInt32BE(20)]).toEqual([1024, 768]);
  expect((await desktop.screenshot("blob")).size).toBeGreaterThan(1000);
  // More than a screen of one colour, which is two kilobytes.
  expect(picture.length).toBeGreaterThan(10_000);
}

/** What a browser gets that opens the address of a desktop's stream: the page, and VNC on a WebSocket. */
export async function watchDesktop(address: string): Promise<{ page: string; greeting: string }> {
  const page = await fetch(address);
  const socket = new WebSocket(new URL("/websockify", address.replace(/^http/, "ws")), ["binary"]);
  socket.binaryType = "arraybuffer";
  try {
    const greeting = await new Promise<string>((resolve, reject) => {
      socket.addEventListener("message", ({ data }) =>
        resolve(Buffer.from(data as ArrayBuffer).toString()),
      );
      socket.addEventListener("error", () => reject(new Error("the WebSocket failed")));
    });
    return { page: await page.text(), greeting };
  } finally {
    socket.close();
  }
}
