import { type Attempt, command } from "./attempt.ts";

/** The agent is the child of the machine's first process. */
const AGENT = "agent=$(pgrep -P 1 -f agent.mjs)";
const CHANNEL = "/dev/vport*p1";
const DENIED = /^(?=.*(denied|not permitted|must be (root|superuser)|only root))(?!.*GOT)/is;
const python = (code: string): string =>
  `python3 -c "import ctypes, os, sys; libc = ctypes.CDLL(None, use_errno=True); failed = lambda: os.strerror(ctypes.get_errno())
${code}"`;

const KERNEL = "the guest's kernel";
const user = (
  id: string,
  tries: string,
  script: string,
  refused: RegExp = DENIED,
  refusedBy: string = KERNEL,
): Attempt => command("user", { id: `guest.${id}`, tries, script, refused, refusedBy });

const MACHINE = "QEMU: the machine has no such device";
const root = (
  id: string,
  tries: string,
  script: string,
  refused: RegExp,
  refusedBy: string = MACHINE,
): Attempt => command("root", { id: `root.${id}`, tries, script, refused, refusedBy });

/** By code as it runs in a sandbox: an ordinary user who has not (yet) used `sudo`. */
export const userAttempts: readonly Attempt[] = [
  user(
    "agent-memory",
    "read the agent's memory",
    `${AGENT}; head -c 16 /proc/$agent/mem && echo GOT`,
  ),
  user(
    "agent-token",
    "read the agent's environment",
    `${AGENT}; cat /proc/$agent/environ && echo GOT`,
  ),
  user(
    "agent-descriptors",
    "use the agent's open files",
    `${AGENT}; ls /proc/$agent/fd && echo GOT`,
  ),
  user(
    "agent-ptrace",
    "attach to the agent as a debugger",
    `${AGENT}; ${python("print('GOT' if libc.ptrace(16, $agent, 0, 0) == 0 else failed())")}`,
  ),
  user(
    "agent-pidfd",
    "copy the agent's descriptor of the channel",
    `${AGENT}; ${python("p = libc.syscall(434, $agent, 0); print('GOT' if libc.syscall(438, p, 0, 0) >= 0 else failed())")}`,
  ),
  user("agent-kill", "kill the agent", `${AGENT}; kill -9 $agent && echo GOT`),
  user(
    "agent-files",
    "change the agent's program",
    "echo x >> /run/emberbox/agent.mjs && echo GOT",
  ),
  user(
    "agent-port",
    "reach files and processes over the sandbox's own network",
    "curl -sS -f -m 5 http://127.0.0.1:49983/metrics http://127.0.0.1:49999/contexts && echo GOT",
    /error: 401/,
    "the agent, which tells programs inside only that it is there",
  ),
  user("channel", "open the channel's device", `cat ${CHANNEL} && echo GOT`),
  user("memory", "read the machine's memory", "head -c 16 /dev/mem && echo GOT"),
  user(
    "ports",
    "talk to devices by their ports",
    "head -c 1 /dev/port && echo GOT",
    /No such file|denied/,
  ),
  user(
    "iopl",
    "ask for the right to use ports",
    python("print('GOT' if libc.iopl(3) == 0 else failed())"),
  ),
  user(
    "disk",
    "read the disk beneath the file system",
    "head -c 512 /dev/vda | wc -c; head -c 1 /dev/vda && echo GOT",
  ),
  user("mount", "mount something", "mount -t tmpfs none /mnt && echo GOT"),
  user(
    "module",
    "load a kernel module",
    python("print('GOT' if libc.syscall(175, 0, 0, 0) == 0 else failed())"),
  ),
  user("sysrq", "reset the machine by magic keys", "echo b > /proc/sysrq-trigger && echo GOT"),
  user(
    "sysctl",
    "change the kernel's settings",
    "echo '|/tmp/x' > /proc/sys/kernel/core_pattern && echo GOT",
  ),
  user("sysfs", "unplug a device", "echo 1 > /sys/bus/pci/devices/0000:00:01.0/remove && echo GOT"),
  user(
    "cgroup",
    "leave the limits for user code",
    "echo 0 > /sys/fs/cgroup/agent/cgroup.procs && echo GOT",
  ),
  user("shadow", "read the accounts' secrets", "cat /etc/shadow && echo GOT"),
  user(
    "descriptors",
    "open files without end",
    python(
      "n = 0\ntry:\n  while True: os.dup(0); n += 1\nexcept OSError as e: print(e.strerror if n < 2_000_000 else 'GOT')",
    ),
    /Too many open files/,
  ),
];

