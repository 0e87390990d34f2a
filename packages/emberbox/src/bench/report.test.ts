import { afterEach, expect, test, vi } from "vitest";

const user = vi.hoisted(() => ({ name: "ada", home: "/home/ada" }));
vi.mock("node:os", async (original) => ({
  ...(await original<typeof import("node:os")>()),
  homedir: () => user.home,
  userInfo: () => ({ username: user.name }),
}));
const { formatReport } = await import("./report.ts");

afterEach(() => void Object.assign(user, { name: "ada", home: "/home/ada" }));

const report = (doctor: string, home = "/home/ada/.cache/emberbox"): string =>
  formatReport({
    version: "1.2.3",
    date: new Date("2026-05-06T07:08:09Z"),
    table: "| id |\n|----|\n| tti |\n",
    doctor,
    diagnosis: { home, ok: true },
  });

test("it has the machine, the table and what the doctor said", () => {
  const page = report("ok    qemu          version 7.2.22\n");
  expect(page).toMatch(/^# Emberbox 1\.2\.3, measured on 2026-05-06\n/);
  expect(page).toContain(`- Node ${process.versions.node}\n`);
  expect(page).toContain("| id |\n|----|\n| tti |\n\n");
  expect(page).toContain("```text\nok    qemu          version 7.2.22\n```\n");
});

test.each([
  ["/home/ada/.cache/emberbox/images/debian-13", "EMBERBOX_HOME/images/debian-13"],
  ["2.0 GiB are free for /home/ada/.cache/emberbox", "2.0 GiB are free for EMBERBOX_HOME"],
  ["/home/ada/bin/qemu-system-x86_64", "~/bin/qemu-system-x86_64"],
  ["/home/adam/bin", "/home/adam/bin"],
  ["sudo usermod -aG kvm ada, then log in again", "sudo usermod -aG kvm USER, then log in again"],
  ["/media/ada/disk", "/media/USER/disk"],
  ["Canada", "Canada"],
])("%s becomes %s", (said, shown) => {
  expect(report(`${said}\n`)).toContain(`\n${shown}\n`);
});

test("root, whose home may be anywhere, is not renamed", () => {
  Object.assign(user, { name: "root", home: "/" });
  expect(report("root owns /dev/kvm\n", "/")).toContain("\nroot owns /dev/kvm\n");
});

test("what was found cannot steer a terminal", () => {
  expect(report("\u001B]52;c;aGk=\u0007\n")).toContain("\n␛]52;c;aGk=␇\n");
});
