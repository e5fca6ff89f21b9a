// The WBXML codec against libwbxml (C): octets → tree and tree → octets, in one process each, best of seven rounds.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { isCodecError } from '../src/access/csp/codec/errors.ts';
import { decodeWbxml, encodeWbxml } from '../src/access/csp/codec/wbxml.ts';
import { decodeXml } from '../src/access/csp/codec/xml.ts';
import type { Element } from '../src/wv/element.ts';
import type { Row } from './row.ts';

const run = promisify(execFile);
const ROUNDS = 7;
const REPEATS = 20_000;
/** Enough for a look. */
export const FEW_REPEATS = 1_000;
const LIBRARY = 'libwbxml2.so.1';
const AIMS = { decode: '≤ 5 µs', encode: '≤ 3 µs' } as const;

const user = (name: string): string => `<User><UserID>wv:${name}@im.example</UserID></User>`;
const messageInfo =
  '<MessageInfo><MessageID>m-55</MessageID><ContentType>text/plain</ContentType><ContentEncoding>None</ContentEncoding>' +
  `<ContentSize>27</ContentSize><Recipient>${user('bea')}</Recipient><Sender>${user('ann')}</Sender>` +
  '<DateTime>20050612T101500Z</DateTime><Validity>600</Validity></MessageInfo>';
const attribute = (name: string, value: string): string =>
  `<${name}><Qualifier>T</Qualifier><PresenceValue>${value}</PresenceValue></${name}>`;

/** What phones and servers exchange most, in 1.1, which libwbxml knows best. */
const CONTENTS: Readonly<Record<string, string>> = {
  Status: '<Status><Result><Code>200</Code><Description>Success</Description></Result></Status>',
  Login:
    '<Login-Request><UserID>wv:ann@im.example</UserID><ClientID><URL>http://phone.example/ua</URL></ClientID>' +
    '<Password>sesame</Password><TimeToLive>3600</TimeToLive><SessionCookie>ck-4711</SessionCookie></Login-Request>',
  NewMessage: `<NewMessage>${messageInfo}<ContentData>Shall we meet at the bells?</ContentData></NewMessage>`,
  SendMessage:
    `<SendMessage-Request><DeliveryReport>T</DeliveryReport>${messageInfo.replace('<MessageID>m-55</MessageID>', '')}` +
    '<ContentData>Shall we meet at the bells?</ContentData></SendMessage-Request>',
  PresenceNotification:
    '<PresenceNotification-Request><Presence><UserID>wv:bea@im.example</UserID>' +
    `<PresenceSubList xmlns="http://www.wireless-village.org/PA1.1">${attribute('OnlineStatus', 'T')}` +
    `${attribute('UserAvailability', 'AVAILABLE')}${attribute('StatusText', 'On the train')}` +
    '</PresenceSubList></Presence></PresenceNotification-Request>',
};

const envelope = (content: string): string =>
  '<WV-CSP-Message xmlns="http://www.wireless-village.org/CSP1.1"><Session><SessionDescriptor>' +
  '<SessionType>Inband</SessionType><SessionID>s-81f2c0</SessionID></SessionDescriptor><Transaction>' +
  '<TransactionDescriptor><TransactionMode>Request</TransactionMode><TransactionID>17</TransactionID>' +
  '<Poll>F</Poll></TransactionDescriptor><TransactionContent xmlns="http://www.wireless-village.org/TRC1.1">' +
  `${content}</TransactionContent></Transaction></Session></WV-CSP-Message>`;

function tree(content: string): Element {
  const decoded = decodeXml(new TextEncoder().encode(envelope(content)));
  if (isCodecError(decoded)) throw new TypeError(decoded.message);
  return decoded.root;
}

/** Best time of one call in microseconds. */
export function microseconds(call: () => unknown, repeats: number): number {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round += 1) {
    const start = performance.now();
    for (let count = 0; count < repeats; count += 1) call();
    best = Math.min(best, ((performance.now() - start) * 1000) / repeats);
  }
  return best;
}

interface Times {
  readonly decode: number;
  readonly encode: number;
}

