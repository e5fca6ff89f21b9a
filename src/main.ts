// The command line of wvgate.

import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AccountError } from './accounts.ts';
import { COMMANDS, UsageError, type Command } from './commands/index.ts';
import { ConfigError } from './config.ts';

export const PROJECT_ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');

const HELP = `wvgate: a Wireless Village / OMA IMPS server with gateways to XMPP and Matrix

Usage: wvgate <command> [options]

${Object.values(COMMANDS)
  .map((command: Command) => `  ${command.usage.padEnd(34)} ${command.summary}`)
  .join('\n')}

Options of all commands:
  --config FILE                      configuration (default: config/wvgate.yaml, else the quickstart one)
  --help                             this text; after a command: what it does

Examples:
  wvgate serve                       start the server
  wvgate user add ann                create wv:ann@<domain>, asks for the password
  wvgate registration --url http://127.0.0.1:9099 --server-name hs.example > registration.yaml
`;

async function run(argv: readonly string[]): Promise<number> {
  const [name, ...rest] = argv;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    process.stdout.write(HELP);
    return name === undefined ? 2 : 0;
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) throw new UsageError(`unknown command ${name}; wvgate --help lists them`);
  if (rest.includes('--help') || rest.includes('-h')) {
    process.stdout.write(`Usage: wvgate ${command.usage}\n\n${command.summary}\n${command.details ?? ''}`);
    return 0;
  }
  return command.run(rest, PROJECT_ROOT);
}

/** Mistakes of the operator are told in a line; everything else is a bug and keeps its stack. */
function explain(error: unknown): string {
  const known = error instanceof UsageError || error instanceof ConfigError || error instanceof AccountError;
  if (known || (error instanceof Error && error.name.endsWith('ConfigError')))
    return (error as Error).message;
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  if (code === 'EADDRINUSE') return `${(error as Error).message}: another program listens there already`;
  if (error instanceof Error && error.name === 'StoreError') return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

try {
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`wvgate: ${explain(error)}\n`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
