// Test support: a small DNS server on loopback UDP that knows SRV records (RFC 1035, RFC 2782) and how to misbehave.

import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import type { AddressInfo } from 'node:net';
import type { SrvRecord } from '../../../src/access/ssp/srv.ts';

/** What is said about a name. `silent`: nothing at all. Names that are not in the zone do not exist. */
export type DnsAnswer = readonly SrvRecord[] | 'nxdomain' | 'nodata' | 'servfail' | 'refused' | 'silent';

const SRV = 33;
const IN = 1;
const TTL = 3_600;
/** Response, recursion desired and available. */
const FLAGS = 0x8180;
const CODES: Readonly<Record<string, number>> = { servfail: 2, nxdomain: 3, refused: 5 };
const HEADER = 12;
/** A pointer to the question's name, which follows the header. */
const QUESTION_NAME = 0xc000 + HEADER;

export class DnsServer {
  /** By full name: `_imps-server._tcp.operator-b.example`. */
  readonly zone = new Map<string, DnsAnswer>();
  /** Names asked for, repeats too. */
  readonly asked: string[] = [];
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('message', (question, from) => this.#serve(question, from));
  }

  static async start(): Promise<DnsServer> {
    const socket = createSocket('udp4');
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    return new DnsServer(socket);
  }

  /** `ip:port`, as in the configuration. */
  get address(): string {
    const { address, port }: AddressInfo = this.#socket.address();
    return `${address}:${port}`;
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#socket.close(resolve));
  }

  #serve(question: Buffer, from: RemoteInfo): void {
    const { name, end } = readName(question);
    this.asked.push(name);
    const answer = this.zone.get(name.toLowerCase()) ?? 'nxdomain';
    if (answer === 'silent') return;
    const records = typeof answer === 'string' ? [] : answer;
    const head = Buffer.alloc(HEADER);
    question.copy(head, 0, 0, 2);
    head.writeUInt16BE(FLAGS | (typeof answer === 'string' ? (CODES[answer] ?? 0) : 0), 2);
    head.writeUInt16BE(1, 4);
    head.writeUInt16BE(records.length, 6);
    // The name, its type and its class.
    const asked = question.subarray(HEADER, end + 4);
    this.#socket.send(Buffer.concat([head, asked, ...records.map(recordOctets)]), from.port, from.address);
  }
}

function readName(message: Buffer): { name: string; end: number } {
  const labels: string[] = [];
  let at = HEADER;
  for (let length = message.readUInt8(at); length > 0; length = message.readUInt8(at)) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.'), end: at + 1 };
}

function recordOctets({ target, port, priority, weight }: SrvRecord): Buffer {
  const name = nameOctets(target);
  const fixed = Buffer.alloc(18);
  fixed.writeUInt16BE(QUESTION_NAME, 0);
  fixed.writeUInt16BE(SRV, 2);
  fixed.writeUInt16BE(IN, 4);
  fixed.writeUInt32BE(TTL, 6);
  fixed.writeUInt16BE(6 + name.length, 10);
  fixed.writeUInt16BE(priority, 12);
  fixed.writeUInt16BE(weight, 14);
  fixed.writeUInt16BE(port, 16);
  return Buffer.concat([fixed, name]);
}

/** `.` is the root: no labels. */
function nameOctets(name: string): Buffer {
  const labels = name.split('.').filter((label) => label !== '');
  return Buffer.concat([
    ...labels.map((label) => Buffer.from([label.length, ...Buffer.from(label, 'latin1')])),
    Buffer.of(0),
  ]);
}
