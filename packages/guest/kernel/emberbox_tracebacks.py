"""Repairs of what IPython does for an error."""

import inspect
import sys
from types import FrameType, ModuleType, SimpleNamespace
from typing import Any, Optional

from IPython.core import ultratb


def mend_tracebacks() -> None:
    """Newer IPythons ask for the module of each frame, for which `inspect` looks at all modules: with 3000 frames, for
    minutes."""
    setattr(ultratb, "inspect", SimpleNamespace(**{**vars(inspect), "getmodule": module_of}))


def module_of(item: Any, file: Optional[str] = None) -> Optional[ModuleType]:
    """As `inspect.getmodule`; of a frame, the module that it says it belongs to."""
    if not isinstance(item, FrameType):
        return inspect.getmodule(item, file)
    name = item.f_globals.get("__name__")
    module = sys.modules.get(name) if isinstance(name, str) else None
    return module if isinstance(module, ModuleType) else None
