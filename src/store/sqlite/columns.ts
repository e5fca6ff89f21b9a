// Between table columns and records. JSON columns are read back without validation: only this store writes them.

/** Writes a JSON column. Fields that are undefined are left out, as everywhere in JSON. */
export function encodeJson(value: unknown): string {
  return JSON.stringify(value);
}

/** Writes a JSON column that may be NULL. */
export function encodeOptionalJson(value: unknown): string | null {
  return value === undefined ? null : JSON.stringify(value);
}

/** Reads a JSON column that holds a T, because a T was written there. */
export function decodeJson<T>(text: string): T {
  return JSON.parse(text) as T;
}

/** `{ [name]: value }`, or nothing at all for NULL: records leave optional fields out instead of undefined. */
export function optional<Name extends string, T>(name: Name, value: T | null): { [K in Name]?: T } {
  return value === null ? {} : ({ [name]: value } as { [K in Name]: T });
}

/** SQLite has no booleans. */
export function encodeBoolean(value: boolean): 0 | 1 {
  return value ? 1 : 0;
}

/** NULL where undefined means "unchanged". */
export function encodeOptionalBoolean(value: boolean | undefined): 0 | 1 | null {
  return value === undefined ? null : encodeBoolean(value);
}
