# wvgate as a container image; docs/operating.md says how to run it, compose.yaml shows it beside Prosody and Synapse.
#
# BASE: any image with Node 24, npm and a user `node` (uid 1000).
# Behind a private npm registry: --secret id=npmrc,src=$HOME/.npmrc
ARG BASE=docker.io/library/node:24-slim

FROM ${BASE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
COPY stubs ./stubs
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc \
    npm ci --omit=dev --ignore-scripts --no-audit --no-fund --loglevel=error

FROM ${BASE}
ENV NODE_ENV=production
WORKDIR /app
COPY package.json LICENSE ./
COPY stubs ./stubs
COPY --from=dependencies /app/node_modules ./node_modules
COPY adapters ./adapters
COPY src ./src
COPY config/compose/image.yaml /etc/wvgate/wvgate.yaml
# The same Node flags as scripts/run.mjs, without its installing of development tools.
RUN printf '%s\n' '#!/bin/sh' \
      'exec node --disable-warning=ExperimentalWarning --disable-warning=DEP0060 --disable-warning=DEP0040 \' \
      '  /app/src/main.ts "$@"' > /usr/local/bin/wvgate \
 && chmod 755 /usr/local/bin/wvgate \
 && mkdir /data && chown node:node /data && chmod 700 /data

USER node
WORKDIR /data
VOLUME /data
# CSP, standalone TCP CIR, operators, transactions of a Matrix homeserver
EXPOSE 8080 3171 9090 9099
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:9090/healthz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["wvgate"]
CMD ["serve", "--config", "/etc/wvgate/wvgate.yaml"]
