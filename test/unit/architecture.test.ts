// The direction of imports (design section 2): access → sap → services → store; everyone may use wv and ops/ports;
// adapters know wv and the relay's port only.

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');

function sources(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => join(folder, file));
}

function importsOf(file: string): string[] {
  const text = readFileSync(join(ROOT, file), 'utf8');
  const found = [...text.matchAll(/(?:from|import)\s+'(\.[^']+)'/g)].map(([, path = '']) => path);
  return found.map((path) => relative(ROOT, resolve(ROOT, dirname(file), path)));
}

/** Every room with what it may import of the project, besides itself. */
const ALLOWED: Readonly<Record<string, readonly RegExp[]>> = {
  'src/wv': [],
  'src/ops': [],
  'src/store': [/^src\/wv\//, /^src\/ops\/ports/],
  'src/services': [
    /^src\/wv\//,
    /^src\/ops\/ports/,
    /^src\/store\/(store|profiles|gateway-storage|content)\.ts/,
  ],
  'src/sap': [/^src\/wv\//, /^src\/ops\/ports/, /^src\/store\/[\w-]+\.ts/, /^src\/services\//],
  'src/access': [
    /^src\/wv\//,
    /^src\/ops\/ports/,
    /^src\/store\/store\.ts/,
    /^src\/services\//,
    /^src\/sap\//,
  ],
  'src/web': [
    /^src\/wv\//,
    /^src\/ops\/ports/,
    /^src\/store\/(store|profiles|content)\.ts/,
    /^src\/services\//,
    /^src\/sap\//,
  ],
  'src/client': [
    /^src\/wv\//,
    /^src\/ops\/(ports|clock)/,
    /^src\/access\/csp\/(codec|schema|presence-sublist|dates)/,
  ],
  'src/decode': [/^src\/wv\//, /^src\/access\/csp\/(codec|schema)/],
  adapters: [/^src\/wv\//, /^src\/ops\/ports/, /^src\/sap\/port\.ts/],
};

describe('rooms import only downwards', () => {
  for (const [room, allowed] of Object.entries(ALLOWED)) {
    it(room, () => {
      const violations = sources(room).flatMap((file) =>
        importsOf(file)
          .filter((path) => !path.startsWith(`${room}/`) && !allowed.some((pattern) => pattern.test(path)))
          .map((path) => `${file} imports ${path}`),
      );
      expect(violations).toEqual([]);
    });
  }
});
