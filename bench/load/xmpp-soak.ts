// People on phones and people at XMPP clients who do everything that passes the gateway, round after round.

import { NS } from '../../adapters/xmpp/namespaces.ts';
import type { XmppServer } from '../../scripts/stack/description.ts';
import { mucDomain } from '../../scripts/stack/layout.ts';
import { WvClient } from '../../src/client/client.ts';
import { stcp } from '../../src/client/stcp.ts';
import { simple } from '../../src/wv/presence.ts';
import { bodyText, XmppUser } from '../../test/support/xmpp-user.ts';
import { answering } from '../answering.ts';
import { GROUP, PASSWORD, userAddress, userName } from './tasks.ts';

export interface SoakTask {
  readonly port: number;
  readonly server: XmppServer;
  /** Phones u0 …, each with an XMPP account of its own. */
  readonly pairs: number;
}

const DEADLINE_MS = 20_000;
const SHOWN = ['OnlineStatus', 'UserAvailability', 'StatusText'] as const;
/** Changes of presence of either side in a round, of which the last must arrive. */
const FLAPS = 5;

/** One on a phone, one at an XMPP client. */
interface Couple {
  readonly index: number;
  readonly phone: WvClient;
  readonly user: XmppUser;
  /** The phone's user as the XMPP user writes him. */
  readonly jid: string;
  /** The XMPP user as the phone writes him. */
  readonly address: string;
}

let couples: readonly Couple[] = [];
let server: XmppServer;
let round = 0;

async function couple({ port, pairs, server: at }: SoakTask, index: number): Promise<Couple> {
  const phone = new WvClient({
    url: `http://127.0.0.1:${port}/`,
    user: userAddress(index),
    password: PASSWORD,
    version: '1.2',
    pollSeconds: 0,
    cirPollSeconds: 0,
    cir: stcp({ reconnectMs: 100 }),
  });
  await phone.connect();
  await phone.createAttributeList(SHOWN, { isDefault: true });
  await phone.groups.join(GROUP, { screenName: `Phone${index}` });
  const names = Object.keys(at.users).filter((name) => name.startsWith('load'));
  const name = names[index % Math.min(pairs, names.length)] ?? '';
  const user = await XmppUser.login(at, name, `soak${index}`, '');
  const jid = `${userName(index)}@${at.components.main.domain}`;
  const one: Couple = { index, phone, user, jid, address: `wv:${name}@${at.domain}` };
  await meet(one);
  return one;
}

/** Each sees the other's presence. What the XMPP server remembers of an earlier run is undone first. */
async function meet({ phone, user, jid, address }: Couple): Promise<void> {
  await user.send(`<presence type="unsubscribed" to="${jid}"/><presence type="unsubscribe" to="${jid}"/>`);
  // The answer comes from the gateway, which has read all that by then.
  await user.asks(jid, 'get', '<ping xmlns="urn:xmpp:ping"/>');
  await phone.subscribe({ users: [address], attributes: SHOWN });
  await user.seesPresence(jid, 'subscribe');
  await user.send(`<presence type="subscribed" to="${jid}"/><presence type="subscribe" to="${jid}"/>`);
  await user.seesPresence(jid, 'subscribed');
}

async function talk({ phone, user, jid, address }: Couple, text: string): Promise<void> {
  const heard = phone.next('message', (message) => message.text === text, DEADLINE_MS);
  await user.send(`<message type="chat" id="${text}" to="${jid}"><body>${text}</body></message>`);
  await heard;
  await phone.sendMessage({ to: { user: address }, content: `re ${text}` });
  await user.seesMessage(`re ${text}`);
}

