import java.io.BufferedReader;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.LinkedBlockingQueue;
import jdk.jshell.Diag;
import jdk.jshell.EvalException;
import jdk.jshell.JShell;
import jdk.jshell.JShellException;
import jdk.jshell.Snippet;
import jdk.jshell.SnippetEvent;
import jdk.jshell.SourceCodeAnalysis;

/**
 * Runs cells in JShell, which keeps what they declare. Reads lines: `run` with a cell and a mark, `complete?` with code,
 * `stop`, or what is about the machine: `export` or `set` with variables, `restore`, `reseed`, `warm`; texts are in Base64. Answers on the descriptor that it is given, a line each: `value`, `error` with a name, a
 * text and a trace, `done`. What cells print goes to standard output and standard error, on both of which the mark follows.
 */
public final class Cells {
  private static final List<String> IMPORTS =
      List.of(
          "java.io.*", "java.math.*", "java.net.*", "java.nio.file.*", "java.time.*", "java.util.*",
          "java.util.concurrent.*", "java.util.function.*", "java.util.regex.*", "java.util.stream.*");

  /** Of each kind one, so that nothing is loaded and compiled for the first time in somebody's first cell. */
  private static final List<String> FIRST =
      List.of(
          "int emberbox = 40;",
          "emberbox + 2",
          "record Emberbox(int a, String b) {}",
          "new Emberbox(1, \"b\")",
          "int emberboxSum(int n) { return n < 1 ? 0 : n + emberboxSum(n - 1); }",
          "var emberboxAll = new ArrayList<Integer>();",
          "for (int i = 0; i < 3; i++) emberboxAll.add(emberboxSum(i));",
          "emberboxAll.stream().map(each -> each + \"\").collect(Collectors.joining())",
          "System.out.print(String.format(\"\")); System.err.print(\"\");",
          "String emberboxBad = 5;",
          "List.of(1).get(7)");

  private static final long STOP_AGAIN_MS = 50;

  private final JShell shell = JShell.builder().executionEngine("local").build();
  private final SourceCodeAnalysis analysis = shell.sourceCodeAnalysis();
  private final PrintStream answers;
  private volatile boolean running;
  private volatile boolean stopped;
  private boolean used;

  private Cells(String descriptor) throws IOException {
    answers = new PrintStream(new FileOutputStream("/proc/self/fd/" + descriptor), true, StandardCharsets.UTF_8);
    for (String each : IMPORTS) shell.eval("import " + each + ";");
  }

