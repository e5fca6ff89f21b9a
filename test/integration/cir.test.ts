// CIR over real sockets: the STCP exchange of csp-transport 2.1 with the habits of real phones.

import { createSocket } from 'node:dgram';
import { afterEach, describe, expect, it } from 'vitest';
import { startStcp, type StcpLimits, type StcpListener } from '../../src/access/csp/cir/stcp.ts';
import { startSudp } from '../../src/access/csp/cir/udp.ts';
import {
  Caller,
  CountingMetrics,
  eventually,
  Sessions,
  SILENT_LOG,
  SteppingClock,
} from '../unit/cir/sockets.ts';

const callers: Caller[] = [];
let listener: StcpListener | undefined;

afterEach(async () => {
  for (const caller of callers.splice(0)) caller.socket.destroy();
  await listener?.close();
  listener = undefined;
});

interface House {
  sessions: Sessions;
  clock: SteppingClock;
  metrics: CountingMetrics;
  caller: () => Caller;
}

async function house(
  limits: Partial<StcpLimits> = {},
  sessions = new Sessions('s-1', 's-2'),
): Promise<House> {
  const clock = new SteppingClock();
  const metrics = new CountingMetrics();
  const started = await startStcp({
    host: '127.0.0.1',
    port: 0,
    directory: sessions,
    clock,
    log: SILENT_LOG,
    metrics,
    limits: { pauseMs: 20, ...limits },
  });
  listener = started;
  const caller = (): Caller => {
    const made = new Caller(started.address.port);
    callers.push(made);
    return made;
  };
  return { sessions, clock, metrics, caller };
}

describe('STCP', () => {
  it('answers HELO of a session with OK and calls it with WVCI in a segment of its own', async () => {
    const { sessions, caller } = await house();
    sessions.onAttach = (channel) => channel.call('1.2', 'ck-4711');
    const phone = caller();
    phone.say('HELO s-1\r\n');
    await phone.hears('OK\r\nWVCI 1.2 ck-4711\r\n');
    expect(phone.chunks).toEqual(['OK\r\n', 'WVCI 1.2 ck-4711\r\n']);
  });

  it.each(['PING\r\n', 'PING \r\n', 'ping\n'])(
    'answers %j with OK and keeps the session alive',
    async (ping) => {
      const { sessions, caller } = await house();
      const phone = caller();
      phone.say('HELO s-1\r\n');
      await phone.hears('OK\r\n');
      phone.say(ping);
      await phone.hears('OK\r\nOK\r\n');
      expect(sessions.events).toEqual(['attached s-1', 'touched s-1']);
    },
  );

  it('reads lines that arrive an octet at a time', async () => {
    const { caller } = await house();
    const phone = caller();
    for (const octet of 'HELO s-1\r\nPING\r\n') phone.say(octet);
    await phone.hears('OK\r\nOK\r\n');
  });

  it('reads several lines of one segment and ignores those it does not know', async () => {
    const { caller } = await house();
    const phone = caller();
    phone.say('NOOP\r\nPING\r\nHELO s-1\r\nEHLO there\r\n\r\nPING\r\n');
    await phone.hears('OK\r\nOK\r\n');
  });

  it('closes on an unknown session', async () => {
    const { sessions, caller } = await house();
    const phone = caller();
    phone.say('HELO nobody\r\n');
    await phone.isClosed();
    expect(phone.text).toBe('');
    expect(sessions.events).toEqual([]);
  });

  it('lets a new connection of a session replace the old one', async () => {
    const { sessions, caller } = await house();
    const first = caller();
    first.say('HELO s-1\r\n');
    await first.hears('OK\r\n');
    const second = caller();
    second.say('HELO s-1\r\n');
    await second.hears('OK\r\n');
    await first.isClosed();
    expect(sessions.events).toEqual(['attached s-1', 'attached s-1']);
    sessions.channels.get('s-1')?.call('1.1', 'c');
    await second.hears('OK\r\nWVCI 1.1 c\r\n');
  });

  it('takes a second HELO on the same connection', async () => {
    const { sessions, caller } = await house();
    const phone = caller();
    phone.say('HELO s-1\r\nHELO s-2\r\n');
    await phone.hears('OK\r\nOK\r\n');
    expect(sessions.events).toEqual(['attached s-1', 'touched s-1', 'detached s-1', 'attached s-2']);
  });

  it('tells the session when the connection is gone, but not when the session itself ended it', async () => {
    const { sessions, caller } = await house();
    const lost = caller();
    lost.say('HELO s-1\r\n');
    await lost.hears('OK\r\n');
    lost.socket.destroy();
    await eventually(() => sessions.events.includes('detached s-1'), 'the session hears of it');
    const ended = caller();
    ended.say('HELO s-2\r\n');
    await ended.hears('OK\r\n');
    sessions.channels.get('s-2')?.close();
    await ended.isClosed();
    expect(sessions.events).not.toContain('detached s-2');
  });

  it('merges calls that wait for their turn', async () => {
    const { sessions, caller } = await house({ pauseMs: 300 });
    const phone = caller();
    phone.say('HELO s-1\r\n');
    await phone.hears('OK\r\n');
    for (let i = 0; i < 5; i++) sessions.channels.get('s-1')?.call('1.2', 'c');
    phone.say('PING\r\n');
    await phone.hears('OK\r\nWVCI 1.2 c\r\nOK\r\n');
  });

  it('does not call with a cookie that would break the line', async () => {
    const { sessions, metrics, caller } = await house();
    const phone = caller();
    phone.say('HELO s-1\r\n');
    await phone.hears('OK\r\n');
    sessions.channels.get('s-1')?.call('1.2', 'a\r\nWVCI');
    expect(metrics.counts.get('cir_calls_total STCP cookie')).toBe(1);
  });

  it('closes on a line without end', async () => {
    const { caller } = await house();
    const phone = caller();
    phone.say('H'.repeat(1025));
    await phone.isClosed();
  });

  it('closes on a flood of pings', async () => {
    const { caller } = await house();
    const phone = caller();
    phone.say(`HELO s-1\r\n${'PING\r\n'.repeat(100)}`);
    await phone.isClosed();
  });

  it('closes a connection that says nothing within 30 s', async () => {
    const { metrics, clock, caller } = await house();
    const phone = caller();
    await eventually(() => metrics.counts.get('cir_connections') === 1, 'connected');
    clock.advance(40_000);
    await phone.isClosed();
  });

  it('closes a connection without HELO within 300 s, and not before', async () => {
    const { metrics, clock, caller } = await house();
    const phone = caller();
    phone.say('HEL');
    await eventually(() => metrics.counts.get('cir_connections') === 1, 'connected');
    phone.say('O there and back\r\n');
    const probe = caller();
    probe.say('HELO s-1\r\n');
    await probe.hears('OK\r\n');
    clock.advance(290_000);
    expect(metrics.counts.get('cir_connections')).toBe(2);
    clock.advance(20_000);
    await phone.isClosed();
    expect(metrics.counts.get('cir_connections')).toBe(1);
  });

  it('keeps a client that pings every 20 minutes, and drops one that stopped', async () => {
    const { clock, caller } = await house();
    const phone = caller();
    phone.say('HELO s-1\r\n');
    await phone.hears('OK\r\n');
    let heard = 'OK\r\n';
    for (let i = 0; i < 5; i++) {
      clock.advance(1_200_000);
      phone.say('PING \r\n');
      heard += 'OK\r\n';
      await phone.hears(heard);
    }
    clock.advance(4_000_000);
    await phone.isClosed();
  });

  it('bounds the connections of one address', async () => {
    const { metrics, caller } = await house({ maxPerAddress: 2 });
    const [a, b] = [caller(), caller()];
    a.say('HELO s-1\r\n');
    b.say('HELO s-2\r\n');
    await Promise.all([a.hears('OK\r\n'), b.hears('OK\r\n')]);
    const c = caller();
    await c.isClosed();
    expect(metrics.counts.get('cir_connections_refused_total address')).toBe(1);
    a.socket.destroy();
    await eventually(() => metrics.counts.get('cir_connections') === 1, 'one is gone');
    const d = caller();
    d.say('HELO s-1\r\n');
    await d.hears('OK\r\n');
  });
});

