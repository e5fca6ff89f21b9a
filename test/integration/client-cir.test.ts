// The client's STCP channel against the server's.

import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { startStcp, type StcpListener } from '../../src/access/csp/cir/stcp.ts';
import type { CirConnection } from '../../src/client/cir.ts';
import { stcp } from '../../src/client/stcp.ts';
import { CountingMetrics, eventually, Sessions, SILENT_LOG, SteppingClock } from '../unit/cir/sockets.ts';

const cleanup: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const task of cleanup.splice(0).toReversed()) await task();
});

async function listen(sessions: Sessions): Promise<StcpListener> {
  const listener = await startStcp({
    host: '127.0.0.1',
    port: 0,
    directory: sessions,
    clock: new SteppingClock(),
    log: SILENT_LOG,
    metrics: new CountingMetrics(),
    limits: { pauseMs: 10 },
  });
  cleanup.push(() => listener.close());
  return listener;
}

function open(port: number, clock = new SteppingClock()): { connection: CirConnection; events: string[] } {
  const events: string[] = [];
  const connection = stcp({ clock }).open(
    { host: '127.0.0.1', port, sessionId: 's-1' },
    {
      called: () => events.push('called'),
      opened: () => events.push('opened'),
      lost: () => events.push('lost'),
    },
  );
  cleanup.push(() => connection.close());
  return { connection, events };
}

/** A server that says nothing unless told to. */
async function mute(): Promise<{ port: number; sockets: Socket[]; heard: string[]; server: Server }> {
  const sockets: Socket[] = [];
  const heard: string[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('data', (data) => heard.push(data.toString()));
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanup.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as { port: number }).port, sockets, heard, server };
}

describe("the client's STCP channel", () => {
  it('opens with HELO and hears calls', async () => {
    const sessions = new Sessions('s-1');
    const listener = await listen(sessions);
    const { events } = open(listener.address.port);
    await eventually(() => events.includes('opened'), 'open');
    sessions.channels.get('s-1')?.call('1.2', 'ck');
    await eventually(() => events.includes('called'), 'called');
    expect(events).toEqual(['opened', 'called']);
  });

  it('pings after a quarter of an hour and reconnects when no OK comes', async () => {
    const { port, sockets, heard } = await mute();
    const clock = new SteppingClock();
    const { events } = open(port, clock);
    await eventually(() => heard.join('') === 'HELO s-1\r\n', 'HELO');
    sockets[0]?.write('OK\r\n');
    await eventually(() => events.includes('opened'), 'open');
    clock.advance(900_000);
    await eventually(() => heard.join('').endsWith('PING\r\n'), 'PING');
    clock.advance(30_000);
    await eventually(() => events.includes('lost'), 'lost');
    clock.advance(3000);
    await eventually(() => sockets.length === 2, 'a new connection');
    await eventually(() => heard.join('').endsWith('PING\r\nHELO s-1\r\n'), 'HELO again');
    sockets[1]?.write('OK\r\nWVCI 1.2 ck\r\n');
    await eventually(() => events.length === 4, 'open and called again');
    expect(events).toEqual(['opened', 'lost', 'opened', 'called']);
  });

  it('waits three times as long before each further try', async () => {
    const { port, sockets } = await mute();
    const clock = new SteppingClock();
    const { events } = open(port, clock);
    for (const [tries, pause] of [3000, 9000, 27_000].entries()) {
      await eventually(() => sockets.length === tries + 1, 'connected');
      sockets[tries]?.destroy();
      await eventually(() => events.length === tries + 1, 'lost');
      clock.advance(pause - 1);
      expect(sockets).toHaveLength(tries + 1);
      clock.advance(1);
    }
    await eventually(() => sockets.length === 4, 'the fourth');
  });

  it('is silent after it was closed', async () => {
    const { port, sockets } = await mute();
    const clock = new SteppingClock();
    const { connection, events } = open(port, clock);
    await eventually(() => sockets.length === 1, 'connected');
    let ended = false;
    sockets[0]?.on('close', () => (ended = true));
    connection.close();
    await eventually(() => ended, 'closed');
    clock.advance(600_000);
    expect(events).toEqual([]);
    expect(sockets).toHaveLength(1);
  });
});