  public static void main(String[] given) throws Exception {
    Cells cells = new Cells(given[0]);
    LinkedBlockingQueue<String> waiting = new LinkedBlockingQueue<>();
    Thread worker = new Thread(() -> cells.work(waiting), "cells");
    worker.setDaemon(true);
    worker.start();
    cells.answer("ready");
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      if (line.equals("stop")) cells.stop();
      else waiting.put(line);
    }
    System.exit(0);
  }

  private void work(LinkedBlockingQueue<String> waiting) {
    try {
      while (true) {
        String[] words = waiting.take().split(" ");
        switch (words[0]) {
          case "run" -> run(textOf(words[1]), textOf(words[2]));
          case "complete?" -> answer("is", analysis.analyzeCompletion(textOf(words[1])).completeness().name());
          default -> tend(words);
        }
      }
    } catch (InterruptedException end) {
      Thread.currentThread().interrupt();
    }
  }

  private static String textOf(String encoded) {
    return new String(Base64.getDecoder().decode(encoded), StandardCharsets.UTF_8);
  }

  private void tend(String[] words) {
    try {
      switch (words[0]) {
        case "export" -> Machine.export(variablesIn(words));
        case "set" -> Machine.set(variablesIn(words));
        case "restore" -> Machine.restore();
        case "reseed" -> Machine.reseed();
        case "warm" -> warm();
        default -> throw new IllegalArgumentException(words[0]);
      }
    } catch (ReflectiveOperationException | RuntimeException failure) {
      answer("error", failure.getClass().getName(), String.valueOf(failure.getMessage()), "");
    }
    answer("done");
  }

  private static Map<String, String> variablesIn(String[] words) {
    Map<String, String> all = new HashMap<>();
    for (int at = 1; at + 1 < words.length; at += 2) all.put(textOf(words[at]), textOf(words[at + 1]));
    return all;
  }

  /** Leaves nothing behind. What is in use is warm. */
  private void warm() {
    if (used) return;
    List<Snippet> before = shell.snippets().toList();
    for (String each : FIRST) {
      for (SnippetEvent event : shell.eval(analysis.analyzeCompletion(each).source()))
        shell.diagnostics(event.snippet()).forEach(diagnostic -> diagnostic.getMessage(Locale.ENGLISH));
    }
    shell.snippets().filter(each -> !before.contains(each)).toList().forEach(shell::drop);
  }

  private void run(String cell, String mark) {
    used = true;
    stopped = false;
    running = true;
    String value = "";
    String rest = cell;
    while (!rest.isBlank() && !stopped) {
      SourceCodeAnalysis.CompletionInfo info = analysis.analyzeCompletion(rest);
      String source = info.completeness().isComplete() ? info.source() : rest;
      rest = info.completeness().isComplete() ? info.remaining() : "";
      value = "";
      boolean failed = false;
      for (SnippetEvent event : shell.eval(source)) {
        if (event.causeSnippet() != null) continue;
        if (report(event)) failed = true;
        else if (isExpression(event.snippet()) && event.value() != null) value = event.value();
      }
      if (failed) {
        value = "";
        break;
      }
    }
    running = false;
    if (stopped) answer("error", "InterruptedException", "the cell was interrupted", "");
    else if (!value.isEmpty()) answer("value", value);
    for (PrintStream each : List.of(System.out, System.err)) {
      each.print(mark);
      each.flush();
    }
    answer("done");
  }

  private static boolean isExpression(Snippet snippet) {
    return snippet.subKind() == Snippet.SubKind.TEMP_VAR_EXPRESSION_SUBKIND
        || snippet.subKind() == Snippet.SubKind.VAR_VALUE_SUBKIND
        || snippet.subKind() == Snippet.SubKind.OTHER_EXPRESSION_SUBKIND;
  }

  /** Answers with what is wrong, if anything is. */
  private boolean report(SnippetEvent event) {
    if (event.status() == Snippet.Status.REJECTED) {
      StringBuilder all = new StringBuilder();
      for (Diag each : shell.diagnostics(event.snippet()).toList()) {
        if (!each.isError()) continue;
        if (all.length() > 0) all.append('\n');
        all.append(each.getMessage(Locale.ENGLISH));
      }
      answer("error", "CompileError", all.toString(), event.snippet().source());
      return true;
    }
    JShellException thrown = event.exception();
    if (thrown == null || stopped) return false;
    String name = thrown instanceof EvalException known ? known.getExceptionClassName() : thrown.getClass().getName();
    StringBuilder trace = new StringBuilder();
    for (StackTraceElement each : thrown.getStackTrace()) trace.append("    at ").append(each).append('\n');
    answer("error", name, String.valueOf(thrown.getMessage()), trace.toString());
    return true;
  }

  /** Until the cell has ended: JShell stops nothing while it compiles. */
  private void stop() throws InterruptedException {
    stopped = true;
    while (running) {
      shell.stop();
      Thread.sleep(STOP_AGAIN_MS);
    }
  }

  private synchronized void answer(String kind, String... texts) {
    StringBuilder line = new StringBuilder(kind);
    for (String each : texts)
      line.append(' ').append(Base64.getEncoder().encodeToString(each.getBytes(StandardCharsets.UTF_8)));
    answers.println(line);
  }
}
