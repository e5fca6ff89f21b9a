// Events of every bridged kind with each of their fields missing, null or of another type: nothing is thrown, nothing
// holds up what comes after, and nothing crosses that nobody wrote.

import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { roomEvent } from '../../../adapters/matrix/events.ts';
import { relationOf } from '../../../adapters/matrix/relations.ts';
import { fileOf, quotedIn, textOf } from '../../../adapters/matrix/text.ts';
import { DAVE_ID, FakeScene, plain, ROOM } from '../../support/matrix-fake-scene.ts';
import type { PushedEvent } from '../../support/matrix-fake-scene.ts';

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** One good event of each kind. */
const GOOD: readonly { readonly [key: string]: Json }[] = [
  {
    type: 'm.room.message',
    content: {
      msgtype: 'm.image',
      body: 'cat',
      filename: 'cat.png',
      url: 'mxc://hs.test/none',
      info: { mimetype: 'image/png', size: 3 },
    },
  },
  {
    type: 'm.room.message',
    content: {
      msgtype: 'm.text',
      body: '',
      format: 'org.matrix.custom.html',
      formatted_body: '<b>x</b>',
      'm.relates_to': { rel_type: 'm.thread', event_id: '$a', 'm.in_reply_to': { event_id: '$b' } },
    },
  },
  {
    type: 'm.room.message',
    content: {
      msgtype: 'm.text',
      body: '* x',
      'm.new_content': { msgtype: 'm.text', body: 'x' },
      'm.relates_to': { rel_type: 'm.replace', event_id: '$a' },
    },
  },
  { type: 'm.room.message', content: { msgtype: 'm.location', body: 'here', geo_uri: 'geo:1,2' } },
  { type: 'm.sticker', content: { body: 'wave', url: 'mxc://hs.test/none', info: {} } },
  {
    type: 'm.reaction',
    content: { 'm.relates_to': { rel_type: 'm.annotation', event_id: '$a', key: '👍' } },
  },
  { type: 'm.room.redaction', redacts: '$a', content: { redacts: '$a', reason: 'x' } },
  {
    type: 'm.poll.start',
    content: {
      'm.text': [{ body: 'Tea?' }],
      'm.poll': { question: { 'm.text': [{ body: 'Tea?' }] }, answers: [{ 'm.text': [{ body: 'yes' }] }] },
    },
  },
  { type: 'm.poll.end', content: { 'm.text': [{ body: 'over' }] } },
  { type: 'm.room.tombstone', state_key: '', content: { replacement_room: '!other:hs.test' } },
];

const WRONG: readonly (Json | undefined)[] = [undefined, null, 7, '', 'x', [], [null], {}, { a: null }, true];

/** The value with each field, at any depth, replaced by each wrong one. */
function* broken(value: Json): Generator<Json> {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    const whole = Array.isArray(value) ? ([...value] as Json[]) : { ...value };
    const set = (changed: Json | undefined): Json =>
      Object.assign(structuredClone(whole), { [key]: changed }) as Json;
    for (const wrong of WRONG) yield set(wrong);
    for (const deeper of broken(inner as Json)) yield set(deeper);
  }
}

const CASES: readonly Json[] = GOOD.flatMap((good) => [...broken(good)]);

describe('malformed events', () => {
  const scene = new FakeScene({ splitText: 0 });
  beforeEach(() => scene.send('m0', plain('hello')));

  it('hold up nothing and cost one answer each at most', async () => {
    const events = CASES.map((made, index): PushedEvent => {
      const fields = typeof made === 'object' && made !== null ? made : {};
      return {
        room_id: ROOM,
        sender: DAVE_ID,
        origin_server_ts: Date.now(),
        ...fields,
        event_id: `$m${index}`,
      };
    });
    expect(events.length).toBeGreaterThan(500);
    await scene.push(...events.filter((event) => event['type'] !== 'm.room.tombstone'));
    await scene.push(scene.fromDave({ msgtype: 'm.text', body: 'the end' }));
    expect(scene.told().at(-1)).toBe('the end');
    expect(scene.told().every((text) => !/undefined|\[object|NaN|null/.test(text))).toBe(true);
    expect(scene.relay.metrics.counts.get('matrix_unhandled_total')).toBeUndefined();
  }, 60_000);

  it('that would end a chat end it, or do nothing', async () => {
    const [tombstone] = CASES.filter(
      (made) =>
        typeof made === 'object' && made !== null && 'type' in made && made['type'] === 'm.room.tombstone',
    );
    await scene.push({ ...scene.fromDave({}), ...(tombstone as object) });
    expect((await scene.send('m1', plain('hello'))).code).toBe(200);
  });
});

describe('what reads content', () => {
  it('takes any JSON', () => {
    const content = fc.dictionary(
      fc.constantFrom(
        'msgtype',
        'body',
        'url',
        'info',
        'm.relates_to',
        'm.poll',
        'm.text',
        'geo_uri',
        'filename',
      ),
      fc.oneof(fc.jsonValue(), fc.constantFrom('m.text', 'm.image', 'm.location', 'm.emote')),
    );
    const types = fc.constantFrom(...GOOD.map(({ type }) => type as string));
    fc.assert(
      fc.property(types, content, (type, fields) => {
        expect(typeof textOf(type, fields, 'Dave')).toBe('string');
        expect(typeof quotedIn(fields)).toBe('string');
        fileOf(type, fields);
        const event = roomEvent({ type, event_id: '$a', room_id: ROOM, sender: DAVE_ID, content: fields });
        if (event !== undefined) relationOf(event);
      }),
    );
  });
});
