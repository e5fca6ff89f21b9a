// Certificates of two servers, on either leg (ir76.md S-09; ssp.md section 12).

import { afterEach, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { federation, type Federation, type HouseOptions } from '../../support/ssp/federation.ts';

type Two = Federation<'a' | 'b'>;

let open: Two | undefined;
afterEach(async () => {
  await open?.close();
  open = undefined;
}, 30_000);

async function two(a: HouseOptions, b: HouseOptions): Promise<Two> {
  open = await federation({ a: { untapped: true, ...a }, b: { untapped: true, ...b } });
  return open;
}

/** Ann of a.test has written to bea of b.test, and may wait for what bea gets. */
async function written({ houses }: Two) {
  const { client: a } = await houses.a.somebody('ann');
  const { user: bea, client: b } = await houses.b.somebody('bea');
  const there = b.next('message', undefined, 15_000);
  expect((await a.sendMessage({ to: { user: bea }, content: 'hello' })).outcome.code).toBe(200);
  return { there };
}

/** What the operator of a.test reads. */
async function trouble({ houses }: Two): Promise<string> {
  const reason = await eventually('a reason', async () => (await houses.a.peers())[0]?.lastError);
  expect((await houses.a.peers())[0]?.session).not.toBe('up');
  return reason;
}

it('one that has expired is not believed, and plain HTTP never tried (S-09)', async () => {
  const all = await two({}, { certificate: { expired: true } });
  await written(all);
  expect(await trouble(all)).toMatch(/expired/i);
  expect((await all.houses.b.peers())[0]?.session).toBe('down');
});

it('one of another domain is not believed', async () => {
  const all = await two({}, { certificate: { names: ['c.test', '127.0.0.1'] } });
  await written(all);
  expect(await trouble(all)).toContain('b.test');
});

it('client certificates of both domains let both in', async () => {
  const entry = { clientCertificate: true };
  const all = await two(
    { clientNames: ['a.test'], entries: { b: entry } },
    { clientNames: ['b.test'], entries: { a: entry } },
  );
  expect(await (await written(all)).there).toMatchObject({ text: 'hello' });
});

it.each<[string, HouseOptions]>([
  ['none', {}],
  ['one for another domain', { clientNames: ['c.test'] }],
])('who shows %s where one is wanted is refused with HTTP 403', async (_what, a) => {
  const all = await two(a, { asksForCertificates: true, entries: { a: { clientCertificate: true } } });
  await written(all);
  expect(await trouble(all)).toContain('HTTP 403');
});
