// The content service over HTTP: users' and groups' storage areas behind a password, and public links.

import express, { Router, type Request, type RequestHandler, type Response } from 'express';
import { z } from 'zod';
import type { ContentLink, ContentRecord } from '../store/content.ts';
import { groupArea, ownArea, type Area, type GroupRoles } from '../services/content/areas.ts';
import type { ContentService } from '../services/content/content.ts';
import { shareContent, type Inviter, type Shared } from '../services/content/sharing.ts';
import { isAddressError, parseGroup, parseUser } from '../wv/address.ts';
import type { Domain } from '../wv/ids.ts';
import type { Party } from '../wv/message.ts';
import { signedIn } from './authenticate.ts';
import { announcedSize, bodyOf, sendItem, turnAway, webError } from './content-files.ts';
import { checked, WebError } from './errors.ts';
import type { Mount } from './server.ts';

export interface ContentRoutes {
  readonly content: ContentService;
  readonly domain: Domain;
  /** Lets users in; `signedIn` says who it is. */
  readonly authenticate: RequestHandler;
  /** Absent = groups have no areas. */
  readonly groups?: GroupRoles | undefined;
  /** Absent = no invitations are sent. */
  readonly inviter?: Inviter | undefined;
}

const PAGE = 200;
const MAX_INVITED = 50;

const pageSchema = z.strictObject({
  after: z.string().max(255).optional(),
  limit: z.coerce.number().int().min(1).max(PAGE).default(PAGE),
});
const uploadSchema = z.strictObject({ name: z.string() });
const renameSchema = z.strictObject({ name: z.string() });
const linkSchema = z.strictObject({
  days: z.number().positive().optional(),
  audience: z.string().max(200).default(''),
});
const invitationSchema = z.strictObject({
  item: z.string().max(100),
  to: z.array(z.string().max(400)).min(1).max(MAX_INVITED),
  days: z.number().positive().optional(),
  note: z.string().max(200).optional(),
});

/** Where the routes of content stand. */
export function contentMounts(content: ContentService, routes: Omit<ContentRoutes, 'content'>): Mount[] {
  return [
    { path: '/content', router: contentRoutes({ content, ...routes }) },
    { path: '/c', router: publicContentRoutes(content) },
  ];
}

/** For people who have a link: GET and HEAD /<token>[/<name>]. Unknown, expired and revoked look alike. */
export function publicContentRoutes({ links, files }: ContentService): Router {
  const router = Router();
  router.get('/:token{/:name}', async (request, response) => {
    const item = await links.resolve(request.params.token);
    if (item === undefined) throw nothingHere();
    await sendItem(response, files, item);
  });
  return router;
}

/** For users: their own area, and those of groups below /groups/<address>. */
export function contentRoutes(routes: ContentRoutes): Router {
  const router = Router();
  router.use(routes.authenticate);
  router.use('/groups/:group', enterGroup(routes), areaRoutes(routes));
  router.use((_request, response, next) => {
    response.locals['area'] = ownArea(signedIn(response));
    next();
  }, areaRoutes(routes));
  return router;
}

function enterGroup({ groups, domain }: ContentRoutes): RequestHandler<{ group: string }> {
  return async (request, response, next) => {
    const group = parseGroup(request.params.group, domain);
    const area = isAddressError(group) ? undefined : await groupArea(groups, group, signedIn(response));
    if (area === undefined) throw nothingHere();
    response.locals['area'] = area;
    next();
  };
}

function areaRoutes(routes: ContentRoutes): Router {
  const { storage, files, links } = routes.content;
  const json = express.json({ limit: 16_384 });
  const router = Router();

  router.get('/items', async (request, response) => {
    const { after, limit } = checked(pageSchema, request.query);
    const { owner } = areaOf(response);
    const items = await storage.list(owner, after, limit);
    const { quota } = routes.content.area;
    response.json({ usage: { ...(await storage.usage(owner)), quota }, items: items.map(shown) });
  });

  router.post('/items', (request, response) =>
    upload(routes, request, response, checked(uploadSchema, request.query).name, false),
  );

  router.put('/upload/:name', (request, response) =>
    upload(routes, request, response, request.params.name, true),
  );

  router.get('/items/:id', async (request, response) => {
    await sendItem(response, files, await itemOf(routes, request, response));
  });

  router.patch('/items/:id', json, async (request, response) => {
    const item = await ownItemOf(routes, request, response);
    const { name } = checked(renameSchema, request.body);
    response.json(shown(await storage.rename(item, name).catch(rethrow)));
  });

  router.delete('/items/:id', async (request, response) => {
    await storage.remove((await ownItemOf(routes, request, response)).id);
    response.status(204).end();
  });

  router.get('/items/:id/links', async (request, response) => {
    const item = await ownItemOf(routes, request, response);
    response.json({ links: (await links.of(item)).map((link) => shownLink(routes, link, item)) });
  });

  router.post('/items/:id/links', json, async (request, response) => {
    const item = await ownItemOf(routes, request, response);
    const { days, audience } = checked(linkSchema, request.body ?? {});
    const link = await links.create(item, audience, days).catch(rethrow);
    response.status(201).json(shownLink(routes, link, item));
  });

  router.delete('/items/:id/links/:token', async (request, response) => {
    const item = await ownItemOf(routes, request, response);
    if (!(await links.revoke(item, request.params.token))) throw nothingHere();
    response.status(204).end();
  });

  router.post('/invitations', json, async (request, response) => {
    const { inviter, domain } = routes;
    if (inviter === undefined) throw new WebError(501, 'this server sends no invitations');
    const { item: id, to, days, note } = checked(invitationSchema, request.body);
    const item = changeable(areaOf(response), await storage.get(id));
    const parties = to.map((text, index) => partyOf(text, index, domain));
    const offer = { from: areaOf(response).user, item, to: parties, days, note };
    const outcomes = await shareContent({ links, inviter }, offer).catch(rethrow);
    response.json({ invited: outcomes.map(shownOutcome) });
  });

  return router;
}

