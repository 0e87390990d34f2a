"""Imports everything once, then forks one process per code context.

Requests come as JSON lines on standard input; answers and the ends of contexts go out as JSON lines. Arguments: the
path of the agent's socket, the name of the user that most code runs as, and when to import. "now" imports all of the
usual libraries before it answers; "later" imports only what is needed, for the first context.
"""

import ctypes
import errno
import fcntl
import gc
import importlib
import json
import os
import pwd
import resource
import select
import signal
import socket
import sys
import traceback
from typing import Any, NamedTuple

sys.dont_write_bytecode = True
SOCKET, USER, WHEN = sys.argv[1:4]
CGROUP = "/sys/fs/cgroup/user/cgroup.procs"
PR_SET_DUMPABLE = 4
# Where the engine puts Python's packages in a machine made of a container image.
PACKAGES = "/opt/emberbox/python"
CANNOT = "Python %d.%d cannot run cells here (%s): what helps is Python 3.11 or newer, or `pip install ipython`"
# How much of what a dead context leaves in its pipes is reported, in bytes.
LAST_WORDS = 64 * 1024

libc = ctypes.CDLL(None, use_errno=True)


class Account(NamedTuple):
    uid: int
    gid: int
    groups: list[int]


def account_of(name):
    """What a user's processes run as; `None` where only root could choose."""
    if os.geteuid() != 0:
        return None
    entry = pwd.getpwnam(name)
    return Account(entry.pw_uid, entry.pw_gid, os.getgrouplist(name, entry.pw_gid))


