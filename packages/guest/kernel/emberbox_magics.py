"""IPython's way of starting programs, mended: whole output, of any length and any bytes, and no quadratic time."""

import sys
from string import Formatter
from subprocess import CalledProcessError

from IPython.core.magics.script import ScriptMagics
from IPython.utils.process import arg_split
from IPython.utils.text import DollarFormatter

from emberbox_programs import piped, run_script, variables


class Expander(DollarFormatter):
    """Puts variables into command lines."""

    def parse(self, format_string):
        for literal, field, spec, conversion in Formatter.parse(self, format_string):
            for text, name in variables(literal):
                yield (text, field, spec, conversion) if name is None else (text, name, "", None)


def mend_scripts():
    """`%%bash` and its like. In the background, they remain IPython's."""
    original = ScriptMagics.shebang

    def shebang(self, line, cell):
        __tracebackhide__ = True
        arguments, command = original.parser.parse_known_args(arg_split(line))
        if arguments.bg:
            return original(self, line, cell)
        script = cell if cell.endswith("\n") else cell + "\n"
        streams = self.shell.streams
        stdout = piped(arguments.out, sys.stdout, streams.out)
        stderr = piped(arguments.err, sys.stderr, streams.err)
        try:
            code, *printed = run_script(command, script, stdout, stderr)
        except FileNotFoundError:
            print("Couldn't find program: %r" % command[0])
            return
        for name, text, stream in zip((arguments.out, arguments.err), printed, (sys.stdout, sys.stderr)):
            if name:
                self.shell.user_ns[name] = text
            elif text:
                stream.write(text)
        if code and arguments.raise_error:
            raise CalledProcessError(code, script.encode("utf-8", "replace"))

    shebang.__doc__ = original.__doc__
    setattr(shebang, "parser", original.parser)
    ScriptMagics.shebang = shebang
