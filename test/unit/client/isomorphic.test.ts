// The client must run in a browser: nothing that it imports, directly or not, may be of Node.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const IMPORT = /^(?:import|export)\s+(?!type\b)[^;]*?from\s+'([^']+)'/gm;

/** Every module that `entry` loads at run time. */
function loaded(entry: URL, seen = new Map<string, string[]>()): Map<string, string[]> {
  if (seen.has(entry.pathname)) return seen;
  const imports = [...readFileSync(entry, 'utf8').matchAll(IMPORT)].map(([, specifier = '']) => specifier);
  seen.set(entry.pathname, imports);
  for (const specifier of imports) if (specifier.startsWith('.')) loaded(new URL(specifier, entry), seen);
  return seen;
}

describe('the client library', () => {
  const modules = loaded(new URL('../../../src/client/client.ts', import.meta.url));

  it('loads nothing of Node', () => {
    const foreign = [...modules].flatMap(([module, imports]) =>
      imports
        .filter((specifier) => !specifier.startsWith('.') && specifier !== 'saxes')
        .map((s) => `${module}: ${s}`),
    );
    expect(foreign).toEqual([]);
  });

  it('loads nothing of the server but vocabulary, schema and codecs', () => {
    const rooms = new Set(
      [...modules.keys()].map((module) => /src\/(wv|client|access\/csp\/[\w-]+)/.exec(module)?.[1]),
    );
    expect(rooms).toEqual(
      new Set([
        'access/csp/codec',
        'access/csp/dates',
        'access/csp/presence-sublist',
        'access/csp/schema',
        'client',
        'wv',
      ]),
    );
  });
});
