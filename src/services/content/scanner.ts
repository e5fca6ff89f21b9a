// The hook for a virus scanner: asked about every file before it is kept.

import { spawn } from 'node:child_process';
import { ContentError } from './errors.ts';

export type Verdict = { readonly clean: true } | { readonly clean: false; readonly found: string };

export interface Scanner {
  /** @throws ContentError `scanner` when it cannot be asked: such a file is refused too. */
  scan(path: string): Promise<Verdict>;
}

export const NO_SCANNER: Scanner = { scan: async () => ({ clean: true }) };

/** Of what the scanner prints, octets that are looked at. */
const MAX_OUTPUT = 4_096;

/**
 * A command that gets the path as its last argument, without a shell: exit code 0 = clean, 1 = infected (the last line
 * that it prints tells with what), anything else = it did not work. `clamdscan --no-summary --fdpass` is one.
 */
export function commandScanner(command: readonly string[], timeoutMs: number): Scanner {
  const [program = '', ...parameters] = command;
  return {
    scan: (path) =>
      new Promise((resolve, reject) => {
        const failed = (why: string, cause?: unknown) =>
          reject(new ContentError('scanner', `the scanner ${why}`, cause));
        const child = spawn(program, [...parameters, path], {
          stdio: ['ignore', 'pipe', 'ignore'],
          timeout: timeoutMs,
          killSignal: 'SIGKILL',
        });
        let output = '';
        child.stdout.setEncoding('utf8').on('data', (text: string) => {
          output = (output + text).slice(-MAX_OUTPUT);
        });
        child.once('error', (error) => failed('cannot be started', error));
        child.once('close', (code, signal) => {
          if (code === 0) resolve({ clean: true });
          else if (code === 1) resolve({ clean: false, found: finding(output, path) });
          else failed(signal === null ? `ended with code ${code}` : `was ended by ${signal} (timeout?)`);
        });
      }),
  };
}

function finding(output: string, path: string): string {
  const line = output.trim().split('\n').at(-1) ?? '';
  return line
    .replace(path, '')
    .replace(/^[:\s]+/, '')
    .slice(0, 200);
}
