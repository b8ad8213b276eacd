# One image for every node: SERVICES says what a container runs, all of them where nothing is said.
ARG NODE_IMAGE=node:24-bookworm-slim

FROM ${NODE_IMAGE} AS modules
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends tini && rm -rf /var/lib/apt/lists/*
WORKDIR /lonja
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund
# Maps, types and documents are for those who develop.
RUN find node_modules -type f \( -name '*.map' -o -name '*.md' -o -name '*.ts' -o -name '*.mts' -o -name '*.cts' \) -delete
COPY . /source/
# Whoever checked it out may have kept it to themselves.
RUN chmod -R a+rX,go-w /source

FROM ${NODE_IMAGE}
# What installs packages does not run a shop.
RUN rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack \
      /usr/local/bin/yarn /usr/local/bin/yarnpkg /opt/yarn-* \
    && install -d -o 1000 -g 1000 -m 0700 /data
# Node as the first process would not hear signals before it listens to them, and would bury no orphans.
COPY --from=modules /usr/bin/tini /usr/bin/tini
WORKDIR /lonja
COPY --from=modules /lonja/node_modules ./node_modules
COPY --from=modules /source ./
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000 HEALTH_PORT=3001 DATA_DIR=/data
USER 1000:1000
VOLUME /data
EXPOSE 3000 3001
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s --retries=3 CMD ["node", "-e", "require('node:http').get({ port: process.env.HEALTH_PORT, path: '/health/ready' }, ({ statusCode }) => process.exit(statusCode === 200 ? 0 : 1)).on('error', () => process.exit(1))"]
ENTRYPOINT ["tini", "--"]
CMD ["node", "--max-semi-space-size=4", "--heap-growing-percent=80", "lonja.ts"]
