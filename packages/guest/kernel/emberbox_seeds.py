"""New seeds for the generators that modules keep: copies of a machine must not draw the same numbers.

Generators that a program made itself are left alone: they may be meant to repeat.
"""

import ctypes
import os
import random
import sys
from typing import Any, Optional

# From numpy/random/src/mt19937/mt19937.h: 624 words, and then how many of them were used.
WORDS = 624
KEY_BYTES = 4 * WORDS


def renew(drawn: bool = True) -> None:
    """`drawn` is false where no code has used the generators yet, which makes it cheaper."""
    random.seed()
    tempfile = sys.modules.get("tempfile")
    if tempfile is not None:
        # It has a generator of its own, which it creates again.
        setattr(tempfile, "_name_sequence", None)
    if not drawn and numpy_state is not None:
        ctypes.memmove(numpy_state, os.urandom(KEY_BYTES), KEY_BYTES)
        ctypes.c_int.from_address(numpy_state + KEY_BYTES).value = WORDS
    elif "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()
    ssl = sys.modules.get("ssl")
    if ssl is not None:
        ssl.RAND_add(os.urandom(32), 32.0)


def find_numpy_state() -> Optional[int]:
    """
    The address of numpy's state, if it is what it is expected to be. `numpy.random.seed` runs a million instructions,
    most of them for the first time, before a sandbox's first answer (measured by counting them in QEMU).
    """
    mtrand: Any = sys.modules.get("numpy.random.mtrand")
    if mtrand is None:
        return None
    try:
        generator = mtrand._rand._bit_generator
        address: int = generator.ctypes.state_address
        known = generator.state
    except AttributeError:
        return None
    if known.get("bit_generator") != "MT19937":
        return None
    key = (ctypes.c_uint32 * WORDS).from_address(address)
    used = ctypes.c_int.from_address(address + KEY_BYTES).value
    return address if [*key, used] == [*known["state"]["key"].tolist(), known["state"]["pos"]] else None


numpy_state = find_numpy_state()
