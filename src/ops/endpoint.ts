// The operator's HTTP endpoint: liveness, readiness, metrics. On its own listener, on loopback unless told otherwise.

import express, { type ErrorRequestHandler, type Router } from 'express';
import type { Server } from 'node:http';
import type { MetricsRegistry } from './metrics.ts';
import type { Log } from './ports.ts';

export interface Readiness {
  readonly ready: boolean;
  /** By part of the house: 'up', 'degraded', 'down', 'starting', … */
  readonly parts: Readonly<Record<string, string>>;
}

export interface OpsEndpoint {
  readonly address: { readonly host: string; readonly port: number };
  close(): Promise<void>;
}

export async function startOpsEndpoint(options: {
  host: string;
  port: number;
  metrics: MetricsRegistry;
  readiness: () => Readiness;
  /** Further routes, each with its own protection. */
  routers?: readonly { readonly path: string; readonly router: Router }[];
  log: Log;
}): Promise<OpsEndpoint> {
  const app = express();
  app.disable('x-powered-by');
  app.get('/healthz', (_request, response) => {
    response.type('text/plain').send('ok\n');
  });
  app.get('/readyz', (_request, response) => {
    const state = options.readiness();
    response.status(state.ready ? 200 : 503).json(state);
  });
  app.get('/metrics', async (_request, response) => {
    const { contentType, text } = await options.metrics.expose();
    response.setHeader('Content-Type', contentType);
    response.send(text);
  });
  for (const { path, router } of options.routers ?? []) app.use(path, router);
  // Express recognises an error handler by its four parameters. The caller gets no stack.
  const failed: ErrorRequestHandler = (error, request, response, _next) => {
    options.log.error({ err: error, path: request.path }, 'operator endpoint failed');
    response.status(500).type('text/plain').send('internal error, see the log\n');
  };
  app.use(failed);
  const server = await new Promise<Server>((resolve, reject) => {
    const listening = app.listen(options.port, options.host, (error?: Error) => {
      if (error === undefined) resolve(listening);
      else reject(error);
    });
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : options.port;
  return {
    address: { host: options.host, port },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
