// Areas of groups, and invitations, with the services of groups and invitations in the test's hand.

import type { RequestHandler } from 'express';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { GroupRole, GroupRoles } from '../../../src/services/content/areas.ts';
import type { Inviter } from '../../../src/services/content/sharing.ts';
import { contentMounts } from '../../../src/web/content-routes.ts';
import { startWeb, type WebEndpoint } from '../../../src/web/server.ts';
import { trusted, type Domain, type UserAddress } from '../../../src/wv/ids.ts';
import { OK, result } from '../../../src/wv/status.ts';
import { ask, type ShownItem } from '../../support/content-http.ts';
import { contentScene } from '../../support/content-scene.ts';
import { SILENT } from '../../support/silence.ts';

const DOMAIN = trusted<Domain>('wv.test');
const CLUB = encodeURIComponent('wv:ann/club@wv.test');

const roles = new Map<string, GroupRole>([
  ['wv:ann@wv.test', 'admin'],
  ['wv:bea@wv.test', 'member'],
  ['wv:cy@wv.test', 'member'],
]);
const groups: GroupRoles = {
  roleOf: async (group, user) => (group === 'wv:ann/club@wv.test' ? roles.get(user) : undefined),
};
/** Who asks stands in a header: sign-in is shown elsewhere. */
const authenticate: RequestHandler = (request, response, next) => {
  response.locals['user'] = request.headers['x-user'] as UserAddress;
  next();
};

let scene: Awaited<ReturnType<typeof contentScene>>;
let web: WebEndpoint;
let invited: Parameters<Inviter['share']>[0][] = [];

beforeEach(async () => {
  scene = await contentScene();
  invited = [];
  const inviter: Inviter = {
    share: async (invitation) => {
      invited.push(invitation);
      const { to } = invitation;
      return to.kind === 'user' && to.user === 'wv:ghost@wv.test' ? result(531) : OK;
    },
  };
  const routers = contentMounts(scene.content, { domain: DOMAIN, authenticate, groups, inviter });
  web = await startWeb({ host: '127.0.0.1', port: 0, routers, log: SILENT });
});
afterEach(async () => {
  await web.close();
  await scene.close();
});

function as(name: string, path: string, method = 'GET', body?: string, type = 'application/json') {
  const headers = { 'X-User': `wv:${name}@wv.test`, 'Content-Type': type };
  const question = body === undefined ? { method, headers } : { method, headers, body };
  return ask(web.address.port, `/content${path}`, question);
}

const upload = async (name: string, file: string) =>
  (await as(name, `/groups/${CLUB}/items?name=${file}`, 'POST', 'x', 'text/plain')).json<ShownItem>();

it('members see everything, change what they added; who moderates changes all; others see nothing', async () => {
  const item = await upload('bea', 'b.txt');
  expect(item.addedBy).toBe('wv:bea@wv.test');
  const path = `/groups/${CLUB}/items/${item.id}`;
  expect((await as('cy', path)).text).toBe('x');
  expect((await as('cy', path, 'DELETE')).status).toBe(403);
  expect((await as('cy', path, 'PATCH', '{"name":"c.txt"}')).status).toBe(403);
  expect((await as('cy', `/groups/${CLUB}/upload/b.txt`, 'PUT', 'mine', 'text/plain')).status).toBe(403);
  expect((await as('bea', path, 'PATCH', '{"name":"c.txt"}')).status).toBe(200);
  expect((await as('dan', path)).status).toBe(404);
  expect((await as('dan', `/groups/${CLUB}/items`)).status).toBe(404);
  expect((await as('bea', `/items/${item.id}`)).status).toBe(404);
  expect((await as('ann', path, 'DELETE')).status).toBe(204);
});

it('an invitation for each, with a link of its own; refused ones are told and their links revoked', async () => {
  const item = (await as('ann', '/items?name=a.txt', 'POST', 'hello', 'text/plain')).json<ShownItem>();
  const to = ['wv:bea@wv.test', 'wv:ghost@wv.test', 'wv:ann/club@wv.test'];
  const answer = await as('ann', '/invitations', 'POST', JSON.stringify({ item: item.id, to, days: 1 }));
  const outcomes = answer.json<{ invited: { to: string; code: number; url?: string }[] }>().invited;
  expect(outcomes.map(({ to: whom, code }) => [whom, code])).toEqual([
    ['wv:bea@wv.test', 200],
    ['wv:ghost@wv.test', 531],
    ['wv:ann/club@wv.test', 200],
  ]);
  expect(outcomes[1]?.url).toBeUndefined();
  expect(new Set(invited.map(({ url }) => url)).size).toBe(3);
  expect(invited[0]).toMatchObject({ from: 'wv:ann@wv.test', note: 'a.txt', validity: 86_400 });
  const fetched = invited.map(({ url }) => ask(web.address.port, new URL(url).pathname));
  expect((await Promise.all(fetched)).map(({ status }) => status)).toEqual([200, 404, 200]);
});

it('501 for invitations where nobody sends them', async () => {
  const silent = await startWeb({
    host: '127.0.0.1',
    port: 0,
    routers: contentMounts(scene.content, { domain: DOMAIN, authenticate }),
    log: SILENT,
  });
  const item = (await as('ann', '/items?name=a.txt', 'POST', 'x', 'text/plain')).json<ShownItem>();
  const headers = { 'X-User': 'wv:ann@wv.test', 'Content-Type': 'application/json' };
  const body = JSON.stringify({ item: item.id, to: ['wv:bea@wv.test'] });
  const answer = await ask(silent.address.port, '/content/invitations', { method: 'POST', headers, body });
  await silent.close();
  expect(answer.status).toBe(501);
});

it('nobody invites to what is not his, and an address that is none is named', async () => {
  const item = (await as('ann', '/items?name=a.txt', 'POST', 'x', 'text/plain')).json<ShownItem>();
  const invite = (name: string, to: string[]) =>
    as(name, '/invitations', 'POST', JSON.stringify({ item: item.id, to }));
  expect((await invite('bea', ['wv:cy@wv.test'])).status).toBe(404);
  const wrong = await invite('ann', ['wv:bea@wv.test', 'wv:a@b@c']);
  expect([wrong.status, wrong.json<{ error: { field: string } }>().error.field]).toEqual([400, 'to.1']);
  expect((await invite('ann', [])).status).toBe(400);
  expect(invited).toEqual([]);
});
