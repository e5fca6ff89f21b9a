// Messages through the Matrix gateway, beside the least bridge that plain matrix-appservice-bridge makes. The homeserver
// is the scripted one, in this process: what is measured is the bridges' own time. Then the same with a homeserver that
// sometimes fails after success, and repeats transactions: what is lost, and what comes twice.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ConfigInput } from '../src/config.ts';
import { besideHomeserver, PREFIX, SERVER_NAME } from '../test/support/matrix/beside-homeserver.ts';
import type { ScriptedHomeserver } from '../test/support/matrix/homeserver.ts';
import type { Transaction } from '../test/support/matrix/pusher.ts';
import type { TimelineEvent } from '../test/support/matrix/rooms.ts';
import { Child, withChild } from './child.ts';
import { Phone, type Received } from './load/phone.ts';
import { userName } from './load/tasks.ts';
import type { EchoTask } from './matrix-echo-bridge.ts';
import { median, percentile } from './measure.ts';
import { withServer } from './messages.ts';
import { cpuOf } from './process-cost.ts';
import type { Findings, Row } from './row.ts';

export interface MatrixPlan {
  /** Chats with one message under way each. */
  readonly chats: number;
  /** Messages of each. */
  readonly messages: number;
  /** Transactions of 100 events that are timed. */
  readonly transactions: number;
}

export const MATRIX: MatrixPlan = { chats: 16, messages: 100, transactions: 50 };
/** For a look. */
export const A_LITTLE_MATRIX: MatrixPlan = { chats: 4, messages: 20, transactions: 10 };

const EVENTS = 100;
/** With a homeserver at its worst, every so many requests and transactions go wrong. */
const FAULTY = 10;
const PATIENCE_MS = 30_000;
const STEP_MS = 1;

interface Side {
  readonly cpu: number;
  readonly times: readonly number[];
}

interface Balance {
  readonly lost: number;
  readonly doubled: number;
}

async function until(what: string, look: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (!(await look())) {
    if (performance.now() > end) throw new Error(`it takes too long: ${what}`);
    await delay(STEP_MS);
  }
}

/** What ghosts say: how often each text. */
class Ear {
  readonly heard = new Map<string, number>();

  constructor({ rooms }: ScriptedHomeserver) {
    rooms.listeners.push((event) => this.#hear(event));
  }

  #hear({ type, sender, content }: TimelineEvent): void {
    if (type !== 'm.room.message' || !sender.startsWith(`@${PREFIX}`)) return;
    const mark = String(content['body']).split(' ')[0] ?? '';
    this.heard.set(mark, (this.heard.get(mark) ?? 0) + 1);
  }
}

/** Runs tasks side by side and says what they cost the process. */
async function timed(pid: number, count: number, tasks: readonly (() => Promise<number[]>)[]): Promise<Side> {
  const before = cpuOf(pid);
  const times = (await Promise.all(tasks.map((task) => task()))).flat();
  return { cpu: (cpuOf(pid) - before) / count, times };
}

async function repeated(times: number, turn: (at: number) => Promise<void>): Promise<number[]> {
  const taken: number[] = [];
  for (let at = 0; at < times; at += 1) {
    const begun = performance.now();
    await turn(at);
    taken.push(performance.now() - begun);
  }
  return taken;
}

/** A chat of one of Matrix with one of ours. */
class Chat {
  readonly room: string;
  readonly dave: string;
  readonly #homeserver: ScriptedHomeserver;
  #last: Received | undefined;
  #phone: Phone | undefined;

  constructor(homeserver: ScriptedHomeserver, index: number) {
    this.#homeserver = homeserver;
    this.dave = `@dave${index}:${SERVER_NAME}`;
    this.room = homeserver.rooms.create(this.dave, {}, [this.ghost(index)]);
  }

  ghost(index: number): string {
    return `@${PREFIX}${userName(index)}:${SERVER_NAME}`;
  }

  async open(index: number, port: number): Promise<void> {
    const { rooms } = this.#homeserver;
    await until('the ghost joins', () => rooms.members(this.room).get(this.ghost(index)) === 'join');
    this.#phone = await Phone.login(await Phone.connect(port), index);
    this.#phone.writeTo(index, `wv:dave${index}%40${SERVER_NAME}@matrix.wv.test`);
  }

  get phone(): Phone {
    if (this.#phone === undefined) throw new TypeError('nobody is logged in');
    return this.#phone;
  }

  say(body: string): void {
    this.#homeserver.rooms.send(this.room, this.dave, {
      type: 'm.room.message',
      content: { msgtype: 'm.text', body },
    });
  }

  /** What the phone gets next; confirms what it got before. */
  async hear(): Promise<string> {
    let next = this.#last === undefined ? undefined : await this.phone.acknowledge(this.#last);
    this.#last = undefined;
    const end = performance.now() + PATIENCE_MS;
    while (next === undefined) {
      if (performance.now() > end) throw new Error('a message did not arrive');
      await delay(STEP_MS);
      next = await this.phone.poll();
    }
    this.#last = next;
    return next.mark;
  }
}