describe('SUDP', () => {
  it('sends one datagram a call', async () => {
    const heard: string[] = [];
    const phone = createSocket('udp4');
    await new Promise<void>((resolve) => phone.bind(0, '127.0.0.1', resolve));
    phone.on('message', (data) => heard.push(data.toString('latin1')));
    const sudp = startSudp({ log: SILENT_LOG, metrics: new CountingMetrics() });
    try {
      sudp.channel('127.0.0.1', phone.address().port).call('1.1', 'ck');
      await eventually(() => heard.length > 0, 'a datagram');
      expect(heard).toEqual(['WVCI 1.1 ck']);
    } finally {
      sudp.close();
      phone.close();
    }
  });
});

describe('WAPUDP', () => {
  it('sends one push a call, each under an id of its own; a cookie that does not fit is not sent', async () => {
    const heard: string[] = [];
    const phone = createSocket('udp4');
    await new Promise<void>((resolve) => phone.bind(0, '127.0.0.1', resolve));
    phone.on('message', (data) => heard.push(data.toString('hex')));
    const metrics = new CountingMetrics();
    const datagrams = startSudp({ log: SILENT_LOG, metrics });
    try {
      const channel = datagrams.pushChannel('127.0.0.1', phone.address().port);
      channel.call('1.2', 'two words');
      channel.call('1.2', 'ck');
      await eventually(() => heard.length === 1, 'a push');
      channel.call('1.2', 'ck');
      await eventually(() => heard.length === 2, 'another push');
      const text = Buffer.from('WVCI 1.2 ck').toString('hex');
      expect(heard).toEqual([`010603c6af8a${text}`, `020603c6af8a${text}`]);
    } finally {
      datagrams.close();
      phone.close();
    }
  });
});
