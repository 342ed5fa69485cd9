# Node 24 runs the TypeScript as it is: there is no build step, only the dependencies to install.
FROM node:24-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# The optional packages are Node itself and the embedded PostgreSQL; the image has the one and is given the other.
RUN npm ci --omit=dev --omit=optional --ignore-scripts

FROM node:24-slim
WORKDIR /app
# HOST: inside the container every interface is the container's own; what is published is for the engine to say.
# MALLOC_ARENA_MAX: one arena, so that memory that was freed goes back to the system, as with npm start.
# NODE_ENV stays with whoever runs the image: production is refused as long as there is no authentication.
ENV HOST=0.0.0.0 PORT=8080 GRPC_PORT=50051 GATEWAY_HOST=0.0.0.0 GATEWAY_PORT=12111 DATA_DIR=/data MALLOC_ARENA_MAX=1
RUN mkdir /data && chown node:node /data
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json ./
COPY proto ./proto
COPY gen ./gen
COPY src ./src
USER node
VOLUME /data
EXPOSE 8080 50051 12111
# The certificate is for the name that callers use, not for 127.0.0.1; the probe asks whether the service lives, not who it is.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["node", "--no-warnings", "-e", "const { PORT, TLS_KEY_FILE } = process.env; if (TLS_KEY_FILE) process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'; fetch((TLS_KEY_FILE ? 'https' : 'http') + '://127.0.0.1:' + PORT + '/health/live').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# Node is process 1 and gets SIGTERM itself, which starts the graceful stop.
CMD ["node", "--expose-gc", "--max-semi-space-size=16", "--import", "./src/require-node.js", "src/main.ts"]
