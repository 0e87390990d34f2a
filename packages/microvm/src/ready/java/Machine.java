import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.security.SecureRandom;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicLong;

/** What Java reads once, and what has to be another one in a copy of the machine: the environment, and seeds. */
final class Machine {
  private static final Map<String, String> before = new HashMap<>();

  private Machine() {}

  static void export(Map<String, String> variables) throws ReflectiveOperationException {
    environment().putAll(variables);
  }

  /** Until `restore`. */
  static void set(Map<String, String> variables) throws ReflectiveOperationException {
    restore();
    for (String name : variables.keySet()) before.put(name, System.getenv(name));
    export(variables);
  }

  static void restore() throws ReflectiveOperationException {
    for (Map.Entry<String, String> each : before.entrySet()) {
      if (each.getValue() == null) environment().remove(each.getKey());
      else environment().put(each.getKey(), each.getValue());
    }
    before.clear();
  }

  /** What `System.getenv` shows, and what programs that cells start are given a copy of. */
  @SuppressWarnings("unchecked")
  private static Map<String, String> environment() throws ReflectiveOperationException {
    Map<String, String> shown = System.getenv();
    return (Map<String, String>) fieldOf(shown.getClass(), "m").get(shown);
  }

  static void reseed() throws ReflectiveOperationException {
    SecureRandom fresh = new SecureRandom();
    ((AtomicLong) fieldOf(ThreadLocalRandom.class, "seeder").get(null)).set(fresh.nextLong());
    ((AtomicLong) fieldOf(Random.class, "seedUniquifier").get(null)).set(fresh.nextLong());
    Class<?> ofMath = Class.forName("java.lang.Math$RandomNumberGeneratorHolder");
    ((Random) fieldOf(ofMath, "randomNumberGenerator").get(null)).setSeed(fresh.nextLong());
    Method again = ThreadLocalRandom.class.getDeclaredMethod("localInit");
    again.setAccessible(true);
    again.invoke(null);
  }

  private static Field fieldOf(Class<?> type, String name) throws NoSuchFieldException {
    Field field = type.getDeclaredField(name);
    field.setAccessible(true);
    return field;
  }
}
