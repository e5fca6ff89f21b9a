// Who speaks which CSP at which of two servers: every version on either side, in both encodings, and each server in
// both roles.

import type { WvClientOptions } from '../../../src/client/client.ts';

export interface Mix {
  /** The house of the one who asks, sends, watches or visits. */
  readonly near: 'a' | 'b';
  /** The house of the other one. */
  readonly far: 'a' | 'b';
  readonly asking: Partial<WvClientOptions>;
  readonly serving: Partial<WvClientOptions>;
}

export const OLD: Partial<WvClientOptions> = { version: '1.1', encoding: 'wbxml' };
export const COMMON: Partial<WvClientOptions> = { version: '1.2', encoding: 'xml' };
export const NEW: Partial<WvClientOptions> = { version: '1.3', encoding: 'xml' };

export const MIXES: readonly (readonly [name: string, mix: Mix])[] = [
  ['1.1 at a.test, 1.3 at b.test', { near: 'a', far: 'b', asking: OLD, serving: NEW }],
  ['1.2 at b.test, 1.1 at a.test', { near: 'b', far: 'a', asking: COMMON, serving: OLD }],
  ['1.3 at a.test, 1.2 at b.test', { near: 'a', far: 'b', asking: NEW, serving: COMMON }],
];
