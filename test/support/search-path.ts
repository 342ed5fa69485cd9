// Where tests look for nats-server: as the service does, on PATH. A whole run puts a fetched one there first (test/run.ts).
export const searchPath = process.env["PATH"] ?? "";
