// What a command of the command line is.

import { parseArgs, type ParseArgsOptionsConfig } from 'node:util';
import { findConfigFile, readConfig, type Config } from '../config.ts';

export interface Command {
  readonly usage: string;
  readonly summary: string;
  readonly details?: string;
  /** Resolves with the exit code. */
  readonly run: (args: readonly string[], projectRoot: string) => Promise<number>;
}

/** The command line itself is wrong: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** parseArgs whose complaints are usage errors. */
export function parseCommandLine<T extends ParseArgsOptionsConfig>(args: readonly string[], options: T) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error });
  }
}

export const CONFIG_OPTION = { config: { type: 'string' } } as const;

/** The configuration of `--config`, else the operator's, else the quickstart one. */
export function loadConfig(file: string | undefined, projectRoot: string): { config: Config; file: string } {
  const chosen = file ?? findConfigFile(projectRoot);
  return { config: readConfig(chosen), file: chosen };
}
