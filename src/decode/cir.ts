// Calls of the client (CIR): WVCI datagrams, the lines of the standing TCP connection, WAP pushes.
import type { Element } from '../wv/element.ts';
import { leaf, node } from '../wv/element.ts';
import { isPush } from './format.ts';
import type { Fault } from './report.ts';

export interface Calls {
  readonly tree: Element;
  readonly facts: readonly string[];
  readonly faults: readonly Fault[];
}

const MAX_LINES = 10_000;

/** Reads lines, or the lines of a push. Every line is shown, whatever it is. */
export function readCalls(octets: Uint8Array): Calls {
  const text = new TextDecoder('latin1').decode(octets);
  const push = isPush(octets, text);
  const start = push ? 3 + (octets[2] ?? 0) : 0;
  const lines = text
    .slice(start)
    .split(/\r?\n/)
    .filter((line) => line !== '')
    .slice(0, MAX_LINES);
  const faults: Fault[] = [];
  const children = lines.map((line, index) => {
    const path = `line ${index + 1}`;
    return lineOf(line, (message) => faults.push({ kind: 'value', path, message }));
  });
  const headers = [...octets.subarray(3, start)]
    .map((octet) => octet.toString(16).padStart(2, '0'))
    .join(' ');
  const facts = push ? [`WAP push ${octets[0] ?? 0}, headers ${headers}`] : [];
  if (push && octets[3] !== CIR_CONTENT_TYPE)
    faults.push({
      kind: 'value',
      path: '',
      message: 'the content type is not application/vnd.wv.csp.cir',
      offset: 3,
    });
  return { tree: node('CIR', children), facts, faults };
}

/** `application/vnd.wv.csp.cir` as a short integer of WSP. */
const CIR_CONTENT_TYPE = 0xc6;

type Tell = (message: string) => void;

function lineOf(line: string, tell: Tell): Element {
  const [word = '', ...parts] = line.trim().split(' ');
  switch (word.toUpperCase()) {
    case 'WVCI':
      return callOf(parts, tell);
    case 'HELO':
      if (parts.length !== 1 || parts[0] === '')
        tell('HELO is followed by the SessionID, and by nothing else');
      return node('HELO', [leaf('SessionID', parts.join(' '))]);
    case 'PING':
    case 'OK':
      if (parts.length > 0) tell(`${word} is followed by nothing`);
      return node(word.toUpperCase());
    default:
      tell('is no line of the protocol');
      return leaf('line', line);
  }
}

function callOf([version = '', ...cookie]: readonly string[], tell: Tell): Element {
  if (!/^1\.[123]$/.test(version)) tell(`version ${JSON.stringify(version)} is none of 1.1, 1.2 and 1.3`);
  if (cookie.length === 0) tell('the SessionCookie is missing');
  else if (cookie.length > 1)
    tell('phones split at blanks: the SessionCookie has some, or something follows it');
  return node('WVCI', [leaf('Version', version), leaf('SessionCookie', cookie.join(' '))]);
}
