// Chat with the gateway itself: each line is a command.

import type { Incoming } from '../component-link.ts';
import { elementsOf, childOf, textOf } from '../xml.ts';
import { NS } from '../namespaces.ts';
import type { Asker, Command, Desk, Outcome } from './command.ts';
import { failed } from './command.ts';
import { offeredCommands } from './table.ts';

/** Kinds of messages that a bot must not answer: to do so makes loops. */
const UNANSWERED: ReadonlySet<string> = new Set(['error', 'groupchat', 'headline']);
const QUIET: ReadonlySet<string> = new Set(['no-store', 'no-copy', 'no-permanent-store']);

/** The line to answer; undefined for what comes from a bot, a copy, a server, or says nothing. */
export function lineOf({ stanza: message, from }: Incoming): string | undefined {
  if (UNANSWERED.has(message.attrs['type'] ?? '') || from.local === '') return undefined;
  const quiet = elementsOf(message).some(
    ({ ns, name }) => (ns === NS.hints && QUIET.has(name)) || ns === NS.carbons || ns === NS.delay,
  );
  const line = textOf(childOf(message, 'body')).trim();
  return quiet || line === '' ? undefined : line;
}

/** Runs a line. Anything unknown is answered with the list of commands. */
export async function runLine(desk: Desk, asker: Asker, line: string): Promise<Outcome> {
  const [word, rest] = split(line);
  const command = offeredCommands(desk).find(({ name }) => name === word.toLowerCase());
  if (command === undefined) return { done: word.toLowerCase() === 'help', text: helpOf(desk) };
  const given = argumentsOf(command, rest);
  const missing = command.args.find(
    ({ name, optional }) => optional !== true && (given.get(name) ?? '') === '',
  );
  if (missing !== undefined) return failed(`Please say: ${usage(command)}`);
  return await command.run(desk, asker, (name) => given.get(name) ?? '');
}

function split(text: string): readonly [string, string] {
  const end = text.search(/\s/);
  return end < 0 ? [text, ''] : [text.slice(0, end), text.slice(end).trim()];
}

function argumentsOf({ args }: Command, line: string): ReadonlyMap<string, string> {
  const given = new Map<string, string>();
  let rest = line;
  for (const [index, { name }] of args.entries()) {
    const [first, more] = index === args.length - 1 ? [rest, ''] : split(rest);
    given.set(name, first);
    rest = more;
  }
  return given;
}

function usage({ name, args }: Command): string {
  const words = args.map((arg) =>
    arg.optional === true ? `[${arg.name.toUpperCase()}]` : arg.name.toUpperCase(),
  );
  return [name, ...words].join(' ');
}

function helpOf(desk: Desk): string {
  const lines = offeredCommands(desk).map((command) => `${usage(command)} – ${command.help}`);
  return ['I know these commands:', ...lines, 'help – says this'].join('\n');
}
