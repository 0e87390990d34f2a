/** A model that follows a script: it breaks its data, and is careful once it hears of that. */
export function askCarelessModel(heard: readonly string[]): string {
  const wasUndone = heard.some((line) => line.includes("taken back"));
  if (heard.length === 0)
    return "orders['total'] = orders.price * orders.amount\norders.total.sum()";
  return wasUndone
    ? "orders['country'] = orders.country.fillna('unknown')\nlen(orders)"
    : "orders = orders.dropna(axis='columns')[:2]; orders.to_csv('orders.csv')\nlen(orders)";
}
