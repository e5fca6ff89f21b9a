// The XMPP servers of the test stack as references: brought up once, when the first benchmark asks.

import { stackDown, stackStatus, stackUp } from '../scripts/stack/control.ts';
import type { XmppServer } from '../scripts/stack/description.ts';

export interface XmppReference {
  readonly name: 'Prosody' | 'ejabberd';
  readonly server: XmppServer | undefined;
  /** Why there is none. */
  readonly missing: string;
}

export interface XmppReferences {
  readonly prosody: XmppReference;
  readonly ejabberd: XmppReference;
}

const NAMES = ['prosody', 'ejabberd'] as const;

let references: Promise<XmppReferences> | undefined;
/** Those that ran already are somebody else's. */
let started: (typeof NAMES)[number][] = [];

/** Nothing is installed for a benchmark: what is not there is told as missing. */
export function xmppServers(): Promise<XmppReferences> {
  references ??= bringUp();
  return references;
}

/** Ends the servers that were started for the benchmark. */
export async function releaseXmppServers(): Promise<void> {
  if (started.length > 0) await stackDown({ only: started });
}

async function bringUp(): Promise<XmppReferences> {
  const before = await stackStatus();
  started = NAMES.filter((name) => before.every((each) => each.name !== name || each.state === 'stopped'));
  const stack = await stackUp({ only: NAMES, consent: () => Promise.resolve(false) });
  const why = (name: (typeof NAMES)[number]) => stack.missing[name] ?? 'not running';
  return {
    prosody: { name: 'Prosody', server: stack.prosody, missing: why('prosody') },
    ejabberd: { name: 'ejabberd', server: stack.ejabberd, missing: why('ejabberd') },
  };
}
