// What an answer may be, and what may be in the tables afterwards: a payment that nobody was told of was written by a request that was refused.
import type { ServiceProcess } from "../../support/service-process.ts";
import type { Answer, Input } from "./fuzz-material.ts";

/** CANCELLED to UNAUTHENTICATED, without those that say that the service failed: UNKNOWN (2), INTERNAL (13) and DATA_LOSS (15). */
const FAILED_GRPC = new Set([2, 13, 15]);
const UNAVAILABLE_GRPC = 14;
/** Answers whose requests may have written something although they are not accepted: a decline is a payment too. */
const MAY_HAVE_WRITTEN =
  /DECLINED|UNKNOWN|APPLIED|CARD_|INVALID_CARD|INSUFFICIENT_FUNDS|AUTHENTICATION_REQUIRED|PROCESSING_ERROR/;
/** What names a payment, in requests and in answers. */
const NAMES =
  /[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}|cs_test_\w{24}|pi_[0-9a-z]{24}|fz-[0-9a-z]+|victim-\d+/g;
const READS = /\/(?:Get|List|Plan)\w*(?:\?|$)|^get\.payment\.status$/;
const VIOLATIONS_MAX = 40;
const SHOWN_MAX = 240;
const LINES_MAX = 5_000;
const ERROR_LEVEL = 50;
const STATUSES_MIN = 8;

interface PaymentRow {
  readonly id: string;
  readonly order_id: string;
  readonly session_id: string | null;
  readonly reference: string | null;
  readonly version: number;
}

/** Connect's own table has 501 for what is not offered, such as a compression, and 504 for a deadline that the caller set and that has passed. */
const CONNECT_STATUSES: Readonly<Record<number, string>> = {
  501: '"code":"unimplemented"',
  504: '"code":"deadline_exceeded"',
};

function isFailure({ protocol }: Input, { status, grpcStatus, text }: Answer): boolean {
  const code = protocol === "connect" ? CONNECT_STATUSES[status] : undefined;
  if (code !== undefined && text.includes(code)) return false;
  return status >= 500 || FAILED_GRPC.has(grpcStatus ?? 0);
}

function print(
  { protocol, wire, method, path, headers, body }: Input,
  { status, grpcStatus, text, problem }: Answer,
): string {
  const sent = `${protocol} over ${wire}: ${method} ${path.slice(0, 200)} ${JSON.stringify(headers).slice(0, 300)} ${JSON.stringify(body.subarray(0, SHOWN_MAX).toString("latin1"))} (${body.length} bytes, base64 ${body.subarray(0, SHOWN_MAX).toString("base64")})`;
  return `${sent}\n    ${problem ?? `${status} ${grpcStatus ?? ""}`} ${JSON.stringify(text.slice(0, SHOWN_MAX))}`;
}

export class Judge {
  answered = 0;
  overloads = 0;
  readonly violations: string[] = [];
  readonly #service: ServiceProcess;
  readonly #before: ReadonlyMap<string, number>;
  readonly #told = new Set<string>();
  readonly #statuses = new Map<string, number>();
  readonly #accepted = new Map<string, number>();
  #webhooksBefore = 0;

  private constructor(service: ServiceProcess, before: readonly PaymentRow[]) {
    this.#service = service;
    this.#before = new Map(before.map(({ id, version }) => [id, version]));
  }

  static async open(service: ServiceProcess): Promise<Judge> {
    const judge = new Judge(service, await readPayments(service));
    judge.#webhooksBefore = await judge.#countWebhooks();
    return judge;
  }

  /** More would tell nothing new. */
  get isFull(): boolean {
    return this.violations.length >= VIOLATIONS_MAX;
  }

