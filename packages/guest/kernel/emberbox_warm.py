"""Does in the zygote what first calls usually have to do, so that contexts inherit the results."""

import os
import sys
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec

import emberbox_loop
from emberbox_channel import Channel, Streams
from emberbox_figures import pictures
from emberbox_files import load_types
from emberbox_shell import attach, create_shell, reset

INLINE = "module://matplotlib_inline.backend_inline"
LIBRARIES = ("numpy", "pandas", "seaborn", "sklearn.datasets", "sklearn.ensemble", "sklearn.linear_model")
CELLS = (
    "1+1",
    "'text'",
    "print('hello')\nimport sys\nprint('hello', file=sys.stderr)",
    "import numpy as np\nimport pandas as pd\nimport matplotlib.pyplot as plt",
    "frame = pd.DataFrame({'a': np.arange(30), 'b': np.random.rand(30), 'c': list('xyz') * 10})\nframe",
    "frame.describe()",
    "frame.groupby('c').agg({'a': 'sum', 'b': 'mean'})",
    "plt.figure(figsize=(3, 2))\nplt.plot([1, 2, 3], [1, 4, 9], label='line')\nplt.legend()\nplt.title('t')",
    "frame['b'].plot.hist()\nplt.xlabel('x')",
    "display(frame)",
    "frame['a'].rename('days').groupby(frame['c']).sum()",
    "pd.Series(1.5, pd.date_range('2024-01-01', periods=9)).plot()",
    "figure, axes = plt.subplots(1, 4, figsize=(3, 1))\n"
    "axes[0].bar(['p', 'q'], [1, 2])\naxes[1].scatter([1, 2], [3, 4])\n"
    "axes[2].boxplot([[1, 2, 9], [3, 4, 5]])\naxes[3].pie([1, 2], labels=['s', 't'])",
    "def fail():\n    raise ValueError('no')\nfail()",
    "1 +",
    "import asyncio\nawait asyncio.sleep(0)",
    "!true",
    "output = !echo hello",
    "%time 1",
    "import json, re, math, random, datetime, collections, itertools, csv, io, base64, uuid, ctypes, hashlib",
)


class InlineLater:
    """Sees to it that figures are inline where matplotlib is installed after this."""

    def find_spec(self, name, path=None, target=None):
        if name == "matplotlib.pyplot":
            sys.meta_path.remove(self)
            sys.modules["matplotlib"].use(INLINE)


def prepare(ipython_dir, warm):
    """A pristine shell. A `warm` one has imported the usual libraries and run what first calls usually run."""
    if pictures:
        import_module("matplotlib").use(INLINE)
    else:
        sys.meta_path.insert(0, InlineLater())
    own = find_spec("matplotlib_inline")
    if own is None or str(own.origin).startswith("/opt/emberbox/"):
        # Programs that cells start would not find it.
        os.environ.pop("MPLBACKEND", None)
    os.environ.setdefault("PLOTLY_RENDERER", "plotly_mimetype")
    load_types()
    emberbox_loop.install()
    shell = create_shell(ipython_dir)
    if warm:
        for library in LIBRARIES:
            # A container image has what it has.
            with suppress(ModuleNotFoundError):
                import_module(library)
        run_cells(shell)
        # No context inherits what a generator had ready.
        import_module("emberbox_seeds").renew()
    return shell


def run_cells(shell):
    before = sys.stdout, sys.stderr
    errors = os.dup(2)
    null = os.open("/dev/null", os.O_WRONLY)
    os.dup2(null, 2)
    channel = Channel(null, {})
    attach(shell, channel, Streams(channel))
    try:
        for _ in range(2):
            for cell in CELLS:
                channel.begin()
                shell.run_cell(cell, store_history=True)
                channel.end(shell.execution_count)
    finally:
        sys.stdout, sys.stderr = before
        os.dup2(errors, 2)
        os.close(errors)
    reset(shell)
    emberbox_loop.policy.drop()
