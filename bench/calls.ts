// The three calls of a life, over each protocol that is measured, on one connection (over HTTP/1.1: one for each caller).
import {
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  create,
  toBinary,
} from "@bufbuild/protobuf";
import { Agent } from "node:http";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { Client, credentials } from "@grpc/grpc-js";
import { PaymentService } from "../gen/payment/v1/payment_service_pb.ts";

export const protocols = {
  grpc: "gRPC",
  connectJsonH2c: "Connect JSON over h2c",
  connectJsonHttp1: "Connect JSON over HTTP/1.1",
} as const;

export type Protocol = keyof typeof protocols;

type Methods = typeof PaymentService.method;
type Call<M extends DescMethodUnary> = (request: MessageInitShape<M["input"]>) => Promise<MessageShape<M["output"]>>;

export interface Calls {
  readonly createPayment: Call<Methods["createPayment"]>;
  readonly completePayment: Call<Methods["completePayment"]>;
  readonly refundPayment: Call<Methods["refundPayment"]>;
}

interface Options {
  /** Host and port. */
  readonly target: string;
  readonly timeoutMs: number;
}

/** A call that is refused throws with the service's own words. */
export function openCalls(protocol: Protocol, options: Options): Calls {
  switch (protocol) {
    case "grpc":
      return openGrpc(options);
    case "connectJsonH2c":
      return openConnectJson(options, "2");
    case "connectJsonHttp1":
      return openConnectJson(options, "1.1");
  }
}

function openConnectJson({ target, timeoutMs }: Options, httpVersion: "1.1" | "2"): Calls {
  const options = { baseUrl: `http://${target}`, useBinaryFormat: false, defaultTimeoutMs: timeoutMs };
  const transport =
    httpVersion === "2"
      ? createConnectTransport({ ...options, httpVersion })
      : createConnectTransport({ ...options, httpVersion, nodeOptions: { agent: new Agent({ keepAlive: true }) } });
  return createClient(PaymentService, transport);
}

function openGrpc({ target, timeoutMs }: Options): Calls {
  const client = new Client(target, credentials.createInsecure());
  const open = <M extends DescMethodUnary>(method: M): Call<M> => {
    const path = `/${method.parent.typeName}/${method.name}`;
    const serialize = (message: MessageShape<M["input"]>): Buffer => Buffer.from(toBinary(method.input, message));
    const deserialize = (bytes: Buffer): MessageShape<M["output"]> =>
      fromBinary(method.output, bytes) as MessageShape<M["output"]>;
    return (request) =>
      new Promise((resolve, reject) => {
        const message = create(method.input, request) as MessageShape<M["input"]>;
        const deadline = Date.now() + timeoutMs;
        client.makeUnaryRequest(path, serialize, deserialize, message, { deadline }, (error, answer) => {
          if (error || !answer) reject(error ?? new Error(`${path} was answered without a message`));
          else resolve(answer);
        });
      });
  };
  const { createPayment, completePayment, refundPayment } = PaymentService.method;
  return {
    createPayment: open(createPayment),
    completePayment: open(completePayment),
    refundPayment: open(refundPayment),
  };
}
