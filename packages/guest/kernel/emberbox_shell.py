"""IPython's shell, whose output goes to the agent instead of to Jupyter's sockets."""

import asyncio
import builtins
import getpass
import importlib
import os
import subprocess
import sys
import warnings
from traceback import extract_tb

import IPython
from IPython.core import page
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.error import StdinNotImplementedError, UsageError
from IPython.lib import pretty
from IPython.utils.text import SList
from traitlets import Any, TraitType, Type
from traitlets.config import Config

from emberbox_channel import ERROR, OUTPUT, Channel, Streams
from emberbox_displays import Displays
from emberbox_figures import pictures, with_picture
from emberbox_loop import demands_loop
from emberbox_magics import Expander, mend_scripts
from emberbox_results import PLOTLY, RESULT_LIMIT, error_line, result_line
from emberbox_structured import close_shown, describe_figures_and_tables
from emberbox_tracebacks import mend_tracebacks

try:
    from ipykernel.zmqshell import ZMQInteractiveShell as BaseShell
except ImportError:
    # A container image's Python may lack ipykernel, which is compiled in part. It adds little.
    from IPython.core.interactiveshell import InteractiveShell as BaseShell

# Python before 3.11 has no groups.
GROUP = getattr(builtins, "BaseExceptionGroup", ())
# How many members of an exception group are shown.
MAX_MEMBERS = 20
EXPANDER = Expander()
DIRECTORY = os.path.dirname(os.path.abspath(__file__))
MACHINERY = DIRECTORY, os.path.dirname(IPython.__file__)

# Types that are shown as their `repr`, with the function that tells IPython so.
PLAIN_TYPES = {kind: pretty._type_pprinters.get(kind) for kind in (int, bool, str, complex)}


class Publisher(DisplayPublisher):
    # Set by `attach`.
    displays: Displays

    def publish(self, data, metadata=None, source=None, *, transient=None, update=False, **_):
        self._validate_data(data, metadata)
        name = (transient or {}).get("display_id")
        if update and name is not None:
            self.displays.update(data, name)
        elif data:
            self.displays.show(data, name)

    def clear_output(self, wait=False):
        """Of what was printed nothing is taken back: callers may have read it."""
        self.displays.clear()


def finished(bundle):
    return with_picture(bundle) if PLOTLY in bundle else bundle


class Hook(DisplayHook):
    # Set by `attach`.
    channel: Channel
    displays: Displays

    def quiet(self):
        # Tokenizing the whole cell is only worth it if the last line can end with a semicolon.
        history = self.shell.history_manager.input_hist_parsed
        if not history or ";" not in history[-1].rstrip().rpartition("\n")[2]:
            return False
        return super().quiet()

    def compute_format_data(self, result):
        kind = type(result)
        if kind in PLAIN_TYPES and self.is_plain(kind):
            # Over the limit, the text itself is saved to a file; a `repr` would only be another copy as long.
            large = kind is str and len(result) > RESULT_LIMIT
            return {"text/plain": result if large else repr(result)}, {}
        formatted = super().compute_format_data(result)
        close_shown(result)
        return formatted

    def update_user_ns(self, result):
        # Kept as `_` and in `Out`, a few such texts would fill the memory.
        if not (isinstance(result, (str, bytes)) and len(result) > RESULT_LIMIT):
            super().update_user_ns(result)

    def is_plain(self, kind):
        """Whether values of a plain type are still shown the usual way; asking all formatters would take 2 ms."""
        display = self.shell.display_formatter
        formatters = display.formatters
        text = formatters.get("text/plain")
        if text is None or text.type_printers.get(kind) is not PLAIN_TYPES[kind]:
            return False
        for formatter in formatters.values():
            if formatter is not text and kind in formatter.type_printers:
                return False
        return kind not in display.ipython_display_formatter.type_printers

    def write_output_prompt(self):
        pass

    def write_format_data(self, format_dict, md_dict=None):
        # The end of the cell comes next, and the result is sent along with it.
        self.displays.flush()
        self.displays.count_one()
        self.channel.line(OUTPUT, result_line(format_dict, True), flush=False)

    def finish_displayhook(self):
        pass


