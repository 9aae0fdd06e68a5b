# The service in an image: built from source, run without privileges. Bases are arguments, so that a
# registry mirror or a base of one's own can take their place.
#   docker build -t zvm . && docker run --rm -p 127.0.0.1:8080:8080 zvm
ARG NODE_IMAGE=node:24-bookworm-slim

# The native tools: what runs programs; tests are not built.
FROM ${NODE_IMAGE} AS native
WORKDIR /zvm
COPY native/packages.sh native/packages.sh
RUN native/packages.sh && rm -rf /var/lib/apt/lists/*
COPY native native
COPY test test
RUN native/build.sh release product \
  && mkdir /out \
  && cp native/build/zvm-run native/build/zvm-validate native/build/zvm-worker \
     native/build/zvm.node /out/ \
  && strip /out/zvm-run /out/zvm-validate /out/zvm-worker

# The packages of the service. The base has a Node of its own, so the one from npm is left out.
FROM ${NODE_IMAGE} AS packages
WORKDIR /zvm
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --no-audit --no-fund \
  && rm -rf node_modules/node node_modules/node-bin-* node_modules/.bin/node

FROM ${NODE_IMAGE} AS service
RUN groupadd --gid 10001 zvm \
  && useradd --uid 10001 --gid zvm --no-create-home --shell /usr/sbin/nologin zvm \
  && install -d -o zvm -g zvm -m 0700 /var/lib/zvm
WORKDIR /zvm
COPY package.json openapi.yaml ./
COPY --from=packages /zvm/node_modules node_modules
COPY service service
COPY --from=native /out native/build
ENV NODE_ENV=production ZVM_HOST=0.0.0.0 ZVM_PORT=8080 ZVM_DATA_DIR=/var/lib/zvm
VOLUME /var/lib/zvm
EXPOSE 8080
USER 10001:10001
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.ZVM_PORT}/readyz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "service/main.ts"]
