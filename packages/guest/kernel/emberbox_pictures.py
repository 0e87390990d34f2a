"""Pictures where there is no screen: figures stay inline, and pictures that are saved or shown are results."""

import functools
import os
import sys

from matplotlib import pyplot
from PIL import Image, ImageShow

try:
    from matplotlib.backends import BackendFilter, backend_registry
except ImportError:
    # Before matplotlib 3.9. IPython knows what `%matplotlib` means by a name.
    from IPython.core.pylabtools import backends
    from matplotlib.rcsetup import all_backends, interactive_bk

    backend_registry = None
else:
    all_backends = backend_registry.list_builtin()
    interactive_bk = backend_registry.list_builtin(BackendFilter.INTERACTIVE)

INLINE = "module://matplotlib_inline.backend_inline"
NO_SCREEN = "There is no screen here: %s cannot open windows. Figures are shown inline."
# More pictures that a cell saves are not shown.
MAX_SAVED = 10
# matplotlib's own backends, and those of them that open windows.
OWN = frozenset(map(str.lower, all_backends))
WINDOWS = frozenset(map(str.lower, interactive_bk))


def stay_inline():
    """With another of matplotlib's own backends no more pictures would come, for as long as the context lives."""
    original = pyplot.switch_backend

    @functools.wraps(original)
    def switch_backend(newbackend):
        return original(kept(newbackend))

    pyplot.switch_backend = switch_backend


def kept(backend):
    """The backend to use instead of one of matplotlib's own. Whoever asks for a window is told that there is none."""
    name = str(backend).lower()
    if name not in OWN:
        return backend
    if name in WINDOWS:
        print(NO_SCREEN % backend, file=sys.stderr)
    return INLINE


def meant_by(gui):
    """The backend that `%matplotlib` means by a name, if there is one."""
    if gui is None:
        return "agg"
    if backend_registry is None:
        return backends.get(gui)
    try:
        return backend_registry.resolve_gui_or_backend(gui)[0]
    except (RuntimeError, ValueError):
        return None


class Saved:
    """Shows what is saved to a named file, as E2B does. Figures are shown anyway."""

    def __init__(self):
        self.viewer = ImageShow.IPythonViewer()
        self.count = 0
        self.process = os.getpid()

    def begin(self):
        self.count = 0
        self.process = os.getpid()

    def hook(self):
        original = Image.Image.save

        @functools.wraps(original)
        def save(image, fp, format=None, **params):
            __tracebackhide__ = True
            original(image, fp, format, **params)
            caller = sys._getframe(1).f_globals.get("__name__", "")
            if isinstance(fp, (str, os.PathLike)) and not caller.startswith("matplotlib."):
                self.show(image)

        Image.Image.save = save

    def show(self, image):
        if self.count >= MAX_SAVED or os.getpid() != self.process:
            return
        self.count += 1
        try:
            self.viewer.show(image)
        except Exception:
            # It was saved, which is what counts.
            pass


saved = Saved()


def install():
    stay_inline()
    saved.hook()
    # Before programs for screens, which a template may have.
    ImageShow.register(saved.viewer, 0)
