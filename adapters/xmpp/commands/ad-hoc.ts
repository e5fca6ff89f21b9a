// Ad-hoc commands (XEP-0050): the table of commands by forms. A command with arguments has two steps, and a session of
// one client between them.

import type { Incoming } from '../component-link.ts';
import { BoundedMap } from '../bounded-map.ts';
import type { StanzaError } from '../errors.ts';
import { bareJid } from '../jid.ts';
import { form, submitted } from '../muc-host/form.ts';
import { NS } from '../namespaces.ts';
import { xml } from '../xml.ts';
import type { XmlElement } from '../xml.ts';
import { isUnmappable } from '../addresses.ts';
import type { Asker, Command, Desk, Outcome } from './command.ts';
import { foundForm } from './search.ts';
import { offeredCommands } from './table.ts';

/** Sessions open at once, in all; the one unused for longest ends. */
const SESSIONS = 1_000;
const LIFE_MS = 600_000;

interface Session {
  readonly client: string;
  readonly command: Command;
  readonly expiresAt: number;
}

export type Answer = { readonly payload: XmlElement | undefined } | { readonly error: StanzaError };

export class AdHocCommands {
  readonly #desk: Desk;
  readonly #sessions = new BoundedMap<string, Session>(SESSIONS);

  constructor(desk: Desk) {
    this.#desk = desk;
  }

  get open(): number {
    return this.#sessions.size;
  }

  async execute(asker: Asker, from: Incoming['from'], payload: XmlElement): Promise<Answer> {
    const { node = '', action = 'execute', sessionid } = payload.attrs;
    const command = offeredCommands(this.#desk).find(({ name }) => name === node);
    if (command === undefined) return { error: { condition: 'item-not-found', type: 'cancel' } };
    const client = `${bareJid(from)}/${from.resource}`;
    if (sessionid === undefined) return await this.#begin(asker, client, command, action);
    const session = this.#sessions.get(sessionid);
    if (session === undefined || session.client !== client || session.command !== command)
      return wrong('bad-request', 'modify', 'bad-sessionid');
    if (session.expiresAt <= this.#desk.bridge.relay.clock.now()) {
      this.#sessions.delete(sessionid);
      return wrong('not-allowed', 'cancel', 'session-expired');
    }
    return await this.#goOn(asker, session, sessionid, payload);
  }

  async #begin(asker: Asker, client: string, command: Command, action: string): Promise<Answer> {
    if (action !== 'execute') return wrong('bad-request', 'modify', 'bad-action');
    const { ids, clock } = this.#desk.bridge.relay;
    const id = ids.random(18);
    if (command.args.length === 0)
      return this.#completed(command, id, await command.run(this.#desk, asker, () => ''));
    this.#sessions.set(id, { client, command, expiresAt: clock.now() + LIFE_MS });
    const actions = xml(NS.commands, 'actions', { execute: 'complete' }, xml(NS.commands, 'complete'));
    return answered(command, id, 'executing', actions, formOf(this.#desk, asker, command));
  }

  async #goOn(asker: Asker, session: Session, id: string, payload: XmlElement): Promise<Answer> {
    const { action = 'execute' } = payload.attrs;
    const { command } = session;
    if (action === 'cancel') {
      this.#sessions.delete(id);
      return answered(command, id, 'canceled');
    }
    if (action !== 'execute' && action !== 'complete') return wrong('bad-request', 'modify', 'bad-action');
    const values = submitted(payload);
    if (values === undefined) return wrong('bad-request', 'modify', 'bad-payload');
    const given = (name: string): string => (values.get(name) ?? '').trim();
    if (command.args.some(({ name, optional }) => optional !== true && given(name) === ''))
      return wrong('bad-request', 'modify', 'bad-payload');
    // Over before it runs: a repeat of the form does nothing twice.
    this.#sessions.delete(id);
    return this.#completed(command, id, await command.run(this.#desk, asker, given));
  }

  #completed(command: Command, id: string, { done, text, found = [] }: Outcome): Answer {
    const note = xml(NS.commands, 'note', { type: done ? 'info' : 'warn' }, text);
    const rows = found.flatMap(({ user, name }) => {
      const jid = this.#desk.bridge.codec.localJid(user);
      return isUnmappable(jid) ? [] : [{ jid, name }];
    });
    return answered(command, id, 'completed', note, rows.length === 0 ? undefined : foundForm(rows));
  }
}

function answered(
  { name }: Command,
  sessionid: string,
  state: 'executing' | 'completed' | 'canceled',
  ...children: readonly (XmlElement | undefined)[]
): Answer {
  return { payload: xml(NS.commands, 'command', { node: name, sessionid, status: state }, ...children) };
}

function wrong(condition: string, type: StanzaError['type'], detail: string): Answer {
  return { error: { condition, type, detail: xml(NS.commands, detail) } };
}

function formOf(desk: Desk, asker: Asker, { args, help, name }: Command): XmlElement {
  const fields = args.map(({ current, options, ...arg }) => ({
    ...arg,
    value: current?.(desk, asker) ?? '',
    ...(options === undefined ? {} : { options }),
  }));
  const built = form('form', `${NS.commands}#${name}`, fields);
  const head = [xml(NS.dataForm, 'title', {}, name), xml(NS.dataForm, 'instructions', {}, help)];
  return { ...built, children: [...head, ...built.children] };
}

/** The commands, as items of their node (XEP-0050 section 2.2). */
export function commandItems(desk: Desk): readonly XmlElement[] {
  const jid = desk.bridge.settings.componentDomain;
  return offeredCommands(desk).map(({ name, help }) =>
    xml(NS.discoItems, 'item', { jid, node: name, name: `${name}: ${help}` }),
  );
}

/** What a node is: the list of commands, or one of them. Undefined = neither. */
export function commandInfo(desk: Desk, node: string): XmlElement | undefined {
  const list = node === NS.commands;
  const command = offeredCommands(desk).find(({ name }) => name === node);
  if (!list && command === undefined) return undefined;
  const identity = { category: 'automation', type: list ? 'command-list' : 'command-node', name: command?.name ?? 'Commands' }; // prettier-ignore
  const features = list ? [NS.commands] : [NS.commands, NS.dataForm];
  return xml(
    NS.discoInfo,
    'query',
    { node },
    xml(NS.discoInfo, 'identity', identity),
    ...features.map((feature) => xml(NS.discoInfo, 'feature', { var: feature })),
  );
}