# Libraries recognise a notebook by this class's name.
class ZMQInteractiveShell(BaseShell):
    displayhook_class = Type(Hook)
    display_pub_class = Type(Publisher)
    exiter = Any()
    # Set by `attach`.
    channel: Channel
    displays: Displays
    streams: Streams

    def _exiter_default(self):
        return leave

    def init_environment(self):
        """The agent sets the environment."""

    def init_hooks(self):
        super().init_hooks()
        self.set_hook("show_in_pager", page.as_hook(show_page), 1)

    def enable_gui(self, gui=None):
        if pictures and gui not in (None, "inline", "agg", "asyncio"):
            print(pictures.NO_SCREEN % gui, file=sys.stderr)

    def enable_matplotlib(self, gui=None):
        backend = pictures and pictures.meant_by(gui)
        if backend is not None and pictures.kept(backend) == pictures.INLINE:
            gui = "inline"
        return super().enable_matplotlib(gui)

    def ask_exit(self):
        leave()

    def _showtraceback(self, etype, evalue, stb):
        self._last_traceback = stb
        shown = "\n".join(stb)
        line = error_line(etype.__name__, text_of(evalue), "\n".join([shown, *more_of(evalue, shown)]))
        self.channel.line(ERROR, line, flush=False)

    def _get_exc_info(self, exc_tuple=None):
        """Leaves out what belongs to the kernel: the frames that raised."""
        etype, value, traceback = super()._get_exc_info(exc_tuple)
        last = traceback
        following = traceback
        while following is not None:
            if not following.tb_frame.f_code.co_filename.startswith(DIRECTORY):
                last = following
            following = following.tb_next
        if last is not None:
            last.tb_next = None
        return etype, value, traceback

    def showtraceback(self, exc_tuple=None, *arguments, **options):
        """Of an interrupt, only where it came: IPython's way takes seconds on a busy machine, and time is up."""
        etype, value, traceback = exc_tuple or sys.exc_info()
        if etype is not None and (issubclass(etype, KeyboardInterrupt) or self.was_cancelled(etype)):
            return self._showtraceback(KeyboardInterrupt, KeyboardInterrupt(), self.lines_of(traceback))
        others = SyntaxError, UsageError
        if etype is None or issubclass(etype, others) or not has_group(value) or options.get("exception_only"):
            return super().showtraceback(exc_tuple, *arguments, **options)
        # Newer IPythons print these to standard error, and the cell would not have failed.
        etype, value, traceback = self._get_exc_info(exc_tuple)
        tb = self.InteractiveTB.structured_traceback(etype, value, traceback, tb_offset=options.get("tb_offset"))
        self._showtraceback(etype, value, tb)

    def lines_of(self, traceback):
        """Python's own format, without the frames of IPython and of the kernel."""
        lines = ["Traceback (most recent call last):"]
        for frame in extract_tb(traceback):
            if not frame.filename.startswith(MACHINERY):
                cell = self.compile._filename_map.get(frame.filename)
                file = 'File "%s"' % frame.filename if cell is None else "Cell In [%s]" % cell
                lines.append("  %s, line %s, in %s" % (file, frame.lineno, frame.name))
                lines += ["    " + frame.line] if frame.line else []
        return [*lines, "KeyboardInterrupt"]

    def was_cancelled(self, etype):
        return etype is asyncio.CancelledError and self.interrupted_loop

    def show_usage_error(self, exc):
        """A mistake in a magic's arguments fails the cell, as any other error does."""
        text = "UsageError: " + text_of(exc)
        self.channel.line(ERROR, error_line("UsageError", text_of(exc), text), flush=False)

    interrupted_loop = False

    def should_run_async(self, raw_cell, *, transformed_cell=None, **more):
        if transformed_cell is not None and demands_loop(transformed_cell):
            return True
        return super().should_run_async(raw_cell, transformed_cell=transformed_cell, **more)

    def run_loop(self, coroutine):
        """Runs a cell that awaits; an interrupt is thrown into what it awaits."""
        self.interrupted_loop = False
        loop = asyncio.get_event_loop()
        task = loop.create_task(coroutine)
        while True:
            try:
                return loop.run_until_complete(task)
            except KeyboardInterrupt:
                if task.done():
                    raise
                self.interrupted_loop = True
                task.cancel()

    def safe_execfile(self, fname, *where, **options):
        # That earlier cells drew is no reason for `%run` to draw: it would add an empty figure.
        if "matplotlib.pyplot" in sys.modules:
            sys.modules["matplotlib.pyplot"].draw_if_interactive.called = False
        super().safe_execfile(fname, *where, **options)

    def var_expand(self, cmd, depth=0, formatter=EXPANDER):
        if not any(mark in cmd for mark in "${}"):
            return cmd
        return super().var_expand(cmd, depth + 1, formatter)

    def system_piped(self, cmd):
        command = self.var_expand(cmd, depth=1)
        if sys.stdout is self.streams.out:
            code = subprocess.run(command, shell=True, executable="/bin/bash", stdin=subprocess.DEVNULL).returncode
        else:
            code = self.system_captured(command)
        self.user_ns["_exit_code"] = code
        importlib.invalidate_caches()

    system = system_piped

    def system_captured(self, command):
        """If the cell replaced `sys.stdout`, the replacement gets the output."""
        process = subprocess.Popen(
            command,
            shell=True,
            executable="/bin/bash",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )
        with process:
            for line in process.stdout or ():
                sys.stdout.write(line)
        return process.returncode

    def getoutput(self, cmd, split=True, depth=0):
        if cmd.rstrip().endswith("&"):
            raise OSError("Background processes not supported.")
        process = subprocess.run(
            self.var_expand(cmd, depth=depth + 1),
            shell=True,
            executable="/bin/bash",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self.user_ns["_exit_code"] = process.returncode
        importlib.invalidate_caches()
        text = process.stdout.decode("utf-8", "replace")
        return SList(text.splitlines()) if split else text


def show_page(text, start=0, screen_lines=0, pager_cmd=None):
    print(text.get("text/plain", "") if isinstance(text, dict) else text)


def text_of(value):
    try:
        if isinstance(value, SyntaxError) and value.lineno is not None:
            # The name of the cell's file means nothing to its author.
            return "%s (line %d)" % (value.msg, value.lineno)
        return str(value)
    except Exception:
        return "<the error's own text cannot be made>"


def has_group(error):
    """Whether an exception, or one that came before it, is a group."""
    seen = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, GROUP):
            return True
        seen.add(id(error))
        error = error.__context__
    return False


