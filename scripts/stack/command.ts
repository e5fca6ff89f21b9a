// Runs a program to its end and keeps what it said.
import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';

export interface CommandOptions {
  readonly timeoutMs?: number;
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly uid?: number;
  readonly gid?: number;
  /** A file that gets all output as well, for long installations. */
  readonly logFile?: string;
}

export interface CommandResult {
  /** The exit status; -1 when the program could not be started, ended by a signal or timed out. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program failed that should not have. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}

const DEFAULT_TIMEOUT_MS = 60_000;
const ERROR_LINES = 8;

/** Runs a program to its end; a program that cannot be started is a status of -1, not an exception. */
export function tryCommand(
  program: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  return new Promise((resolve) => {
    const { timeoutMs = DEFAULT_TIMEOUT_MS, logFile, ...spawnOptions } = options;
    const log = logFile === undefined ? undefined : createWriteStream(logFile, { flags: 'a' });
    const child = spawn(program, args, {
      ...spawnOptions,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    // Not spawn's own timeout, which outlives a program that could not be started.
    const timer = setTimeout(() => child.kill('SIGTERM'), timeoutMs);
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      stdout += chunk;
      log?.write(chunk);
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      stderr += chunk;
      log?.write(chunk);
    });
    const finish = (status: number, message: string): void => {
      clearTimeout(timer);
      log?.end();
      resolve({ status, stdout, stderr: stderr + message });
    };
    child.on('error', (error) => finish(-1, error.message));
    child.on('close', (code, signal) => {
      finish(code ?? -1, code === null ? `ended by ${signal ?? 'a signal'}\n` : '');
    });
  });
}

/**
 * Runs a program to its end.
 *
 * @returns its standard output
 * @throws CommandError with the end of its output when its status is not 0
 */
export async function runCommand(
  program: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  const result = await tryCommand(program, args, options);
  if (result.status === 0) return result.stdout;
  const said = (result.stderr.trim() || result.stdout.trim()).split('\n').slice(-ERROR_LINES);
  throw new CommandError(
    `${program} ${args.slice(0, 3).join(' ')} failed (${result.status}): ${said.join('\n')}`,
  );
}
