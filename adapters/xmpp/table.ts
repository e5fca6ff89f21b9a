// Tables that are asked for words of others.

/** The rows and nothing else: a plain object also has a `constructor`, `toString` and the like. */
export function table<Value>(rows: Readonly<Record<string, Value>>): Readonly<Record<string, Value>> {
  return Object.freeze(Object.assign(Object.create(null) as Record<string, Value>, rows));
}
