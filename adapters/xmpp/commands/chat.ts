// Chat with the gateway itself: each line is a command.

import type { Incoming } from '../component-link.ts';
import { elementsOf, childOf, textOf } from '../xml.ts';
import { NS } from '../namespaces.ts';
import { runLine as runCommandLine } from '../../bridging/commands.ts';
import type { Asker, Desk, Outcome } from './command.ts';
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

/** Runs a line of the gateway's own commands. */
export function runLine(desk: Desk, asker: Asker, line: string): Promise<Outcome> {
  return runCommandLine(offeredCommands(desk), desk, asker, line);
}
