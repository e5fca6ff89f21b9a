import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TransactionFace } from '../../../adapters/matrix/transactions.ts';
import type { PushedTransaction, TransactionTaker } from '../../../adapters/matrix/transactions.ts';
import { NotKnownNow } from '../../../src/sap/port.ts';
import { CountingMetrics, LinesLog, realClock } from '../../support/matrix-relay.ts';

const TOKEN = 'the-homeservers-token';

describe('the face towards the homeserver', () => {
  let face: TransactionFace;
  let log: LinesLog;
  let taken: PushedTransaction[];
  let take: () => Promise<boolean>;

  beforeEach(async () => {
    taken = [];
    take = () => Promise.resolve(true);
    log = new LinesLog();
    const taker: TransactionTaker = {
      take: (transaction) => {
        taken.push(transaction);
        return take();
      },
      userExists: (user) =>
        user === '@_imps_away:hs.example'
          ? Promise.reject(new NotKnownNow('away'))
          : Promise.resolve(user === '@_imps_alice:hs.example'),
    };
    face = new TransactionFace(TOKEN, taker, { log, metrics: new CountingMetrics(), clock: realClock });
    await face.listen(0, '127.0.0.1');
  });
  afterEach(() => face.close());

  async function ask(
    method: string,
    path: string,
    { body, token = TOKEN }: { body?: string; token?: string | undefined } = {},
  ): Promise<{ status: number; body: unknown }> {
    const response = await fetch(`http://127.0.0.1:${face.port}${path}`, {
      method,
      headers: token === '' ? {} : { authorization: `Bearer ${token}` },
      ...(body === undefined ? {} : { body }),
    });
    return { status: response.status, body: await response.json() };
  }

  const PATH = '/_matrix/app/v1/transactions/1';

  it('takes events, and ephemeral events under both of their names', async () => {
    const body = JSON.stringify({
      events: [{ type: 'a' }],
      ephemeral: [{ type: 'b' }],
      'de.sorunome.msc2409.ephemeral': [{ type: 'c' }],
    });
    expect(await ask('PUT', PATH, { body })).toEqual({ status: 200, body: {} });
    expect(taken).toEqual([{ events: [{ type: 'a' }], ephemeral: [{ type: 'b' }, { type: 'c' }] }]);
  });

  it('answers only after the events are on disk', async () => {
    let commit: (() => void) | undefined;
    take = () => new Promise((resolve) => (commit = () => resolve(true)));
    let isAnswered = false;
    const answer = ask('PUT', PATH, { body: '{"events":[]}' }).then((value) => {
      isAnswered = true;
      return value;
    });
    await expect.poll(() => taken.length).toBe(1);
    expect(isAnswered).toBe(false);
    commit?.();
    expect((await answer).status).toBe(200);
  });

  it('asks the homeserver to keep what cannot be taken now, and tells no details of a failure', async () => {
    take = () => Promise.resolve(false);
    expect((await ask('PUT', PATH, { body: '{}' })).status).toBe(503);
    take = () => Promise.reject(new Error('disk full'));
    const failed = await ask('PUT', PATH, { body: '{}' });
    expect(failed).toEqual({ status: 500, body: { errcode: 'M_UNKNOWN', error: 'internal error' } });
    expect(log.lines.at(-1)).toMatchObject({ level: 'error', fields: { error: 'disk full' } });
  });

  it('refuses a wrong token and a missing one, without looking at the body', async () => {
    const wrong = await ask('PUT', PATH, { body: '{"events":[]}', token: 'guess' });
    expect(wrong).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
    const missing = await ask('PUT', PATH, { body: '{"events":[]}', token: '' });
    expect(missing).toMatchObject({ status: 401, body: { errcode: 'M_UNAUTHORIZED' } });
    expect((await ask('GET', '/_matrix/app/v1/thirdparty/protocol/imps', { token: 'guess' })).status).toBe(
      403,
    );
    expect(taken).toEqual([]);
    expect(JSON.stringify(log.lines)).not.toContain('guess');
  });

  it('accepts the token as a query parameter, and paths without the prefix', async () => {
    const path = `/transactions/1?access_token=${TOKEN}`;
    expect((await ask('PUT', path, { body: '{"events":[]}', token: '' })).status).toBe(200);
    expect((await ask('PUT', '/transactions/1?access_token=guess', { body: '{}', token: '' })).status).toBe(
      403,
    );
    expect(taken).toHaveLength(1);
  });

  it.each([
    ['not JSON', '{"events":', 400, 'M_NOT_JSON'],
    ['an endless body', ' '.repeat(17 * 1024 * 1024), 413, 'M_TOO_LARGE'],
  ])('refuses %s', async (_what, body, status, errcode) => {
    expect(await ask('PUT', PATH, { body })).toMatchObject({ status, body: { errcode } });
    expect(taken).toEqual([]);
  });

  it.each(['[]', 'null', '7', '{"events":{}}', '{"events":null,"ephemeral":"x"}'])(
    'takes %s, which would be the same at each repeat, for an empty transaction',
    async (body) => {
      expect(await ask('PUT', PATH, { body })).toEqual({ status: 200, body: {} });
      expect(taken).toEqual([{ events: [], ephemeral: [] }]);
    },
  );

  it('logs wrong tokens and malformed transactions once a minute', async () => {
    for (let turn = 0; turn < 20; turn++) {
      await ask('PUT', PATH, { body: '{}', token: 'guess' });
      await ask('PUT', PATH, { body: '7' });
    }
    expect(log.lines.map(({ text }) => text)).toEqual([
      expect.stringContaining('wrong hs_token'),
      expect.stringContaining('malformed transaction'),
    ]);
  });

  it('knows users who exist, no rooms, and answers a ping', async () => {
    const user = (id: string): string => `/_matrix/app/v1/users/${encodeURIComponent(id)}`;
    expect((await ask('GET', user('@_imps_alice:hs.example'))).status).toBe(200);
    expect(await ask('GET', user('@_imps_nobody:hs.example'))).toMatchObject({
      status: 404,
      body: { errcode: 'M_NOT_FOUND' },
    });
    expect((await ask('GET', user('@_imps_away:hs.example'))).status).toBe(503);
    expect((await ask('GET', '/_matrix/app/v1/rooms/%23x%3Ahs.example')).status).toBe(404);
    expect((await ask('POST', '/_matrix/app/v1/ping', { body: '{"transaction_id":"1"}' })).status).toBe(200);
    expect(await ask('GET', '/elsewhere')).toMatchObject({
      status: 404,
      body: { errcode: 'M_UNRECOGNIZED' },
    });
  });
});
