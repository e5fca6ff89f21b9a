// What a benchmark ran on: times mean nothing without it.

import { execFileSync } from 'node:child_process';
import { statfsSync } from 'node:fs';
import { cpus, loadavg, release, tmpdir, totalmem } from 'node:os';

const TMPFS = 0x01_02_19_94;
const GIB = 2 ** 30;

export interface Machine {
  readonly description: string;
  readonly commit: string;
  readonly warnings: readonly string[];
}

export function machine(): Machine {
  const [first] = cpus();
  const { node, sqlite } = process.versions;
  const memory = Math.round(totalmem() / GIB);
  const parts = [
    `${cpus().length} × ${first?.model.trim() ?? 'unknown CPU'}`,
    `${memory} GiB`,
    `Node ${node}`,
    `SQLite ${sqlite ?? '?'}`,
    `Linux ${release()}`,
  ];
  return { description: parts.join(', '), commit: commit(), warnings: warnings() };
}

function commit(): string {
  const git = (...args: string[]) =>
    execFileSync('git', args, { encoding: 'utf8', cwd: import.meta.dirname }).trim();
  try {
    const changed = git('status', '--porcelain', '--', '../src', '../adapters') !== '';
    return git('rev-parse', '--short', 'HEAD') + (changed ? ' with uncommitted changes' : '');
  } catch {
    return 'no git here';
  }
}

function warnings(): string[] {
  const found: string[] = [];
  const [load = 0] = loadavg();
  if (load > 0.5) found.push(`Other programs were running (load ${load.toFixed(1)} at the start).`);
  if (statfsSync(tmpdir()).type === TMPFS) found.push('The databases were in memory (tmpfs), not on a disk.');
  return found;
}
