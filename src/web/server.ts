// The users' HTTP listener: one Express app for everything that is not CSP (profile API, content, pages), apart from
// the operators' endpoint.

import express, { type Express, type RequestHandler, type Router } from 'express';
import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Log } from '../ops/ports.ts';
import { errorHandler, notFound } from './errors.ts';

/** Routes below a path. */
export interface Mount {
  /** `/api/profile`, `/content`, … */
  readonly path: string;
  readonly router: Router;
}

export interface WebOptions {
  readonly host: string;
  /** 0 = any free one. */
  readonly port: number;
  readonly routers: readonly Mount[];
  /** PEM. Absent = plain HTTP, for a proxy in front or for loopback. */
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer };
  /** Connections at once; more are closed. Default 1,000. */
  readonly maxConnections?: number;
  readonly log: Log;
}

export interface WebEndpoint {
  readonly address: { readonly host: string; readonly port: number };
  /** Takes no more requests, gives those under way `graceMs` (default none) and closes. */
  close(graceMs?: number): Promise<void>;
}

const MAX_CONNECTIONS = 1_000;

/** What users get is theirs alone: nothing is cached or guessed at, unless a route says otherwise. */
const defaults: RequestHandler = (_request, response, next) => {
  response.setHeader('Cache-Control', 'no-store');
  response.setHeader('X-Content-Type-Options', 'nosniff');
  next();
};

/** The app by itself, for a listener of the caller's. */
export function webApp(routers: readonly Mount[], log: Log): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use(defaults);
  for (const { path, router } of routers) app.use(path, router);
  app.use(notFound);
  app.use(errorHandler(log));
  return app;
}

/** Listens. Rejects when the address cannot be had. */
export async function startWeb(options: WebOptions): Promise<WebEndpoint> {
  const { host, port, tls, log } = options;
  const app = webApp(options.routers, log);
  const server: Server = tls === undefined ? createServer(app) : createTlsServer({ ...tls }, app);
  server.maxConnections = options.maxConnections ?? MAX_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  server.on('error', (error) => log.error({ err: error }, 'web listener failed'));
  const address = server.address();
  return {
    address: { host, port: typeof address === 'object' && address !== null ? address.port : port },
    close: (graceMs = 0) => closed(server, graceMs),
  };
}

function closed(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const impatient = setTimeout(() => server.closeAllConnections(), graceMs);
    server.close(() => {
      clearTimeout(impatient);
      resolve();
    });
    server.closeIdleConnections();
  });
}
