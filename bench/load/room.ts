// A room in which one XMPP user speaks; a turn is over when everybody in it has what he said.

import { runPairs, type Pair } from './pairs.ts';
import { Phone, type Received } from './phone.ts';
import type { RoomTask } from './tasks.ts';
import { resourceOf } from './xmpp-roles.ts';
import { XmppStream } from './xmpp-stream.ts';

/** Who hears what is said in the room. */
interface Member {
  /** Resolves when this message has been heard. */
  hears(count: number): Promise<void>;
  close(): void;
}

const MUC = 'http://jabber.org/protocol/muc';
const FILLER =
  ' It is a quarter past ten, the train is late again, and the bells of the old town ring. See you?';
/** Held polls that may end without a message before the load fails. */
const PATIENCE = 3;

const mark = (count: number): string => String(count).padStart(8, '0');

async function login({ xmpp }: RoomTask, index: number, side: string): Promise<XmppStream> {
  const { host, port, domain, accounts } = xmpp;
  const account = accounts[index % accounts.length];
  if (account === undefined) throw new Error('the XMPP server has no load accounts');
  return XmppStream.login({ host, port, domain, ...account, resource: resourceOf(side, index) });
}

async function enter(stream: XmppStream, room: string, nick: string): Promise<void> {
  stream.write(`<presence xmlns='jabber:client' to='${room}/${nick}'><x xmlns='${MUC}'/></presence>`);
  // After the others in the room, oneself, and the history, comes the subject (XEP-0045 section 7.2).
  await stream.until('<subject');
}

async function client(task: RoomTask, index: number): Promise<Member> {
  const stream = await login(task, index, 'm');
  await enter(stream, task.room, `m${index}`);
  return {
    async hears(count) {
      while (!(await stream.until('</message>')).includes(`>${mark(count)} `));
    },
    close: () => stream.close(),
  };
}

async function phone(index: number, { port, group }: NonNullable<RoomTask['phones']>): Promise<Member> {
  const connection = await Phone.connectPatient(port);
  const own = await Phone.login(connection, index);
  await own.join(group);
  let last: Received | undefined;
  return {
    async hears(count) {
      let next = last === undefined ? undefined : await own.acknowledge(last);
      for (let polls = 0; next === undefined; polls += 1) {
        if (polls === PATIENCE) throw new Error('a message did not arrive');
        next = await own.poll();
      }
      last = next;
      if (next.mark !== mark(count)) throw new Error(`message ${next.mark} came in place of ${count}`);
    },
    close: () => connection.close(),
  };
}

async function speaker(task: RoomTask): Promise<XmppStream> {
  const stream = await login(task, 0, 'speaker');
  await enter(stream, task.room, 'Speaker');
  if (task.isMade) {
    const form = "<x xmlns='jabber:x:data' type='submit'/>";
    stream.write(
      `<iq xmlns='jabber:client' type='set' id='made' to='${task.room}'><query xmlns='${MUC}#owner'>${form}</query></iq>`,
    );
    await stream.until("id='made'");
  }
  return stream;
}

runPairs<RoomTask>(async (task) => {
  const stream = await speaker(task);
  const members: Member[] = [];
  for (let index = 0; index < task.members; index += 1)
    members.push(await (task.phones === undefined ? client(task, index) : phone(index, task.phones)));
  let count = 0;
  const everybody: Pair = {
    async turn() {
      count += 1;
      const id = `${process.pid}-${count}`;
      stream.write(
        `<message xmlns='jabber:client' type='groupchat' id='${id}' to='${task.room}'>` +
          `<body>${mark(count)}${FILLER}</body></message>`,
      );
      const reflected = (async () => {
        while (!(await stream.until('</message>')).includes(`>${mark(count)} `));
      })();
      await Promise.all([reflected, ...members.map((member) => member.hears(count))]);
    },
    close() {
      stream.close();
      for (const member of members) member.close();
    },
  };
  return [everybody];
});
