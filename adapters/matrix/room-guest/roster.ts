// Who is in a room of Matrix, by the screen names that WV users see. Display names there are not unique; screen names
// are: whoever comes later gets a number (bridging.md 7.3).

import { cleanName } from '../ghosts.ts';
import { localpartOf } from '../ids.ts';
import type { MatrixUserId } from '../ids.ts';
import type { Present } from '../room-calls.ts';

/** Above, the user id tells namesakes apart: a room full of them must not cost a search each. */
const MAX_NUMBER = 9;

export class Roster {
  readonly #limit: number;
  readonly #names = new Map<MatrixUserId, string>();
  readonly #users = new Map<string, MatrixUserId>();

  /** @param limit members known at most; others are in the room, but not listed */
  constructor(limit: number, present: readonly Present[]) {
    this.#limit = limit;
    for (const [user, name] of present) this.set(user, name);
  }

  get size(): number {
    return this.#names.size;
  }

  entries(): IterableIterator<[MatrixUserId, string]> {
    return this.#names.entries();
  }

  nameOf(user: MatrixUserId): string | undefined {
    return this.#names.get(user);
  }

  /** Screen names compare without case. */
  userOf(screenName: string): MatrixUserId | undefined {
    return this.#users.get(screenName.toLowerCase());
  }

  /** Takes note of a member and his display name. Returns his screen name; undefined beyond the limit. */
  set(user: MatrixUserId, displayName: string): string | undefined {
    const known = this.#names.get(user);
    if (known === undefined && this.#names.size >= this.#limit) return undefined;
    const name = this.free(displayName, user);
    if (known !== undefined) this.#users.delete(known.toLowerCase());
    this.#names.set(user, name);
    this.#users.set(name.toLowerCase(), user);
    return name;
  }

  /** The screen name that a member would get. */
  free(displayName: string, user: MatrixUserId): string {
    const base = cleanName(displayName) || localpartOf(user);
    for (let n = 1; ; n++) {
      const name = n === 1 ? base : n <= MAX_NUMBER ? `${base} (${n})` : `${base} (${user}) ${n}`;
      const bearer = this.userOf(name);
      if (bearer === undefined || bearer === user) return name;
    }
  }

  /** The screen name he had. */
  delete(user: MatrixUserId): string | undefined {
    const name = this.#names.get(user);
    if (name === undefined) return undefined;
    this.#names.delete(user);
    this.#users.delete(name.toLowerCase());
    return name;
  }
}