const marked = (mark: string): string =>
  `${mark} It is a quarter past ten, the train is late again. See you?`;
const eight = (count: number): string => String(count).padStart(8, '0');

/** Sends that fail after success, transactions that come again. */
function worst(homeserver: ScriptedHomeserver): void {
  let sends = 0;
  let pushes = 0;
  homeserver.script = ({ name }) =>
    name === 'send' && (sends += 1) % FAULTY === 0 ? { status: 502, after: true } : undefined;
  homeserver.pusher.script = {
    mishap: (_, tries) => (tries === 0 && (pushes += 1) % FAULTY === 0 ? 'lost after' : undefined),
    again: (_, past): readonly Transaction[] => (pushes % FAULTY === 1 ? past.slice(-2) : []),
  };
}

function best(homeserver: ScriptedHomeserver): void {
  homeserver.script = () => undefined;
  homeserver.pusher.script = {};
}

interface Ours {
  readonly out: Side;
  readonly back: Side;
  readonly acknowledged: readonly number[];
  readonly balance: Balance;
}

async function measureOurs({ chats, messages, transactions }: MatrixPlan): Promise<Ours> {
  const folder = mkdtempSync(join(tmpdir(), 'wvgate-bench-matrix-'));
  const { homeserver, config } = await besideHomeserver(folder, { csp: 0, cir: 0, ops: 0 });
  try {
    return await withServer(
      { users: chats, matrix: config.matrix as ConfigInput['matrix'] },
      [],
      async (server, port) => {
        const all = Array.from({ length: chats }, (_, index) => new Chat(homeserver, index));
        await Promise.all(all.map((chat, index) => chat.open(index, port)));
        const send = (chat: Chat) => async (): Promise<void> => {
          // Marks count up in each phone: they are told apart by the room.
          const before = homeserver.rooms.timeline(chat.room).length;
          await chat.phone.send();
          await until('it is in the room', () => homeserver.rooms.timeline(chat.room).length > before);
        };
        const out = await timed(
          server.pid,
          chats * messages,
          all.map((chat) => () => repeated(messages, send(chat))),
        );
        let said = 0;
        const turn = (chat: Chat) => async (): Promise<void> => {
          const mark = eight((said += 1));
          chat.say(marked(mark));
          if ((await chat.hear()) !== mark) throw new Error('another message arrived');
        };
        const back = await timed(
          server.pid,
          chats * messages,
          all.map((chat) => () => repeated(messages, turn(chat))),
        );
        const acknowledged = await acknowledgements(homeserver, all, transactions);
        const balance = await balanceOfOurs(homeserver, all, messages);
        return { out, back, acknowledged, balance };
      },
    );
  } finally {
    homeserver.pusher.stop();
    await homeserver.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Transactions with events that have to be kept, of a room of which nobody hears. */
async function acknowledgements(
  homeserver: ScriptedHomeserver,
  chats: readonly Chat[],
  count: number,
): Promise<number[]> {
  return await repeated(count, async (at) => {
    const events = Array.from({ length: EVENTS }, (_, index) => ({
      type: 'm.room.message',
      event_id: `$ack-${at}-${index}`,
      room_id: `!elsewhere${index % 10}:${SERVER_NAME}`,
      sender: chats[0]?.dave,
      origin_server_ts: Date.now(),
      content: { msgtype: 'm.text', body: marked(eight(index)) },
    }));
    const status = await homeserver.pusher.deliver({ id: `ack-${at}`, events, ephemeral: [] });
    if (status !== 200) throw new Error(`a transaction was answered ${status}`);
  });
}

async function balanceOfOurs(
  homeserver: ScriptedHomeserver,
  chats: readonly Chat[],
  messages: number,
): Promise<Balance> {
  const said = (): number =>
    chats.reduce(
      (sum, chat) =>
        sum +
        homeserver.rooms
          .timeline(chat.room)
          .filter(({ type, sender }) => type === 'm.room.message' && sender !== chat.dave).length,
      0,
    );
  worst(homeserver);
  const before = said();
  await Promise.all(chats.map((chat) => repeated(messages, async () => void (await chat.phone.send()))));
  await until('all is in the rooms', () => said() >= before + chats.length * messages);
  const missing = before + chats.length * messages - said();
  const counts = new Map<string, number>();
  let count = 0;
  await Promise.all(
    chats.map(async (chat) => {
      const marks = Array.from({ length: messages }, () => eight((count += 1)));
      for (const mark of marks) chat.say(marked(mark));
      for (const _ of marks) {
        const mark = await chat.hear();
        counts.set(mark, (counts.get(mark) ?? 0) + 1);
      }
    }),
  );
  best(homeserver);
  const twice = [...counts.values()].filter((times) => times > 1).length;
  return { lost: Math.max(0, missing) + count - counts.size, doubled: Math.max(0, -missing) + twice };
}

interface Echo {
  readonly side: Side;
  readonly balance: Balance;
}

async function measureEcho({ chats, messages }: MatrixPlan): Promise<Echo> {
  const folder = mkdtempSync(join(tmpdir(), 'wvgate-bench-echo-'));
  const { homeserver, service } = await besideHomeserver(folder, { csp: 0, cir: 0, ops: 0 });
  const ghost = `@${PREFIX}${userName(0)}:${SERVER_NAME}`;
  try {
    return await withChild(Child.start('matrix-echo-bridge.ts'), async (bridge) => {
      const port = Number(new URL(service.url).port);
      const { asToken, hsToken } = service;
      const task: EchoTask = {
        homeserverUrl: homeserver.url,
        serverName: SERVER_NAME,
        port,
        asToken,
        hsToken,
        ghost,
      };
      await bridge.ask('start', task);
      const ear = new Ear(homeserver);
      const rooms = Array.from({ length: chats }, (_, at) => {
        const dave = `@dave${at}:${SERVER_NAME}`;
        const room = homeserver.rooms.create(dave, {}, [ghost]);
        homeserver.rooms.move(room, ghost, 'join');
        return { room, dave };
      });
      let said = 0;
      const say = ({ room, dave }: { room: string; dave: string }): string => {
        const mark = eight((said += 1));
        homeserver.rooms.send(room, dave, {
          type: 'm.room.message',
          content: { msgtype: 'm.text', body: marked(mark) },
        });
        return mark;
      };
      const turn = (place: { room: string; dave: string }) => async (): Promise<void> => {
        const mark = say(place);
        await until('the echo', () => ear.heard.has(mark));
      };
      const side = await timed(
        bridge.pid,
        chats * messages,
        rooms.map((place) => () => repeated(messages, turn(place))),
      );
      worst(homeserver);
      ear.heard.clear();
      const begun = said;
      for (let at = 0; at < messages; at += 1) {
        for (const place of rooms) say(place);
        await delay(STEP_MS);
      }
      await until('it is pushed', () => homeserver.pusher.idle);
      // What it tries again, it tries for some seconds.
      let before = -1;
      for (let now = ear.heard.size; now !== before; now = ear.heard.size) {
        before = now;
        await delay(5_000);
      }
      const late = [...ear.heard].filter(([mark]) => Number(mark) > begun);
      const doubled = late.filter(([, times]) => times > 1).length;
      return { side, balance: { lost: said - begun - late.length, doubled } };
    });
  } finally {
    homeserver.pusher.stop();
    await homeserver.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

export async function benchMatrix(plan: MatrixPlan): Promise<Findings> {
  const ours = await measureOurs(plan);
  const echo = await measureEcho(plan);
  const name = 'an echo on plain matrix-appservice-bridge, in and out, nothing on disk';
  const sideRows = (what: string, { cpu, times }: Side): Row[] => [
    { what: `${what}: our CPU`, ours: cpu, unit: 'µs', reference: { name, value: echo.side.cpu } },
    {
      what: `${what}: added, p50`,
      ours: median(times),
      unit: 'ms',
      reference: { name, value: median(echo.side.times) },
    },
    {
      what: `${what}: added, p99`,
      ours: percentile(times, 99),
      unit: 'ms',
      reference: { name, value: percentile(echo.side.times, 99) },
    },
  ];
  const total = plan.chats * plan.messages;
  const worstOf = 'Homeserver that fails after success, and repeats';
  return {
    rows: [
      ...sideRows('WV → Matrix message', ours.out),
      ...sideRows('Matrix → WV message', ours.back),
      {
        what: `Transaction of ${EVENTS} events on disk and answered, p50`,
        ours: median(ours.acknowledged),
        unit: 'ms',
        aim: '≤ 10',
      },
      {
        what: `Transaction of ${EVENTS} events on disk and answered, p99`,
        ours: percentile(ours.acknowledged, 99),
        unit: 'ms',
        aim: '≤ 10',
      },
      {
        what: `${worstOf}: lost of ${2 * total}, both ways`,
        ours: ours.balance.lost,
        unit: 'messages',
        aim: '≤ 0',
        reference: { name: `the echo, of ${total}`, value: echo.balance.lost },
      },
      {
        what: `${worstOf}: came twice`,
        ours: ours.balance.doubled,
        unit: 'messages',
        aim: '≤ 0',
        reference: { name: `the echo, of ${total}`, value: echo.balance.doubled },
      },
    ],
    notes: [
      `Matrix: ${plan.chats} chats with one message under way each, a scripted homeserver. Matrix → WV includes polls that find nothing, every ${STEP_MS} ms.`,
    ],
  };
}
