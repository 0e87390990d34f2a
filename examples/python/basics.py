"""Code with streamed output, a picture, an error, and two contexts that do not see each other's variables."""

from e2b_code_interpreter import Result, Sandbox

PLOT = """
import matplotlib.pyplot as plt
print("drawing")
plt.bar(["a", "b"], [3, 5])
plt.title("prices")
plt.show()
"""

lines: list[tuple[str, str]] = []
results: list[Result] = []
with Sandbox.create(timeout=300) as sandbox:
    execution = sandbox.run_code(
        "import sys\nprint('out')\nprint('err', file=sys.stderr)\n6 * 7",
        on_stdout=lambda message: lines.append(("stdout", message.line)),
        on_stderr=lambda message: lines.append(("stderr", message.line)),
        on_result=results.append,
    )
    print("streamed:", sorted((name, line.strip()) for name, line in lines if line.strip()))
    print("result:", execution.text, [result.text for result in results])
    assert execution.text == results[0].text == "42"
    assert {name for name, _ in lines} == {"stdout", "stderr"}

    [figure] = sandbox.run_code(PLOT).results
    print("picture:", figure.png[:8], figure.chart.type.value, figure.chart.title)
    assert figure.chart.title == "prices"

    failed = sandbox.run_code("1 / 0")
    print("error:", failed.error.name, failed.error.value)
    assert failed.error.name == "ZeroDivisionError"

    first = sandbox.create_code_context()
    second = sandbox.create_code_context(cwd="/tmp")
    sandbox.run_code("x = 1", context=first)
    unknown = sandbox.run_code("x", context=second).error
    kept = sandbox.run_code("x", context=first).text
    where = sandbox.run_code("import os; os.getcwd()", context=second).text
    print("contexts:", kept, unknown.name, where)
    assert (kept, unknown.name, where) == ("1", "NameError", "/tmp")

print("running:", sandbox.is_running())
assert not sandbox.is_running()
