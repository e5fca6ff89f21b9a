// Holds what the transcripts went through against what the specifications give each transaction.

import { existsIn } from '../../../src/access/csp/schema/lookup.ts';
import { TRANSACTIONS } from '../../../src/access/csp/transactions/index.ts';
import type { CspVersion } from '../../../src/wv/version.ts';
import { EXPECTED, type Expectation } from '../../transcripts/expected-codes.ts';
import { isServed, ROWS } from './conformance.ts';
import type { Coverage } from './coverage.ts';
import { BINDINGS, isNegotiable, type Binding } from './stage.ts';

/** `422@1.3` is a code of one version, `804` one of all. */
function codesIn({ sent }: Expectation, version: string): readonly string[] {
  return sent.split(' ').flatMap((word) => {
    const [code = '', ...versions] = word.split('@');
    return versions.length === 0 || versions.includes(version) ? [code] : [];
  });
}

/** Codes of every transaction that needs what they are about (csp-transactions section 0, rules 6 and 12). */
function generalCodes(name: string, version: CspVersion): readonly string[] {
  const handler = TRANSACTIONS[name];
  if (handler === undefined || handler.outband === true) return [];
  return ['604', ...(isNegotiable(handler, version) ? ['506'] : [])];
}

/** What is doubled, empty or left out, at any depth, is 400 or 402, as the schema has it. */
const STRUCTURE: readonly string[] = ['400', '402'];

interface Cell {
  readonly name: string;
  readonly binding: Binding;
  readonly expectation: Expectation;
  readonly codes: readonly string[];
}

function cells(coverage: Coverage): readonly Cell[] {
  return ROWS.flatMap(({ name }) => {
    const expectation = EXPECTED[name];
    if (expectation === undefined) return [];
    return BINDINGS.filter(({ version }) => existsIn(name, version)).map((binding) => ({
      name,
      binding,
      expectation,
      codes: coverage.codes(name, binding.name),
    }));
  });
}

/** Transactions that are served and that the table of expected codes does not have. */
export function unexpectedRows(): readonly string[] {
  return ROWS.filter(isServed)
    .map(({ name }) => name)
    .filter((name) => EXPECTED[name] === undefined);
}

/** Expected codes that no transcript saw, by transaction and binding. */
export function unseenCodes(coverage: Coverage): readonly string[] {
  return cells(coverage).flatMap(({ name, binding, expectation, codes }) => {
    const wanted = [...codesIn(expectation, binding.version), ...generalCodes(name, binding.version)];
    const missing = wanted.filter((code) => !codes.includes(code));
    return missing.length === 0 ? [] : [`${name} in ${binding.name}: ${missing.join(' ')}`];
  });
}

/** Codes that were seen and that the table neither expects nor knows: one of the two is wrong. */
export function unknownCodes(coverage: Coverage): readonly string[] {
  return cells(coverage).flatMap(({ name, binding, expectation, codes }) => {
    const known = new Set([
      'taken',
      ...codesIn(expectation, binding.version),
      ...generalCodes(name, binding.version),
      ...STRUCTURE,
    ]);
    const odd = codes.filter((code) => !known.has(code));
    return odd.length === 0 ? [] : [`${name} in ${binding.name}: ${odd.join(' ')}`];
  });
}
