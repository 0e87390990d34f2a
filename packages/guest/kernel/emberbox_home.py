"""What a context of another user than the zygote's has of its own: the packages and IPython's settings of its home."""

import os
import site
import sys
from contextlib import suppress
from typing import Any


def move(shell: Any) -> None:
    """Call it when the environment is the user's. A user may have no home, or none that it may write to."""
    before = site.getuserbase()
    site.USER_BASE = site.USER_SITE = None
    packages = site.getusersitepackages()
    if site.getuserbase() != before:
        sys.path[:] = [path for path in sys.path if not path.startswith(before + os.sep)]
    # Python remembers a directory that is missing now, and would never import from it.
    with suppress(OSError):
        os.makedirs(packages, exist_ok=True)
    site.addsitedir(packages)
    settings = os.path.expanduser("~/.ipython")
    with suppress(OSError):
        os.makedirs(settings, exist_ok=True)
        shell.ipython_dir = settings
        shell.init_profile_dir(None)
        shell.db = type(shell.db)(os.path.join(shell.profile_dir.location, "db"))