async function upload(
  { content }: ContentRoutes,
  request: Request,
  response: Response,
  name: string,
  replace: boolean,
): Promise<void> {
  const { owner, user, mayChange } = areaOf(response);
  const announced = announcedSize(request);
  try {
    if (replace) await mayReplace(content, owner, name, mayChange);
    const upload = {
      owner,
      name,
      type: request.headers['content-type'] ?? 'application/octet-stream',
      source: bodyOf(request),
      replace,
      addedBy: user,
      ...(announced === undefined ? {} : { announced }),
    };
    response.status(201).json(shown(await content.storage.add(upload, content.area)));
  } catch (error) {
    await turnAway(request, response);
    throw webError(error);
  }
}

/** In a group, one does not write over what others put there. */
async function mayReplace(
  { storage }: ContentService,
  owner: Area['owner'],
  name: string,
  mayChange: Area['mayChange'],
): Promise<void> {
  const older = await storage.named(owner, name);
  if (older !== undefined && !mayChange(older)) throw forbidden();
}

function areaOf(response: Response): Area {
  return response.locals['area'] as Area;
}

/** The item of the path, if it is in this area. */
async function itemOf(
  { content }: ContentRoutes,
  request: Request<{ id: string }>,
  response: Response,
): Promise<ContentRecord> {
  const item = await content.storage.get(request.params.id);
  if (item === undefined || item.owner !== areaOf(response).owner) throw nothingHere();
  return item;
}

async function ownItemOf(
  routes: ContentRoutes,
  request: Request<{ id: string }>,
  response: Response,
): Promise<ContentRecord> {
  return changeable(areaOf(response), await itemOf(routes, request, response));
}

function changeable(area: Area, item: ContentRecord | undefined): ContentRecord {
  if (item === undefined || item.owner !== area.owner) throw nothingHere();
  if (!area.mayChange(item)) throw forbidden();
  return item;
}

/** A group's address has a slash. */
function partyOf(text: string, index: number, domain: Domain): Party {
  const group = text.includes('/') ? parseGroup(text, domain) : undefined;
  if (group !== undefined && !isAddressError(group)) return { kind: 'group', group };
  const user = parseUser(text, domain);
  if (isAddressError(user)) throw new WebError(400, 'not an address', { field: `to.${index}` });
  return { kind: 'user', user };
}

function shown({ id, name, type, size, sha256, createdAt, expiresAt, addedBy }: ContentRecord) {
  return {
    id,
    name,
    type,
    size,
    sha256,
    created: new Date(createdAt).toISOString(),
    ...(expiresAt === undefined ? {} : { expires: new Date(expiresAt).toISOString() }),
    ...(addedBy === undefined ? {} : { addedBy }),
  };
}

function shownLink({ content }: ContentRoutes, link: ContentLink, item: ContentRecord) {
  return {
    token: link.token,
    url: content.links.url(link, item),
    expires: new Date(link.expiresAt).toISOString(),
    audience: link.audience,
  };
}

function shownOutcome({ to, result, url }: Shared) {
  const { code, description } = result;
  return {
    to: to.kind === 'user' ? to.user : to.group,
    code,
    ...(description === undefined ? {} : { description }),
    ...(url === undefined ? {} : { url }),
  };
}

function rethrow(error: unknown): never {
  throw webError(error);
}

function nothingHere(): WebError {
  return new WebError(404, 'there is nothing here');
}

function forbidden(): WebError {
  return new WebError(403, 'somebody else put this here');
}
