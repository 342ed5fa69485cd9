// A gRPC client made from the .proto files, as a service in any language would make one: it knows nothing of this project but the contract.
import { existsSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { credentials, loadPackageDefinition, type Client, type ServiceError } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { StatusSchema } from "../../gen/google/rpc/status_pb.ts";

const root = join(import.meta.dirname, "../..");

export interface Money {
  readonly currency: string;
  readonly minor: string;
}

export interface Payment {
  readonly payment_id: string;
  readonly status: string;
  readonly version: number;
  readonly amount: Money;
  readonly amount_captured: Money;
  readonly amount_refunded: Money;
  readonly failure: { readonly reason: string; readonly message: string } | null;
}

export interface Answer {
  readonly payment: Payment;
}

/** A refusal as the wire carries it: its reason and outcome are in the ErrorInfo of the status details. */
export interface Refused {
  readonly code: number;
  readonly message: string;
  readonly reason: string;
  readonly outcome: string;
}

export type Call = (method: string, request: object) => Promise<Answer | Refused>;

/** Reads the google.rpc.ErrorInfo of a status, as clients in any language do with Google's own messages. */
function readDetails(error: ServiceError): Pick<Refused, "reason" | "outcome"> {
  const [details] = error.metadata.get("grpc-status-details-bin");
  if (!Buffer.isBuffer(details)) return { reason: "", outcome: "" };
  for (const detail of fromBinary(StatusSchema, details).details) {
    const info = anyUnpack(detail, ErrorInfoSchema);
    if (info) return { reason: info.reason, outcome: info.metadata["outcome"] ?? "" };
  }
  return { reason: "", outcome: "" };
}

export function connect(address: string): { readonly call: Call; close(): void } {
  const imports = join(root, ".buf");
  // The contract imports protovalidate's and Google's files, which this writes.
  if (!existsSync(imports)) execFileSync(process.execPath, [join(root, "proto/dependencies.ts")]);
  const definition = loadSync("payment/v1/payment_service.proto", {
    includeDirs: [join(root, "proto"), imports],
    keepCase: true,
    longs: String,
    enums: String,
    defaults: true,
  });
  const loaded = loadPackageDefinition(definition) as unknown as {
    payment: { v1: { PaymentService: new (address: string, credentials: unknown) => Client } };
  };
  const client = new loaded.payment.v1.PaymentService(address, credentials.createInsecure());
  const methods = client as unknown as Record<
    string,
    (request: object, done: (error: ServiceError | null, answer: Answer) => void) => void
  >;
  return {
    call(method, request) {
      const { promise, resolve } = Promise.withResolvers<Answer | Refused>();
      methods[method]?.call(client, request, (error, answer) =>
        resolve(error ? { code: error.code, message: error.details, ...readDetails(error) } : answer),
      );
      return promise;
    },
    close: () => client.close(),
  };
}