/** The same two loops over libwbxml's own tree functions; its headers are not needed. */
const PROGRAM = `
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
typedef struct { int version, keep_blanks, string_table, anonymous; } params_t;
int wbxml_tree_from_wbxml(unsigned char *, unsigned int, int, int, void **);
int wbxml_tree_to_wbxml(void *, unsigned char **, unsigned int *, params_t *);
void wbxml_tree_destroy(void *);
static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}
int main(int count, char **files) {
  for (int i = 1; i < count; i++) {
    static unsigned char octets[65536];
    FILE *file = fopen(files[i], "rb");
    unsigned length = fread(octets, 1, sizeof octets, file), written;
    params_t params = {3, 0, 0, 0};
    void *tree = NULL;
    unsigned char *out;
    double decode = 1e9, encode = 1e9, start, time;
    fclose(file);
    if (wbxml_tree_from_wbxml(octets, length, 0, 0, &tree) || wbxml_tree_to_wbxml(tree, &out, &written, &params)) return 1;
    free(out);
    for (int round = 0; round < ${ROUNDS}; round++) {
      start = now();
      for (int k = 0; k < REPEATS; k++) {
        void *one = NULL;
        wbxml_tree_from_wbxml(octets, length, 0, 0, &one);
        wbxml_tree_destroy(one);
      }
      if ((time = (now() - start) / REPEATS) < decode) decode = time;
      start = now();
      for (int k = 0; k < REPEATS; k++) {
        wbxml_tree_to_wbxml(tree, &out, &written, &params);
        free(out);
      }
      if ((time = (now() - start) / REPEATS) < encode) encode = time;
    }
    printf("%f %f\\n", decode, encode);
    wbxml_tree_destroy(tree);
  }
  return 0;
}
`;

/** libwbxml's times for the documents, or why there are none. */
async function libraryTimes(
  documents: readonly Uint8Array[],
  repeats: number,
): Promise<readonly Times[] | string> {
  const directory = await mkdtemp(join(tmpdir(), 'wvgate-bench-'));
  try {
    const source = join(directory, 'loop.c');
    const program = join(directory, 'loop');
    await writeFile(source, PROGRAM);
    await run('cc', ['-O2', `-DREPEATS=${repeats}`, '-o', program, source, `-l:${LIBRARY}`]);
    const files = documents.map((_, index) => join(directory, `${index}.wbxml`));
    await Promise.all(files.map((file, index) => writeFile(file, documents[index]!)));
    const { stdout } = await run(program, files);
    return stdout
      .trim()
      .split('\n')
      .map((line) => {
        const [decode = 0, encode = 0] = line.split(' ').map(Number);
        return { decode, encode };
      });
  } catch (error) {
    return error instanceof Error ? (error.message.split('\n', 1)[0] ?? '') : String(error);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function row(what: string, kind: keyof Times, ours: number, theirs: Times | string | undefined): Row {
  const measured = { what: `WBXML ${kind} ${what}`, ours, unit: 'µs', aim: AIMS[kind] };
  if (theirs === undefined || typeof theirs === 'string') {
    return { ...measured, remark: `no libwbxml: ${theirs ?? 'no time'}` };
  }
  return { ...measured, reference: { name: 'libwbxml (C)', value: theirs[kind] } };
}

/** Two rows a message. Without a C compiler or libwbxml the reference is left out and the reason is told. */
export async function benchCodec(repeats = REPEATS): Promise<Row[]> {
  const names = Object.keys(CONTENTS);
  const trees = Object.values(CONTENTS).map(tree);
  const documents = trees.map((root) => encodeWbxml(root, '1.1'));
  const theirs = await libraryTimes(documents, repeats);
  // Every message goes through both loops once before any is timed, so that none pays for the compiler.
  for (const [index, root] of trees.entries()) {
    microseconds(() => decodeWbxml(documents[index]!), repeats);
    microseconds(() => encodeWbxml(root, '1.1'), repeats);
  }
  return names.flatMap((name, index) => {
    const reference = typeof theirs === 'string' ? theirs : theirs[index];
    const decode = microseconds(() => decodeWbxml(documents[index]!), repeats);
    const encode = microseconds(() => encodeWbxml(trees[index]!, '1.1'), repeats);
    return [row(name, 'decode', decode, reference), row(name, 'encode', encode, reference)];
  });
}