  /** Every protocol took something and refused much, in many ways. Of bare connections few say anything that can be taken. */
  get isVaried(): boolean {
    const protocols = new Set([...this.#statuses.keys()].map((name) => name.split(" ")[0]));
    const isRefused = (protocol: string | undefined): boolean =>
      [...this.#statuses.keys()].some((name) => name.startsWith(`${protocol} `) && !/ (?:200|201|ok)$/.test(name));
    return (
      this.#statuses.size >= STATUSES_MIN &&
      [...protocols].every((each) => isRefused(each) && (each === "raw" || this.#accepted.has(each ?? "")))
    );
  }

  figures(): Record<string, unknown> {
    return {
      accepted: Object.fromEntries(this.#accepted),
      statuses: Object.fromEntries([...this.#statuses].toSorted(([a], [b]) => a.localeCompare(b))),
      overloads: this.overloads,
    };
  }

  take(input: Input, answer: Answer): void {
    this.answered += 1;
    if (this.answered % LINES_MAX === 0) this.#readLog();
    const { status, grpcStatus, problem } = answer;
    const isRpc = input.protocol === "connect" || input.protocol === "grpc" || input.protocol === "grpc-web";
    const isGrpc = isRpc && String(input.headers["content-type"]).startsWith("application/grpc");
    const code = grpcStatus === null ? String(status) : `grpc ${grpcStatus === 0 ? "ok" : grpcStatus}`;
    const name = `${input.protocol} ${problem === null ? code : "silence"}`;
    this.#statuses.set(name, (this.#statuses.get(name) ?? 0) + 1);
    // A stream that was not begun, and may be opened again (RFC 9113, section 8.7).
    if (problem?.includes("REFUSED_STREAM")) {
      this.overloads += 1;
      return;
    }
    if (problem !== null || (isGrpc && status === 200 && grpcStatus === null)) return this.#violate(input, answer);
    if (status === 503 || grpcStatus === UNAVAILABLE_GRPC) this.overloads += 1;
    else if (isFailure(input, answer)) return this.#violate(input, answer);
    const isAccepted = status >= 200 && status < 300 && (grpcStatus ?? 0) === 0;
    // On a bare connection whoever leaves is told of nothing.
    const mayHaveWritten = input.protocol === "raw" || MAY_HAVE_WRITTEN.test(answer.text);
    if (isAccepted) this.#accepted.set(input.protocol, (this.#accepted.get(input.protocol) ?? 0) + 1);
    if (isAccepted || mayHaveWritten) this.#learn(input, answer);
  }

  /** What is in the tables without anybody having been told. */
  async findUnexplained(): Promise<string[]> {
    this.#readLog();
    const found = this.violations.splice(0);
    for (const { id, order_id, session_id, reference, version } of await readPayments(this.#service)) {
      if (this.#before.get(id) === version) continue;
      if ([id, order_id, session_id, reference].some((name) => name !== null && this.#told.has(name))) continue;
      found.push(`payment ${id} of order ${order_id} came to version ${version}, and nobody was told`);
    }
    const [wrong] = await this.#service.query<{ count: number }>(
      "select count(*)::int as count from payment p where version <> (select count(*) from payment_event e where e.payment_id = p.id)",
    );
    if (wrong?.count !== 0) found.push(`${wrong?.count} payments whose events are not their changes`);
    const webhooks = (await this.#countWebhooks()) - this.#webhooksBefore;
    if (webhooks > (this.#accepted.get("webhook") ?? 0))
      found.push(`${webhooks} webhooks are stored, more than were received`);
    return found.slice(0, VIOLATIONS_MAX);
  }

  #learn({ protocol, method, path, body }: Input, { text }: Answer): void {
    const isRead = method === "GET" || method === "HEAD" || READS.test(path);
    if (isRead || protocol === "webhook") return;
    for (const [name] of `${path} ${body.toString("latin1")} ${text}`.matchAll(NAMES)) this.#told.add(name);
  }

  #violate(input: Input, answer: Answer): void {
    if (!this.isFull) this.violations.push(print(input, answer));
  }

  /** Lines are let go of once they were read. */
  #readLog(): void {
    for (const line of this.#service.logged) {
      if (line.level >= ERROR_LEVEL && !this.isFull) this.violations.push(`logged: ${JSON.stringify(line)}`);
    }
    this.#service.logged = [];
  }

  async #countWebhooks(): Promise<number> {
    const [row] = await this.#service.query<{ count: number }>("select count(*)::int as count from webhook_event");
    return row?.count ?? 0;
  }
}

function readPayments(service: ServiceProcess): Promise<PaymentRow[]> {
  return service.query<PaymentRow>(
    "select id, order_id, session_id, provider_reference as reference, version from payment",
  );
}