/** Jumps when this machine's clock is set. */
const sinceStart = (): number => Date.now() - performance.now();

/** By the root of the machine: everybody in a sandbox may be. */
export const rootAttempts: readonly Attempt[] = [
  root(
    "channel",
    "open the channel beside the agent",
    `cat ${CHANNEL} && echo GOT`,
    /busy/,
    KERNEL,
  ),
  root(
    "control",
    "find another way out: QEMU's control connection, a third channel",
    "ls /sys/class/virtio-ports | wc -l",
    /^2$/,
  ),
  root(
    "vsock",
    "call the host by vsock",
    `python3 -c "
import socket
try: s = socket.socket(socket.AF_VSOCK); s.settimeout(5); s.connect((2, 1024)); print('GOT')
except OSError as e: print(e)"`,
    /No such device|not supported|unreachable|reset/i,
  ),
  root(
    "shared-folder",
    "mount a directory of the host",
    "(mount -t 9p -o trans=virtio host /mnt; mount -t virtiofs host /mnt) 2>&1; grep -c ' /mnt ' /proc/mounts",
    /(unknown filesystem|wrong fs|No such|not supported)[^]*0$/,
  ),
  root(
    "past-disk",
    "read past the end of the disk",
    "size=$(blockdev --getsz /dev/vda); dd if=/dev/vda bs=512 skip=$size count=8 2>/dev/null | wc -c",
    /^0$/,
    "QEMU: the disk ends there",
  ),
  root(
    "devices",
    "find a device beside the machine's own",
    "cat /sys/bus/pci/devices/*/vendor /sys/bus/pci/devices/*/device | sort | uniq | tr '\\n' ' '",
    /^(0x(8086|1af4|1042|1043|1001|1003|29c0|2918|2922|2930) ?)+$/,
  ),
  root(
    "network-card",
    "find a network card",
    "ls /sys/class/net | grep -v -x -e lo | wc -l",
    /^0$/,
  ),
  root(
    "firmware-write",
    "write to the firmware, for whoever starts next",
    `python3 -c "
import mmap, os
f = os.open('/dev/mem', os.O_RDWR)
try: m = mmap.mmap(f, 4096, offset=0xfffff000); before = m[0]; m[0] = before ^ 1; print('GOT' if m[0] != before else 'unchanged')
except OSError as e: print(e)"`,
    /unchanged|not permitted/,
    "QEMU: the firmware is read only",
  ),
  {
    id: "root.host-time",
    tries: "set the host's clock through the machine's",
    refusedBy: "QEMU: the machine's clock is its own",
    async run({ sandbox }) {
      const before = sinceStart();
      const set = "date -s 2001-01-01 && hwclock -w; date +%Y; hwclock -s; date +%Y";
      const { stdout, stderr } = await sandbox.commands.run(set, { user: "root" });
      await sandbox.commands.run(`date -s @${Math.round(Date.now() / 1000)}`, { user: "root" });
      const moved = Math.abs(sinceStart() - before) > 60_000;
      const said = `${stdout}${stderr}`.replaceAll(/\s+/g, " ");
      return {
        delivered: stdout.includes("2001") ? "the machine's clock was set" : "",
        seen: `${moved ? "MOVED" : "the host's clock went on"}; ${said}`,
      };
    },
    refused: /^the host's clock went on/,
  },
];
