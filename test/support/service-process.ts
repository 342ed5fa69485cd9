// The service as its users run it: `npm start` as a process of its own, on free ports and on a data directory of its own, with the servers
// that it starts by itself. It keeps its ports over a restart, so that clients find it again.
import { type ChildProcess, spawn } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import pg from "pg";
import { postgresDatabase, postgresRole } from "../../src/embedded/postgres-cluster.ts";
import { type RunningServers, runningServers } from "../embedded/data-directory.ts";
import { canaryPattern, secretsOf } from "./canaries.ts";
import { type JournalAudit, readJournal } from "./gateway-journal.ts";
import { startArguments, startSettings } from "./start-command.ts";

const ROOT = join(import.meta.dirname, "../..");
const READY_TIMEOUT_MS = 60_000;
const NATS_USER = "payment";
/** Lines of the log that tell a secret are kept, this many. */
const LEAKS_MAX = 20;

type Environment = Readonly<Record<string, string>>;

export interface LogLine {
  readonly level: number;
  readonly msg: string;
  readonly [field: string]: unknown;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class ServiceProcess {
  readonly dataDir: string;
  readonly http = { port: 0 };
  readonly grpc = { port: 0 };
  /** Of the run that goes on, or that ended last. */
  logged: LogLine[] = [];
  /** Of all runs: what it wrote with a canary or a secret in it. Its whole log would be too much to keep. */
  readonly #leaks: string[] = [];
  #canary = new RegExp(canaryPattern([]));
  readonly #folder: string;
  readonly #environment: Environment;
  readonly #events = new EventEmitter();
  #child: ChildProcess | undefined;
  #exit: Promise<Exit> = Promise.resolve({ code: null, signal: null });
  #complaint = "";

  private constructor(environment: Environment) {
    this.#environment = environment;
    this.#folder = mkdtempSync(join(tmpdir(), "payment-service-"));
    // The embedded PostgreSQL may run as another user, who must be able to enter.
    chmodSync(this.#folder, 0o755);
    this.dataDir = join(this.#folder, "data");
    this.#events.setMaxListeners(0);
  }

  /** Makes a data directory and starts the service on it. */
  static async start(environment: Environment = {}): Promise<ServiceProcess> {
    const service = new ServiceProcess(environment);
    try {
      await service.start();
    } catch (error) {
      await service.remove();
      throw error;
    }
    return service;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** All that it wrote in this run: its log, and the end of what it told the person who started it. */
  get said(): string {
    return `${this.logged.map((line) => JSON.stringify(line)).join("\n")}\n${this.#complaint}`;
  }

  get exit(): Promise<Exit> {
    return this.#exit;
  }

  /** Starts it again, on the same data and the same ports. */
  async start(): Promise<void> {
    this.launch();
    await this.ready();
  }

  /** Starts it without waiting until it is ready. */
  launch(): void {
    const child = spawn(process.execPath, startArguments, {
      cwd: ROOT,
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        ...startSettings,
        PATH: process.env["PATH"],
        DATA_DIR: this.dataDir,
        PORT: String(this.http.port),
        GRPC_PORT: String(this.grpc.port),
        GATEWAY_PORT: "0",
        ...this.#environment,
      },
    });
    this.#child = child;
    this.#canary = new RegExp(canaryPattern(this.secrets()));
    this.#complaint = "";
    this.logged = [];
    this.#exit = once(child, "exit").then(([code, signal]) => ({ code, signal }) as Exit);
    void this.#exit.then(() => this.#events.emit("line"));
    createInterface(child.stdout).on("line", (line) => this.#take(line));
    child.stderr.on("data", (text: Buffer) => {
      this.#listen(text.toString());
      this.#complaint = (this.#complaint + text.toString()).slice(-4_000);
    });
  }

  async ready(): Promise<void> {
    const line = await this.awaitLog("service ready");
    this.http.port = line["port"] as number;
    this.grpc.port = line["grpcPort"] as number;
    // The servers' passwords are made at the first start.
    this.#canary = new RegExp(canaryPattern(this.secrets()));
    for (const each of this.logged) this.#listen(JSON.stringify(each));
  }

  /** Those of its settings, and the passwords of its servers. */
  secrets(): string[] {
    const passwords = (["postgres", "nats"] as const).flatMap((server) => {
      const file = join(this.dataDir, server, "password");
      return existsSync(file) ? [readFileSync(file, "utf8").trim()] : [];
    });
    return [...secretsOf(this.#environment), ...passwords];
  }

  /** What it wrote in all runs, of which nothing may be found. */
  overheard(): (readonly [where: string, text: string])[] {
    return this.#leaks.map((text) => ["the log", text] as const);
  }

  /** Waits until a line was logged in this run for the given time, be it before or after the call. */
  async awaitLog(msg: string, times = 1): Promise<LogLine> {
    const child = this.#child;
    const deadline = AbortSignal.timeout(READY_TIMEOUT_MS);
    for (;;) {
      const line = this.logged.filter((each) => each.msg === msg)[times - 1];
      if (line) return line;
      if (!child || child.exitCode !== null || child.signalCode !== null)
        throw new Error(`the service ended before it logged "${msg}": ${this.#complaint}`);
      await once(this.#events, "line", { signal: deadline });
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** Ends it as a crash would; its servers go on. */
  kill(): Promise<Exit> {
    this.signal("SIGKILL");
    return this.#exit;
  }

  /** Asks it to end. */
  stop(): Promise<Exit> {
    this.signal("SIGTERM");
    return this.#exit;
  }

  servers(): RunningServers {
    return runningServers(this.dataDir);
  }

  /** Of the server that the service runs now, as the server itself wrote it down. */
  serverPid(server: "postgres" | "nats"): number {
    const file = server === "postgres" ? "postgres/data/postmaster.pid" : "nats/server.pid";
    return Number.parseInt(readFileSync(join(this.dataDir, file), "utf8"), 10);
  }

  /** Of the embedded PostgreSQL. */
  get databaseUrl(): string {
    const { port, password } = this.#access("postgres");
    return `postgres://${postgresRole}:${password}@127.0.0.1:${port}/${postgresDatabase}`;
  }

  /** Of the embedded nats-server. */
  get natsUrl(): string {
    const { port, password } = this.#access("nats");
    return `nats://${NATS_USER}:${password}@127.0.0.1:${port}`;
  }

  /** Runs one statement on a connection of its own. */
  async query<T extends object>(text: string, values: unknown[] = []): Promise<T[]> {
    const client = new pg.Client({ connectionString: this.databaseUrl, connectionTimeoutMillis: 10_000 });
    client.on("error", () => {});
    await client.connect();
    try {
      return (await client.query(text, values)).rows as T[];
    } finally {
      await client.end();
    }
  }

  /** A connection beside the service's own; whoever asks for it closes it. */
  connectNats(): Promise<NatsConnection> {
    const { port, password } = this.#access("nats");
    return connect({ servers: `127.0.0.1:${port}`, user: NATS_USER, pass: password, maxReconnectAttempts: -1 });
  }

  journal(): Promise<JournalAudit> {
    return readJournal(join(this.dataDir, "gateway", "journal.jsonl"));
  }

  /** Ends it and its servers, however they are, and removes its data. */
  async remove(): Promise<void> {
    const child = this.#child;
    if (child && child.exitCode === null && child.signalCode === null) {
      child.kill("SIGKILL");
      await this.#exit;
    }
    const { postmasters, natsServers, others } = this.servers();
    for (const pid of [...postmasters, ...natsServers, ...others]) endNow(pid);
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  }

  #access(server: "postgres" | "nats"): { port: string; password: string } {
    const read = (file: string): string => readFileSync(join(this.dataDir, server, file), "utf8").trim();
    return { port: read("port"), password: read("password") };
  }

  #listen(text: string): void {
    if (this.#leaks.length < LEAKS_MAX && this.#canary.test(text)) this.#leaks.push(text);
  }

  #take(line: string): void {
    this.#listen(line);
    this.logged.push(JSON.parse(line) as LogLine);
    this.#events.emit("line");
  }
}

function endNow(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
