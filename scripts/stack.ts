// npm run stack up|down|restart|status: real Prosody, ejabberd and Synapse on loopback, for tests and the demo.
import { createInterface } from 'node:readline/promises';
import { parseArgs } from 'node:util';
import { restartServer, stackDown, stackStatus, stackUp, type StackOptions } from './stack/control.ts';
import type { StackDescription, XmppServer } from './stack/description.ts';
import { isServerName, SERVER_NAMES, type ServerName } from './stack/layout.ts';
import { streamProgress } from './stack/progress.ts';

const HELP = `Usage: npm run stack [--] COMMAND [options]

Real XMPP and Matrix servers on loopback, with all their files under data/stack.

  up        install what is missing, configure, start, wait until every server answers
  down      end the servers (only those that this command started)
  restart   down and up again
  status    what runs, and where it listens

  --only LIST   only these servers, with commas between: ${SERVER_NAMES.join(',')}
  --yes         do not ask before something is installed
  --help        this text

Installing takes root on Debian. The first "up" makes a Debian tree for Synapse where it cannot be
had otherwise (700 MB, some minutes); the next ones take seconds. data/stack/stack.json tells
programs what there is.

Exit status: 0 all is well, 1 an error, 2 a wrong command line, 3 some server is missing.
`;

const EXIT_WRONG_USE = 2;
const EXIT_SERVER_MISSING = 3;

const colour = (code: number, text: string): string =>
  process.stdout.isTTY ? `\u001b[${code}m${text}\u001b[0m` : text;
const green = (text: string): string => colour(32, text);
const red = (text: string): string => colour(31, text);
const say = (line: string): void => void process.stdout.write(`${line}\n`);

function xmppLine(name: string, server: XmppServer): string {
  const { host, c2sPort, componentPort, boshUrl, domain, components } = server;
  return [
    `${green(name)} ${server.version}  ${domain}  (process ${server.pid})`,
    `  clients    ${host}:${c2sPort}    BOSH ${boshUrl ?? 'none'}`,
    `  components ${host}:${componentPort}    ${components.main.domain}, ${components.test.domain}`,
    `  accounts   ${Object.keys(server.users).join(', ')}`,
  ].join('\n');
}

function summary(stack: StackDescription): string {
  const parts: string[] = [];
  if (stack.prosody !== undefined) parts.push(xmppLine('Prosody', stack.prosody));
  if (stack.ejabberd !== undefined) parts.push(xmppLine('ejabberd', stack.ejabberd));
  if (stack.synapse !== undefined) {
    const { version, serverName, pid, baseUrl, registrations, users } = stack.synapse;
    const services = Object.values(registrations).map(({ id, url }) => `${id} at ${url}`);
    parts.push(
      `${green('Synapse')} ${version}  ${serverName}  (process ${pid})\n` +
        `  clients    ${baseUrl}\n  services   ${services.join(', ')}\n` +
        `  accounts   ${Object.keys(users).join(', ')}`,
    );
  }
  for (const [name, reason] of Object.entries(stack.missing))
    parts.push(`${red(`${name} is missing`)}: ${reason}`);
  return parts.join('\n');
}

/** Questions come one at a time, however many servers want something. */
function terminalConsent(): (question: string) => Promise<boolean> {
  let turn: Promise<unknown> = Promise.resolve();
  const ask = async (question: string): Promise<boolean> => {
    const terminal = createInterface({ input: process.stdin, output: process.stderr });
    try {
      const answer = await terminal.question(`${question} [Y/n] `);
      return /^(?:y|yes|)$/iu.test(answer.trim());
    } finally {
      terminal.close();
    }
  };
  return (question) => {
    const answer = turn.then(() => ask(question));
    turn = answer.catch(() => undefined);
    return answer;
  };
}

async function up(options: StackOptions): Promise<number> {
  const started = performance.now();
  const stack = await stackUp(options);
  say(summary(stack));
  say(`Ready in ${((performance.now() - started) / 1000).toFixed(1)} s; described in data/stack/stack.json.`);
  const wanted = options.only ?? SERVER_NAMES;
  return wanted.some((name) => stack.missing[name] !== undefined) ? EXIT_SERVER_MISSING : 0;
}

async function status(): Promise<number> {
  for (const { name, state, pid, version } of await stackStatus()) {
    const word =
      state === 'running' ? green(state) : red(state === 'silent' ? 'runs but does not answer' : state);
    say(`${name.padEnd(9)} ${word}${pid === undefined ? '' : `  version ${version ?? '?'}, process ${pid}`}`);
  }
  return 0;
}

function parseServers(list: string | undefined): ServerName[] | undefined {
  if (list === undefined) return undefined;
  return list.split(',').map((word) => {
    const name = word.trim();
    if (isServerName(name)) return name;
    throw new TypeError(`no server is called "${name}"; there are ${SERVER_NAMES.join(', ')}`);
  });
}

function readCommandLine(): { command: string; options: StackOptions; help: boolean } {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { only: { type: 'string' }, yes: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
  });
  const only = parseServers(values.only);
  const options: StackOptions = {
    progress: streamProgress(process.stderr),
    ...(only === undefined ? {} : { only }),
    ...(process.stdin.isTTY && values.yes !== true ? { consent: terminalConsent() } : {}),
  };
  if (positionals.length > 1) throw new TypeError(`one command at a time, not ${positionals.join(' ')}`);
  return { command: positionals[0] ?? '', options, help: values.help === true };
}

async function run(command: string, options: StackOptions): Promise<number> {
  switch (command) {
    case 'up':
      return await up(options);
    case 'status':
      return await status();
    case 'down': {
      const ended = await stackDown(options);
      say(ended.length === 0 ? 'Nothing was running.' : `Ended: ${ended.join(', ')}.`);
      return 0;
    }
    case 'restart':
      for (const name of options.only ?? SERVER_NAMES) await restartServer(name, options.progress);
      return 0;
    default:
      process.stderr.write(
        `${command === '' ? 'Which command?' : `There is no command "${command}".`}\n\n${HELP}`,
      );
      return EXIT_WRONG_USE;
  }
}

// An interrupted run takes back what it must (see the "exit" listeners in stack/).
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

try {
  const { command, options, help } = readCommandLine();
  if (help) process.stdout.write(HELP);
  else process.exitCode = await run(command, options);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = error instanceof TypeError ? EXIT_WRONG_USE : 1;
}
