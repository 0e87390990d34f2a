"""What E2B's Python SDK exports: `from exported import X`. What an older one has not is None."""

import e2b_code_interpreter


def __getattr__(name: str):
    return getattr(e2b_code_interpreter, name, None)