def more_of(error, shown="", indent="  "):
    """The members of a group, which IPython's tracebacks lack, and an exception's notes unless they are shown."""
    notes = map(str, getattr(error, "__notes__", ())[:MAX_MEMBERS])
    lines = [indent + note for note in notes if "\n%s\n" % note not in shown + "\n"]
    members = error.exceptions if isinstance(error, GROUP) else ()
    for member in members[:MAX_MEMBERS]:
        lines.append("%s%s: %s" % (indent, type(member).__name__, text_of(member)))
        lines.extend(more_of(member, indent=indent + "  "))
    if len(members) > MAX_MEMBERS:
        lines.append("%s... and %d more" % (indent, len(members) - MAX_MEMBERS))
    return lines


def leave(*_, **__):
    raise SystemExit("exit() ends the cell only; the kernel and its variables live on.")


def no_input(prompt="", *_, **__):
    raise StdinNotImplementedError(
        "input was asked for (%s), but code here runs without a keyboard. Put the value into a variable instead."
        % (str(prompt).strip() or "no prompt")
    )


def read_traits_directly():
    """IPython asks for its own settings 140 times in the shortest cell, by way of four functions each time."""
    slowly = TraitType.__get__

    def get(self, instance, owner=None):
        try:
            return instance._trait_values[self.name]
        except (AttributeError, KeyError):
            return slowly(self, instance, owner)

    setattr(TraitType, "__get__", get)


def create_shell(ipython_dir):
    """The shell with everything that a notebook enables. Takes long, so it is done once, before contexts are forked."""
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "NoColor"
    config.InteractiveShell.xmode = "Context"
    config.Completer.use_jedi = False
    read_traits_directly()
    mend_scripts()
    mend_tracebacks()
    shell = ZMQInteractiveShell.instance(config=config, ipython_dir=ipython_dir)
    shell.loop_runner = shell.run_loop
    builtins.input = no_input
    getpass.getpass = no_input
    warnings.filterwarnings("ignore", "To exit: use")
    # Python warns of a fork where there are threads. A context has one of ours, which is no matter to its children.
    warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
    if pictures:
        shell.enable_matplotlib("inline")
        pictures.install()
    describe_figures_and_tables(shell)
    show_scalars_plainly(shell)
    return shell


# IPython asks for the class itself: the ones that they inherit from come after the class's own repr.
NUMPY_SCALARS = (
    "bool bool_ str_ int8 int16 int32 int64 longlong uint8 uint16 uint32 uint64 ulonglong float16 float32 float64 "
    "float128 longdouble complex64 complex128 complex256 clongdouble"
).split()


def show_scalars_plainly(shell):
    """Shows numpy's scalars as `2.0`, not as `np.float64(2.0)`, which is their repr since numpy 2."""
    formatter = shell.display_formatter.formatters["text/plain"]

    def show(value, printer, _cycle):
        if isinstance(value, str):
            printer.text(repr(str(value)))
        elif isinstance(value, float) and formatter.float_format != "%r":
            printer.text(formatter.float_format % value)  # %precision asks for it
        else:
            printer.text(str(value))

    # IPython's own printer of numpy's floats, which is asked first.
    for kind in [kind for kind in formatter.type_printers if kind.__module__ == "numpy"]:
        formatter.type_printers.pop(kind)
    for name in NUMPY_SCALARS:
        formatter.for_type_by_name("numpy", name, show)


def attach(shell, channel, streams):
    """Connects the shell to a channel."""
    shell.streams = streams
    shell.channel = shell.displayhook.channel = channel
    shell.displays = shell.display_pub.displays = shell.displayhook.displays = Displays(channel.line, finished)


def prepare_namespace(shell):
    """What a fresh namespace has besides IPython's own names."""
    shell.user_ns["exit"] = shell.user_ns["quit"] = leave
    for name in ("exit", "quit"):
        setattr(builtins, name, leave)
        shell.user_ns_hidden[name] = leave


def reset(shell):
    """Resets to a pristine namespace, and to the first execution."""
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
    shell.reset(new_session=True)
    shell.history_manager.db_input_cache.clear()
    shell.displayhook.exec_result = None
    shell._last_traceback = None
    for name in ("last_exc", "last_type", "last_value", "last_traceback"):
        if hasattr(sys, name):
            delattr(sys, name)
    prepare_namespace(shell)
