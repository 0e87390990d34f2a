"""What the code interpreter's SDK adds."""

from exported import Result
from method import Context, equal, method

PLOT = "import matplotlib.pyplot as plt\nplt.plot([1, 2], [3, 4])\nplt.title('a title')\nplt.show()"


@method("sandbox.run_code")
def run_code(context: Context) -> None:
    streamed: list[str] = []
    results: list[Result] = []
    execution = context.sandbox.run_code(
        "import os, sys\nprint('seen')\nprint('wrong', file=sys.stderr)\nos.environ['X'], 6 * 7",
        envs={"X": "1"},
        on_stdout=lambda message: streamed.append(message.line),
        on_stderr=lambda message: streamed.append(message.line),
        on_result=results.append,
    )
    equal(execution.text, "('1', 42)")
    equal([result.text for result in results], ["('1', 42)"])
    equal(sorted("".join(streamed).split()), ["seen", "wrong"])
    failed = context.sandbox.run_code("1 / 0")
    assert failed.error is not None
    equal(failed.error.name, "ZeroDivisionError")
    [figure] = context.sandbox.run_code(PLOT).results
    assert figure.png and figure.chart is not None
    equal(figure.chart.title, "a title")
    script = context.sandbox.run_code("[1, 2].map((n) => n * 2)", language="javascript")
    equal(script.text, "[ 2, 4 ]")


@method("sandbox.create_code_context")
def create_code_context(context: Context) -> None:
    made = context.sandbox.create_code_context(cwd=context.directory)
    equal(context.sandbox.run_code("import os\nos.getcwd()", context=made).text, context.directory)
    context.sandbox.remove_code_context(made)


@method("sandbox.list_code_contexts")
def list_code_contexts(context: Context) -> None:
    made = context.sandbox.create_code_context()
    assert made.id in [each.id for each in context.sandbox.list_code_contexts()]
    context.sandbox.remove_code_context(made)


@method("sandbox.remove_code_context")
def remove_code_context(context: Context) -> None:
    made = context.sandbox.create_code_context()
    context.sandbox.remove_code_context(made.id)
    assert made.id not in [each.id for each in context.sandbox.list_code_contexts()]


@method("sandbox.restart_code_context")
def restart_code_context(context: Context) -> None:
    made = context.sandbox.create_code_context()
    context.sandbox.run_code("x = 1", context=made)
    context.sandbox.restart_code_context(made)
    error = context.sandbox.run_code("x", context=made).error
    assert error is not None
    equal(error.name, "NameError")
    context.sandbox.remove_code_context(made)