class Zygote:
    def __init__(self):
        self.requests = keep(0)
        self.answers = keep(1)
        null = os.open("/dev/null", os.O_RDWR)
        os.dup2(null, 0)
        os.dup2(null, 1)
        self.contexts = {}
        self.wakeup, wake = os.pipe()
        os.set_blocking(self.wakeup, False)
        os.set_blocking(wake, False)
        self.wake = wake

    def answer(self, message):
        data = json.dumps(message).encode() + b"\n"
        while data:
            data = data[os.write(self.answers, data) :]

    def serve(self):
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.set_wakeup_fd(self.wake, warn_on_full_buffer=False)
        poller = select.poll()
        poller.register(self.requests, select.POLLIN)
        poller.register(self.wakeup, select.POLLIN)
        buffered = b""
        self.answer({"ready": True})
        while True:
            ready = dict(poller.poll())
            if self.wakeup in ready:
                os.read(self.wakeup, 4096)
                self.reap()
            if self.requests in ready:
                data = os.read(self.requests, 65536)
                if not data:
                    sys.exit(0)
                *lines, buffered = (buffered + data).split(b"\n")
                for line in lines:
                    self.handle(json.loads(line))

    def handle(self, request):
        answer = {"id": request["id"]}
        try:
            answer.update(getattr(self, "do_" + request["op"])(request))
        except Exception as error:
            traceback.print_exc()
            answer["error"] = "%s: %s" % (type(error).__name__, error)
        self.answer(answer)

    def do_fork(self, request):
        if shell is None:
            load()
        account = account_of(request["user"])
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(SOCKET)
        connection.sendall(frame(HELLO, request["token"].encode()))
        pipes = {"stdout": os.pipe(), "stderr": os.pipe()}
        if account is not None:
            for _, write in pipes.values():
                os.fchown(write, account.uid, account.gid)
        pid = os.fork()
        if pid == 0:
            try:
                self.become(account, request, connection.detach(), pipes)
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(70)
        connection.close()
        for _, write in pipes.values():
            os.close(write)
        self.contexts[pid] = {name: read for name, (read, _) in pipes.items()}
        return {"pid": pid}

    def become(self, account, request, connection, pipes):
        """In the child: closes what belongs to the zygote and becomes a context."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        for other in self.contexts.values():
            for descriptor in other.values():
                os.close(descriptor)
        for descriptor in (self.requests, self.answers, self.wakeup, self.wake):
            os.close(descriptor)
        os.dup2(pipes["stdout"][1], 1)
        os.dup2(pipes["stderr"][1], 2)
        for _, write in pipes.values():
            os.close(write)
        drop_privileges(account)
        problem = ""
        try:
            os.chdir(request["cwd"])
        except OSError as error:
            problem = "%s cannot enter %s: %s" % (request["user"], request["cwd"], error.strerror)
        os.environ.update(request["own"])
        if request["user"] != USER:
            emberbox_home.move(shell)
        os.environ.update(request["env"])
        os.environ["PWD"] = request["cwd"]
        gc.enable()
        Context(shell, connection, {name: read for name, (read, _) in pipes.items()}, request["env"]).serve(problem)

    def reap(self):
        while self.contexts:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            pipes = self.contexts.pop(pid, None)
            if pipes is None:
                continue
            message = {"exit": pid}
            if os.WIFSIGNALED(status):
                message["signal"] = signal_name(os.WTERMSIG(status))
            else:
                message["code"] = os.WEXITSTATUS(status)
            for name, descriptor in pipes.items():
                message[name] = last_words(descriptor)
                os.close(descriptor)
            self.answer(message)


def keep(descriptor):
    """A copy of a descriptor that programs started from here do not inherit."""
    return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 10)


def drop_privileges(account):
    if account is None:
        return
    try:
        with open(CGROUP, "w") as group:
            group.write("0")
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.EROFS):
            raise
    if UNKILLABLE:
        with open("/proc/self/oom_score_adj", "w") as score:
            score.write("0")
    os.setgroups(account.groups)
    os.setresgid(account.gid, account.gid, account.gid)
    os.setresuid(account.uid, account.uid, account.uid)
    # Changing the user hid /proc/self, and with it /dev/stdout.
    libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)


def last_words(descriptor):
    poller = select.poll()
    poller.register(descriptor, select.POLLIN)
    data = b""
    while len(data) < LAST_WORDS and any(event & select.POLLIN for _, event in poller.poll(0)):
        data += os.read(descriptor, LAST_WORDS)
    return data[-LAST_WORDS:].decode("utf-8", "replace")


def signal_name(number):
    try:
        return signal.Signals(number).name
    except ValueError:
        return "signal %d" % number


def as_user(work):
    """Does work whose files must belong to the user."""
    account = account_of(USER)
    if account is None:
        return work()
    os.setegid(account.gid)
    os.seteuid(account.uid)
    try:
        return work()
    finally:
        os.seteuid(0)
        os.setegid(0)


def make_shell():
    # Python remembers a directory that is missing now, and would never import from it.
    import site

    packages = site.getusersitepackages()
    os.makedirs(packages, exist_ok=True)
    if packages not in sys.path:
        site.addsitedir(packages)
    from emberbox_warm import prepare

    return prepare(os.path.expanduser("~/.ipython"), warm=WHEN == "now")


def load():
    global shell, Context
    # A container image may lack what the default template has: these are searched last.
    if PACKAGES not in sys.path and os.path.isdir(PACKAGES):
        sys.path.append(PACKAGES)
    importlib.invalidate_caches()
    try:
        shell = as_user(make_shell)
        from emberbox_context import Context
    except (ImportError, SyntaxError) as error:
        raise RuntimeError(CANNOT % (*sys.version_info[:2], error)) from error

    # Code imports from its own directory, not from the agent's.
    sys.path[0] = ""
    sys.argv = [""]
    os.umask(0o022)
    gc.collect()
    gc.freeze()


zygote = Zygote()
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
if os.geteuid() == 0:
    with open("/proc/self/oom_score_adj") as score:
        UNKILLABLE = score.read().strip() != "0"

import emberbox_home  # noqa: E402
from emberbox_channel import HELLO, frame  # noqa: E402

# Made by `load`.
shell: Any = None
Context: Any = None
if WHEN == "now":
    try:
        load()
    except RuntimeError:
        # Whoever wants a kernel is told, and what is missing may have been installed by then.
        traceback.print_exc()
zygote.serve()
