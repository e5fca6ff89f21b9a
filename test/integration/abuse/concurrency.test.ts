// Many at once: log-ins, polls and confirmations of the same user and the same session.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { RememberedLog, watchForUncaught } from '../../support/abuse.ts';
import { android, digestFor } from '../../support/phone-messages.ts';
import { codeOf, drain, pollOnly, startScene, texts, type Scene } from '../../support/phone-scene.ts';
import { HABITS, type Heard, type Phone } from '../../support/phone.ts';

const PER_USER = 4;
const remembered = new RememberedLog();
let scene: Scene;
let checkUncaught: () => void;

beforeAll(async () => {
  checkUncaught = watchForUncaught();
  const config = { login: { userBurst: 1000, sourceBurst: 1000 }, session: { perUser: PER_USER } };
  scene = await startScene({ log: remembered.log, config });
});
afterEach(() => {
  scene.closePhones();
  expect(remembered.errors()).toEqual([]);
});
afterAll(async () => {
  await scene.stop();
  checkUncaught();
});

const times = <T>(count: number, make: (n: number) => T): T[] =>
  Array.from({ length: count }, (_, n) => make(n));

/** The same session on another connection. */
function beside(phone: Phone): Phone {
  const other = scene.phone(phone.habits);
  other.sessionId = phone.sessionId;
  return other;
}

async function sessionsOf(user: string): Promise<string[]> {
  const all = await scene.house.house.store.allSessions();
  return all.filter((session) => session.user === user).map(({ id }) => id);
}

async function alive(phones: readonly Phone[]): Promise<Phone[]> {
  const codes = await Promise.all(phones.map(async (phone) => codeOf(await phone.say(android.keepAlive()))));
  return phones.filter((_, index) => codes[index] === 200);
}

const messageIds = (heard: readonly Heard[]): string[] =>
  heard.flatMap(({ root }) => texts(root, 'MessageID'));

async function sendAll(from: string, to: string, count: number): Promise<void> {
  const sender = await scene.online(from, HABITS.android);
  for (let n = 0; n < count; n += 1) {
    expect(codeOf(await sender.say(android.sendMessage(from, to, `number ${n}`)))).toBe(200);
  }
}

/** 50 phones whose digest log-ins arrive at once: unlike those with passwords, they take no time to check. */
async function logInTogether(user: string, clientId: (n: number) => string): Promise<Phone[]> {
  const asked: (() => Promise<Phone>)[] = [];
  for (let n = 0; n < 50; n += 1) {
    const phone = scene.phone(HABITS.android);
    const own = (login: string) => login.replace('cookie_4', `cookie_${n}`);
    const challenge = await phone.say(own(android.loginChallenge(user, clientId(n))));
    const login = own(android.loginDigest(user, clientId(n), digestFor(challenge.content, 'sesame')));
    asked.push(async () => {
      expect(codeOf(await phone.say(login))).toBe(200);
      return phone;
    });
  }
  return Promise.all(asked.map((ask) => ask()));
}

describe('50 log-ins of one user at once', () => {
  it('with the same ClientID leave one session', async () => {
    const user = await scene.person();
    const left = await alive(await logInTogether(user, () => '<ClientID><URL>same</URL></ClientID>'));
    expect(left).toHaveLength(1);
    expect(await sessionsOf(user)).toEqual(left.map(({ sessionId }) => sessionId));
  });

  it('with as many ClientIDs leave as many sessions as one user may have', async () => {
    const user = await scene.person();
    const phones = await logInTogether(user, (n) => `<ClientID><URL>c${n}</URL></ClientID>`);
    expect(await alive(phones)).toHaveLength(PER_USER);
    expect(await sessionsOf(user)).toHaveLength(PER_USER);
  });
});

describe('one session, many requests at once', () => {
  it('polls hand out each message once', async () => {
    const [ann, bea] = await scene.people('ann', 'bea');
    await sendAll(ann, bea, 100);
    const phone = await scene.online(bea, HABITS.android);
    const heard = await Promise.all(times(130, () => pollOnly(beside(phone))));
    expect(messageIds(heard)).toHaveLength(100);
    expect(new Set(messageIds(heard)).size).toBe(100);
  });

  it('polls beside confirmations bring nothing that was confirmed', async () => {
    const [ann, bea] = await scene.people('ann', 'bea');
    await sendAll(ann, bea, 150);
    const phone = await scene.online(bea, HABITS.android);
    const seen: string[] = [];
    const one = async (): Promise<void> => {
      const own = beside(phone);
      for (let pending = [await pollOnly(own)]; pending.length > 0;) {
        seen.push(...messageIds(pending));
        pending = (await Promise.all(pending.map((heard) => own.acknowledge(heard)))).flat();
      }
    };
    await Promise.all(times(12, one));
    expect(seen).toHaveLength(150);
    expect(new Set(seen).size).toBe(150);
    expect(await drain(await scene.online(bea, HABITS.android))).toEqual([]);
  });

  it('a logout beside polls, sends and negotiations: answers for all, and the session stays ended', async () => {
    const [ann, bea] = await scene.people('ann', 'bea');
    await sendAll(ann, bea, 5);
    const phone = await scene.online(bea, HABITS.android);
    const requests = [
      android.capability(),
      android.service(),
      android.sendMessage(bea, ann, 'bye'),
      android.keepAlive(),
      android.updateStatus('1.2', 'AVAILABLE', 'going'),
      android.subscribe(bea.replace('@', '/friends@')),
    ];
    const asked = requests.map((request) => beside(phone).say(request));
    const polls = times(5, () => pollOnly(beside(phone)));
    const ended = beside(phone).say(android.logout());
    for (const heard of await Promise.all([...asked, ...polls, ended])) {
      expect(heard.status).toBe(200);
      expect(texts(heard.root, 'Code')).not.toContain('500');
    }
    expect(await sessionsOf(bea)).toEqual([]);
    expect(codeOf(await phone.say(android.keepAlive()))).toBe(604);
    expect(messageIds([await pollOnly(await scene.online(bea, HABITS.android))])).toHaveLength(1);
  });
});

describe('two clients of one user', () => {
  it('confirm the same message: once it counts, one report goes out, nobody sees it again', async () => {
    const [ann, bea] = await scene.people('ann', 'bea');
    const sender = await scene.online(ann, HABITS.android);
    const clients = await Promise.all(
      ['one', 'two'].map((id) =>
        scene.online(bea, HABITS.android, { clientId: `<ClientID><URL>${id}</URL></ClientID>` }),
      ),
    );
    const wanted = android.sendMessage(ann, bea, 'to both').replace('Report>F', 'Report>T');
    expect(codeOf(await sender.say(wanted))).toBe(200);
    const heard = await Promise.all(clients.map((client) => pollOnly(client)));
    expect(new Set(messageIds(heard)).size).toBe(1);
    const answers = await Promise.all(
      clients.map((client, index) => client.acknowledge(heard[index] as Heard)),
    );
    for (const answer of answers.flat()) expect(answer.status).toBe(200);
    const reports = (await drain(sender)).filter(({ name }) => name === 'DeliveryReport-Request');
    expect(reports).toHaveLength(1);
    for (const client of clients) expect(await drain(client)).toEqual([]);
  });
});
