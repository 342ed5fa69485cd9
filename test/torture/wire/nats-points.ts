// The points of a connection to NATS (its documentation, "Client Protocol"): a message that the service publishes, and the answer to it, which for an event is
// the stream's confirmation. All else passes.
import { type Dialect, type Direction, Intake, type Piece, pieceOf } from "./dialect.ts";

const LINE_END = "\r\n";
/** Operations with a payload; its length is the last word of their line. */
const WITH_PAYLOAD = new Set(["PUB", "HPUB", "MSG", "HMSG"]);
/** Publishes whose answers are awaited; the oldest is forgotten first. */
const AWAITED_MAX = 100_000;
/** What ends in random letters: where an answer is sent to, and a consumer of a moment. */
const INBOX = "_INBOX";
const OF_CONSUMER = /^(\$JS\.API\.CONSUMER\..*)\.\w+$/;

interface Operation {
  readonly bytes: Buffer;
  readonly words: readonly string[];
}

export class NatsDialect implements Dialect {
  readonly #up = new Intake();
  readonly #down = new Intake();
  /** By the subject that the answer comes to: what was published. */
  readonly #awaited = new Map<string, string>();

  read(direction: Direction, chunk: Buffer): Piece[] {
    const intake = direction === "up" ? this.#up : this.#down;
    intake.add(chunk);
    const pieces: Piece[] = [];
    for (let operation = takeOperation(intake); operation; operation = takeOperation(intake))
      pieces.push(direction === "up" ? this.#sent(operation) : this.#received(operation));
    return pieces;
  }

  rest(direction: Direction): Piece[] {
    return pieceOf((direction === "up" ? this.#up : this.#down).takeAll());
  }

  #sent({ bytes, words }: Operation): Piece {
    const [name = "", subject = "", ...more] = words;
    if (name !== "PUB" && name !== "HPUB") return { bytes };
    const label = subject.startsWith(INBOX) ? INBOX : subject.replace(OF_CONSUMER, "$1");
    const lengths = name === "PUB" ? 1 : 2;
    const [reply] = more.length > lengths ? more : [];
    if (reply !== undefined) this.#await(reply, label);
    return { bytes, point: { on: "nats", side: "send", label } };
  }

  #await(reply: string, label: string): void {
    this.#awaited.set(reply, label);
    const [oldest] = this.#awaited.keys();
    if (this.#awaited.size > AWAITED_MAX && oldest !== undefined) this.#awaited.delete(oldest);
  }

  #received({ bytes, words }: Operation): Piece {
    const [name, subject = ""] = words;
    const label = this.#awaited.get(subject);
    if ((name !== "MSG" && name !== "HMSG") || label === undefined) return { bytes };
    this.#awaited.delete(subject);
    return { bytes, point: { on: "nats", side: "receive", label } };
  }
}

/** One line, with its payload. */
function takeOperation(intake: Intake): Operation | undefined {
  const { bytes } = intake;
  const end = bytes.indexOf(LINE_END);
  if (end < 0) return undefined;
  const words = bytes.toString("latin1", 0, end).split(" ");
  const lineBytes = end + LINE_END.length;
  const hasPayload = WITH_PAYLOAD.has(words[0] ?? "");
  const length = hasPayload ? lineBytes + Number(words.at(-1)) + LINE_END.length : lineBytes;
  const taken = intake.take(length);
  return taken && { bytes: taken, words };
}