async function flap({ phone, user, address }: Couple, text: string): Promise<void> {
  const seen = phone.next(
    'presence',
    ({ user: whose, attributes }) => whose === address && attributes.StatusText?.value === `${text} ${FLAPS}`,
    DEADLINE_MS,
  );
  for (let count = 1; count <= FLAPS; count += 1)
    await user.send(
      `<presence><show>${count % 2 === 0 ? 'away' : 'dnd'}</show><status>${text} ${count}</status></presence>`,
    );
  await seen;
  for (let count = 1; count <= FLAPS; count += 1)
    await phone.updatePresence({ OnlineStatus: simple('T'), StatusText: simple(`${text} ${count}`) });
  await user.sees('the last status', (stanza) => JSON.stringify(stanza).includes(`"${text} ${FLAPS}"`));
}

/** The XMPP user comes into the phones' group, and goes. */
async function visitGroup({ index, phone, user }: Couple, text: string): Promise<void> {
  const room = `${userName(0)}\\2fcrowd@${server.components.main.groups}`;
  const occupant = `${room}/Guest${index}`;
  await user.send(`<presence to="${occupant}"><x xmlns="${NS.muc}"/></presence>`);
  await user.sees('himself in the group', ({ attrs }) => attrs['from'] === occupant);
  const heard = phone.next('message', (message) => message.text === `group ${text}`, DEADLINE_MS);
  await user.send(
    `<message type="groupchat" id="g${text}" to="${room}"><body>group ${text}</body></message>`,
  );
  await heard;
  await user.send(`<presence type="unavailable" to="${occupant}"/>`);
  await user.sees(
    'himself out of the group',
    ({ attrs }) => attrs['from'] === occupant && attrs['type'] === 'unavailable',
  );
}

/** The phone comes into a room of the XMPP server, and goes. */
async function visitRoom({ index, phone, user }: Couple, text: string): Promise<void> {
  const local = `soak-${process.pid}-${index}-${round}`;
  const [room, group] = [`${local}@${mucDomain(server.domain)}`, `wv:/${local}@${mucDomain(server.domain)}`];
  await user.send(`<presence to="${room}/Host"><x xmlns="${NS.muc}"/></presence>`);
  await user.sees('the room', ({ attrs }) => attrs['from'] === `${room}/Host`);
  await user.asks(
    room,
    'set',
    `<query xmlns="${NS.mucOwner}"><x xmlns="${NS.dataForm}" type="submit"/></query>`,
  );
  await phone.groups.join(group, { screenName: 'Phone' });
  const heard = phone.next('message', (message) => message.text === `room ${text}`, DEADLINE_MS);
  await user.send(`<message type="groupchat" id="r${text}" to="${room}"><body>room ${text}</body></message>`);
  await heard;
  await phone.sendMessage({ to: { group }, content: `out ${text}` });
  await user.sees('what the phone says', (stanza) => bodyText(stanza) === `out ${text}`);
  await phone.groups.leave(group);
  await user.sees(
    'the phone go',
    ({ attrs }) => attrs['from'] === `${room}/Phone` && attrs['type'] === 'unavailable',
  );
  await user.send(`<presence type="unavailable" to="${room}/Host"/>`);
}

/** The XMPP user stops watching the phone's user, and begins again. */
async function resubscribe({ user, jid }: Couple): Promise<void> {
  user.received.length = 0;
  await user.send(`<presence type="unsubscribe" to="${jid}"/>`);
  await user.send(`<presence type="subscribe" to="${jid}"/>`);
  await user.seesPresence(jid, 'subscribed');
}

async function live(one: Couple): Promise<void> {
  const text = `${round}.${one.index}`;
  await talk(one, text);
  await flap(one, text);
  await visitGroup(one, text);
  await visitRoom(one, text);
  if (round % 4 === 0) await resubscribe(one);
  one.user.received.length = 0;
}

async function start(task: SoakTask): Promise<void> {
  server = task.server;
  couples = await Promise.all(Array.from({ length: task.pairs }, (_, index) => couple(task, index)));
}

async function rounds(count: number): Promise<void> {
  for (let done = 0; done < count; done += 1) {
    round += 1;
    await Promise.all(couples.map(live));
  }
}

async function leave(): Promise<void> {
  await Promise.all(couples.map(({ phone, user }) => Promise.all([phone.logout(), user.logout()])));
}

answering({ start, rounds }, leave);
