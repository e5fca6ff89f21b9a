// `npm run lint`: the linter with types (floating promises and more), the formatter's check, the type checker.

import { spawnSync } from 'node:child_process';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const STEPS: readonly (readonly [what: string, program: string, args: readonly string[]])[] = [
  ['types', 'tsc', ['-p', 'tsconfig.json']],
  ['lint', 'oxlint', ['--type-aware', '--deny-warnings', 'src', 'adapters', 'test', 'bench', 'scripts']],
  ['format', 'prettier', ['--check', '--log-level', 'warn', '.']],
  ['configuration reference', 'node', ['scripts/generate-config-reference.ts', '--check']],
];

let failed = 0;
for (const [what, program, args] of STEPS) {
  const started = Date.now();
  const { status } = spawnSync(resolve(root, 'node_modules/.bin', program), args, {
    cwd: root,
    stdio: 'inherit',
  });
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  process.stdout.write(`${status === 0 ? 'good' : 'BAD '}  ${what} (${seconds} s)\n`);
  if (status !== 0) failed++;
}
process.exitCode = failed === 0 ? 0 : 1;
