// The direct face of the gateway: calls within the process, without HTTP. The other code knows the gateway by this file alone.
import { type Answer, type CallOptions, type Gateway, LOST, type Search } from "./gateway.ts";
import type { Life } from "./objects.ts";
import type { GatewayRequest } from "./requests.ts";

export type { GatewayEvent } from "./events.ts";
export { printEvent } from "./events.ts";
export { FAULT_METADATA_KEY } from "./faults.ts";
export { type Answer, Gateway } from "./gateway.ts";
export type {
  CancellationReason,
  Life,
  RefundReason,
} from "./objects.ts";
export type { GatewayRequest } from "./requests.ts";

/** A call ended without an answer. */
export class NoAnswer extends Error {
  /** False when the call certainly never reached the gateway. */
  readonly sent: boolean;

  constructor(message: string, sent: boolean) {
    super(message);
    this.name = "NoAnswer";
    this.sent = sent;
  }
}

/** The calls reject with NoAnswer where a network would lose them. */
export interface DirectGateway {
  perform(request: GatewayRequest, call: CallOptions): Promise<Answer>;
  retrieve(id: string, signal: AbortSignal): Promise<Answer>;
  search(search: Search, signal: AbortSignal): Promise<Life[]>;
  /** The payments made within a span of time, oldest first, each read when it is asked for. */
  list(range: { readonly createdFrom: Date; readonly createdTo: Date }, signal: AbortSignal): AsyncIterable<Life>;
}

export function openDirect(gateway: Gateway): DirectGateway {
  return {
    async perform(request, call) {
      checkReachable(gateway, call.signal);
      return answered(await gateway.perform(request, call));
    },
    async retrieve(id, signal) {
      checkReachable(gateway, signal);
      return answered(await gateway.retrieve(id, signal));
    },
    async search(search, signal) {
      checkReachable(gateway, signal);
      return gateway.search(search);
    },
    async *list(range, signal) {
      checkReachable(gateway, signal);
      yield* gateway.listLives({ order: "oldest", ...range });
    },
  };
}

function checkReachable(gateway: Gateway, signal: AbortSignal): void {
  if (gateway.closed) throw new NoAnswer("the gateway is closed", false);
  if (signal.aborted) throw new NoAnswer("the caller gave up before the call", false);
}

function answered(answer: Answer | typeof LOST): Answer {
  if (answer === LOST) throw new NoAnswer("the connection to the gateway was lost", true);
  return answer;
}
