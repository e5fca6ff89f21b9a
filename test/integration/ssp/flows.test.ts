// Two servers over TLS: what their users do with each other (ssp.md section 16).

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { simple } from '../../../src/wv/presence.ts';
import { twoHouses, type TwoHouses } from '../../support/ssp/two-houses.ts';

let houses: TwoHouses;

beforeAll(async () => {
  houses = await twoHouses();
}, 30_000);

afterAll(() => houses.close());

describe('messages', () => {
  it('arrive, and are reported when the client has them', async () => {
    const { user: ann, client: a } = await houses.a.somebody('ann');
    const { user: bea, client: b } = await houses.b.somebody('bea');
    const [message, report] = [b.next('message'), a.next('report')];
    const sent = await a.sendMessage({ to: { user: bea }, content: 'Grüße <&> 😀', deliveryReport: true });
    expect(await message).toMatchObject({ id: sent.id, from: { user: ann }, text: 'Grüße <&> 😀' });
    expect(await report).toMatchObject({ outcome: { code: 200 }, message: { id: sent.id } });
  });

  it('for nobody are reported as such, though no report was asked for', async () => {
    const { client: a } = await houses.a.somebody('ann');
    const report = a.next('report');
    const sent = await a.sendMessage({ to: { user: 'wv:nobody@b.test' }, content: 'hello?' });
    expect(await report).toMatchObject({ outcome: { code: 531 }, message: { id: sent.id } });
  });
});

describe('presence', () => {
  it('is asked for, granted, and told', async () => {
    const { user: ann, client: a } = await houses.a.somebody('ann');
    const { user: bea, client: b } = await houses.b.somebody('bea');
    const asked = b.next('authorization');
    await a.subscribe({ users: [bea], attributes: ['OnlineStatus', 'StatusText'] });
    expect((await asked).user).toBe(ann);
    const seen = a.next('presence', ({ attributes }) => attributes.StatusText?.value === 'on the train');
    await b.answerAuthorization(ann, true);
    await b.updatePresence({ StatusText: simple('on the train') });
    expect(await seen).toMatchObject({ user: bea });
  });
});
